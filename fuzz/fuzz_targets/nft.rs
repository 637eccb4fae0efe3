//! What the kernel says: tables, chains, rules, sets, elements, acks.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netberth::kernel::anything;

fuzz_target!(|datagram: &[u8]| {
    anything::nft(datagram);
});
