//! A store in memory, for tests: the shortest true reading of what [`Store`] promises.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use super::{Batch, Change, Key, Record, Select, Store};
use crate::error::Result;

/// Records in memory, gone with the value.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Records>);

#[derive(Clone, Debug, Default)]
struct Records {
    rows: BTreeMap<Key, Row>,
    /// The last revision given to any record.
    last: u64,
    intent: Option<String>,
}

#[derive(Clone, Debug)]
struct Row {
    text: String,
    revision: u64,
    /// The first revision, hence the order of creation.
    born: u64,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Memory::default()
    }
}

impl Row {
    fn record(&self, key: &Key) -> Record {
        Record { key: key.clone(), text: self.text.clone(), revision: self.revision }
    }
}

impl Records {
    fn apply(&mut self, change: &Change) -> Result<()> {
        let old = self.rows.get(change.key());
        change.check(old.map(|row| row.revision))?;
        match change {
            Change::Put { key, text, .. } => {
                let revision = self.last + 1;
                let born = old.map_or(revision, |row| row.born);
                self.last = revision;
                self.rows.insert(key.clone(), Row { text: text.clone(), revision, born });
            }
            Change::Delete { key, .. } => {
                self.rows.remove(key);
            }
        }
        Ok(())
    }
}

impl Store for Memory {
    fn get(&self, key: &Key) -> Result<Option<Record>> {
        Ok(self.0.lock().rows.get(key).map(|row| row.record(key)))
    }

    fn list(&self, select: &Select<'_>) -> Result<Vec<Record>> {
        let records = self.0.lock();
        let mut rows: Vec<_> = records.rows.iter().filter(|(key, _)| select.takes(key)).collect();
        rows.sort_by_key(|(_, row)| row.born);
        Ok(rows.into_iter().map(|(key, row)| row.record(key)).collect())
    }

    fn commit(&self, batch: &Batch) -> Result<()> {
        let mut records = self.0.lock();
        let mut next = records.clone();
        for change in &batch.changes {
            next.apply(change)?;
        }
        next.intent = None;
        *records = next;
        Ok(())
    }

    fn intend(&self, text: &str) -> Result<()> {
        self.0.lock().intent = Some(text.to_owned());
        Ok(())
    }

    fn intended(&self) -> Result<Option<String>> {
        Ok(self.0.lock().intent.clone())
    }
}
