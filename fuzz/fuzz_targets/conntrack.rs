//! What the kernel says: entries, counts, and the deletion of what was read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netberth::kernel::anything;

fuzz_target!(|datagram: &[u8]| {
    anything::conntrack(datagram);
});
