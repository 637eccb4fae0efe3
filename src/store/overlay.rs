//! Changes in memory over a store that is only read: what a rehearsal commits to.

use std::collections::{HashMap, HashSet};
use std::ops::Deref;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Batch, Change, Expect, Key, Listed, Record, Rows, Select, Store, Table};
use crate::error::Result;

/// A store whose reads fall through to another and whose commits stay here.
///
/// `B` is a borrow or an `Arc` of the store beneath. What changes beneath afterwards is seen,
/// save for records that were changed here.
#[derive(Debug)]
pub struct Overlay<B> {
    base: B,
    own: Mutex<Own>,
}

#[derive(Clone, Debug)]
struct Own {
    rows: HashMap<Key, Fate>,
    last: u64,
    intent: Intent,
}

/// What is about to be done.
#[derive(Clone, Debug)]
enum Intent {
    /// Whatever that is beneath.
    Beneath,
    Here(Option<String>),
}

/// What became of a record here.
#[derive(Clone, Debug)]
enum Fate {
    /// Written. `born` is 0 where it keeps the place that it has beneath.
    Put { listed: Arc<Listed>, born: u64 },
    /// Removed.
    Gone,
}

/// Revisions given here are greater than any beneath: no store counts as far as this.
const FIRST: u64 = 1 << 63;

impl<B> Overlay<B>
where
    B: Deref<Target: Store> + Send + Sync,
{
    /// An overlay without changes.
    pub fn over(base: B) -> Self {
        let own = Own { rows: HashMap::new(), last: FIRST, intent: Intent::Beneath };
        Overlay { base, own: Mutex::new(own) }
    }
}

impl<B> Overlay<B> {
    /// What was changed, in the order in which it was written last; nothing is expected of what is
    /// beneath.
    pub fn changes(&self) -> Vec<Change> {
        let own = self.own.lock();
        let mut rows: Vec<(u64, Change)> = own
            .rows
            .iter()
            .map(|(key, fate)| {
                let (key, expect) = (key.clone(), Expect::Any);
                match fate {
                    Fate::Put { listed, .. } => {
                        let Record { text, revision, .. } = listed.record();
                        (*revision, Change::Put { key, text: text.clone(), expect })
                    }
                    Fate::Gone => (0, Change::Delete { key, expect }),
                }
            })
            .collect();
        rows.sort_by_key(|(revision, _)| *revision);
        rows.into_iter().map(|(_, change)| change).collect()
    }
}

impl<B> Overlay<B>
where
    B: Deref<Target: Store> + Send + Sync,
{
    /// Takes changes that cannot fail.
    ///
    /// # Errors
    /// As those of the store beneath.
    pub fn absorb(&self, changes: &[Change]) -> Result<()> {
        let mut own = self.own.lock();
        changes.iter().try_for_each(|change| own.apply(&*self.base, change))
    }
}

impl Fate {
    fn listed(&self) -> Option<&Arc<Listed>> {
        match self {
            Fate::Put { listed, .. } => Some(listed),
            Fate::Gone => None,
        }
    }

    fn born(&self) -> Option<u64> {
        match self {
            Fate::Put { born, .. } => Some(*born),
            Fate::Gone => None,
        }
    }
}

impl Own {
    fn apply(&mut self, base: &(impl Store + ?Sized), change: &Change) -> Result<()> {
        let key = change.key();
        let (found, born) = match self.rows.get(key) {
            Some(Fate::Put { listed, born }) => (Some(listed.record().revision), Some(*born)),
            Some(Fate::Gone) => (None, None),
            None => {
                let found = base.get(key)?.map(|record| record.revision);
                (found, found.map(|_| 0))
            }
        };
        change.check(found)?;
        let fate = match change {
            Change::Put { text, .. } => {
                // Beneath may be an overlay, too.
                self.last = self.last.max(found.unwrap_or(0)) + 1;
                let born = born.unwrap_or(self.last);
                let (key, text) = (key.clone(), text.clone());
                let listed = Listed::new(Record { key, text, revision: self.last });
                Fate::Put { listed, born }
            }
            Change::Delete { .. } => Fate::Gone,
        };
        self.rows.insert(key.clone(), fate);
        Ok(())
    }
}

impl Own {
    /// What was listed beneath, as it is here.
    fn over<T>(
        &self,
        select: &Select<'_>,
        beneath: Vec<T>,
        key: impl Fn(&T) -> &Key,
        of: impl Fn(&Arc<Listed>) -> T,
    ) -> Vec<T> {
        let mut stays: HashSet<&Key> = HashSet::new();
        let mut all = Vec::with_capacity(beneath.len() + self.rows.len());
        for one in beneath {
            match self.rows.get_key_value(key(&one)) {
                None => all.push(one),
                // In place where the record keeps its place; `made` has all the others.
                Some((key, Fate::Put { listed, born: 0 })) => {
                    stays.insert(key);
                    all.push(of(listed));
                }
                Some(_) => {}
            }
        }
        let others = self.rows.iter().filter(|(key, _)| select.takes(key) && !stays.contains(key));
        let mut made: Vec<(u64, T)> =
            others.filter_map(|(_, fate)| Some((fate.born()?, of(fate.listed()?)))).collect();
        made.sort_by_key(|(born, _)| *born);
        all.extend(made.into_iter().map(|(_, one)| one));
        all
    }
}

impl<B> Store for Overlay<B>
where
    B: Deref<Target: Store> + Send + Sync,
{
    fn get(&self, key: &Key) -> Result<Option<Record>> {
        match self.own.lock().rows.get(key) {
            Some(fate) => Ok(fate.listed().map(|listed| listed.record().clone())),
            None => self.base.get(key),
        }
    }

    fn found(&self, key: &Key) -> Result<Option<Arc<Listed>>> {
        match self.own.lock().rows.get(key) {
            Some(fate) => Ok(fate.listed().cloned()),
            None => self.base.found(key),
        }
    }

    fn list(&self, select: &Select<'_>) -> Result<Vec<Record>> {
        let own = self.own.lock();
        let records = self.base.list(select)?;
        Ok(own.over(select, records, |record| &record.key, |listed| listed.record().clone()))
    }

    fn listed(&self, table: Table, parent: &str) -> Result<Rows> {
        let own = self.own.lock();
        let records = Arc::unwrap_or_clone(self.base.listed(table, parent)?);
        let select = Select::of(table, parent);
        Ok(Arc::new(own.over(&select, records, |listed| &listed.record().key, Arc::clone)))
    }

    fn hold(&self) -> Result<()> {
        self.base.hold()
    }

    fn release(&self) {
        self.base.release();
    }

    fn commit(&self, batch: &Batch) -> Result<()> {
        let mut own = self.own.lock();
        let mut next = own.clone();
        for change in &batch.changes {
            next.apply(&*self.base, change)?;
        }
        next.intent = Intent::Here(None);
        *own = next;
        Ok(())
    }

    fn intend(&self, text: &str) -> Result<()> {
        self.own.lock().intent = Intent::Here(Some(text.to_owned()));
        Ok(())
    }

    fn intended(&self) -> Result<Option<String>> {
        match &self.own.lock().intent {
            Intent::Beneath => self.base.intended(),
            Intent::Here(intent) => Ok(intent.clone()),
        }
    }
}
