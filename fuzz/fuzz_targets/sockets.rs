//! What the kernel says: sockets that listen.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netberth::kernel::anything;

fuzz_target!(|datagram: &[u8]| {
    anything::sockets(datagram);
});
