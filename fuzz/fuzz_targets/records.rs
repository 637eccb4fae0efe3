//! One record of a store that was used says something else: what is opened works or is an error.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use netberth::kernel::fake::Fake;
use netberth::model::Filter;
use netberth::store::Memory;
use netberth_fuzz::{fill, open, tear_down, used};

fuzz_target!(|bytes: &[u8]| {
    let Some((which, text)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let mut records = used();
    let which = usize::from(*which) % records.len();
    records[which].1 = text;
    let store = Arc::new(Memory::new());
    fill(&*store, &records);
    let Ok(netberth) = open(&Arc::new(Fake::new()), store) else { return };
    let _ = netberth.networks(&Filter::all(), true);
    let _ = netberth.endpoints("wéb", &Filter::all(), true);
    let _ = netberth.services(&Filter::all(), true);
    let _ = netberth.verify();
    let _ = tear_down(&netberth);
});
