//! What the kernel says: links, addresses, routes, acks and the kernel's words beside them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netberth::kernel::anything;

fuzz_target!(|datagram: &[u8]| {
    anything::rtnetlink(datagram);
});
