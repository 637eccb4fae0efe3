//! What the targets share: choices out of bytes, a host without a kernel, records that were used.

use std::path::PathBuf;
use std::sync::Arc;

use netberth::kernel::fake::Fake;
use netberth::model::Filter;
use netberth::store::conformance::put;
use netberth::store::{Batch, Expect, Key, Store, Table};
use netberth::{Config, Netberth, Result};

/// Choices, made by what is left of an input; zeroes when nothing is left.
pub struct Choices<'a>(pub &'a [u8]);

impl<'a> Choices<'a> {
    /// Whether all were made.
    pub fn are_made(&self) -> bool {
        self.0.is_empty()
    }

    /// A byte.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        let mut number = usize::from(self.byte());
        let mut reach = 256;
        while reach < end {
            number = number << 8 | usize::from(self.byte());
            reach <<= 8;
        }
        number % end
    }

    /// One of several.
    pub fn of<T: Copy>(&mut self, several: &[T]) -> T {
        several[self.below(several.len())]
    }

    /// Some of the bytes themselves.
    pub fn bytes(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte()).min(self.0.len());
        let (some, rest) = self.0.split_at(length);
        self.0 = rest;
        some
    }
}

/// A directory of this process, the same every time, below that of temporary files.
pub fn directory() -> PathBuf {
    let name = format!("netberth-fuzz-{}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

/// netberth on a kernel that is imagined and a store in memory.
pub fn open(fake: &Arc<Fake>, store: Arc<dyn Store>) -> Result<Netberth> {
    let directory = directory();
    let config = Config {
        state_dir: directory.join("state"),
        run_dir: directory.join("run"),
        ..Config::default()
    };
    Netberth::open_with(config, fake.clone(), store)
}

/// Takes everything down that there is.
pub fn tear_down(netberth: &Netberth) -> Result<()> {
    for sandbox in netberth.sandboxes()? {
        netberth.sandbox_delete(&sandbox.container_id)?;
    }
    for network in netberth.networks(&Filter::all(), false)? {
        for endpoint in netberth.endpoints(&network.id, &Filter::all(), false)? {
            netberth.endpoint_delete(&network.id, &endpoint.id, true)?;
        }
        if !["none", "host", "bridge"].contains(&network.name.as_str()) {
            netberth.network_delete(&network.id)?;
        }
    }
    Ok(())
}

/// Key and text of the records of a store that was used: networks, endpoints, joins, and a join
/// that a process did not live to finish.
pub fn used() -> Vec<(Key, &'static str)> {
    let lines = include_str!("../../tests/golden/store/format-1.txt").lines();
    lines
        .map(|line| {
            let words: Vec<&str> = line.splitn(5, ' ').collect();
            let [name, parent, id, _revision, text] = words[..] else { panic!("{line}") };
            let table = Table::ALL.into_iter().find(|table| table.name() == name).unwrap();
            (Key::new(table, parent.trim_matches('\''), id), text)
        })
        .collect()
}

/// Puts records into a store.
pub fn fill(store: &dyn Store, records: &[(Key, &str)]) {
    let changes = records.iter().map(|(key, text)| put(key, text, Expect::Any)).collect();
    store.commit(&Batch { changes, durable: false }).unwrap();
}
