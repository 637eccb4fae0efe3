//! Records that are listed again and again, and read once.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::de::DeserializeOwned;

use super::{Record, decode};
use crate::error::Result;

/// A record and, once somebody has asked, what its document says.
pub struct Listed {
    record: Record,
    /// `OnceLock` is std's `once_cell`.
    read: OnceLock<Arc<dyn Any + Send + Sync>>,
    told: OnceLock<Option<Box<dyn Any + Send + Sync>>>,
}

/// A list of records.
pub type Rows = Arc<Vec<Arc<Listed>>>;

impl Listed {
    /// A record that nobody has read.
    pub fn new(record: Record) -> Arc<Listed> {
        Arc::new(Listed { record, read: OnceLock::new(), told: OnceLock::new() })
    }

    /// The record.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// What [`decode`] makes of the record; the second time without work.
    pub fn read<T: DeserializeOwned + Send + Sync + 'static>(&self) -> Result<Arc<T>> {
        let known = self.read.get().cloned();
        if let Some(Ok(value)) = known.map(Arc::downcast) {
            return Ok(value);
        }
        let value = Arc::new(decode::<T>(&self.record)?);
        let _ = self.read.set(value.clone());
        Ok(value)
    }

    /// What `make` makes of the document; the second time it is what it was the first time, and the
    /// document is not looked at. For one purpose: whoever asks for another type gets nothing.
    pub fn told<T, D>(&self, make: impl FnOnce(&T) -> Option<D>) -> Result<Option<&D>>
    where
        T: DeserializeOwned + Send + Sync + 'static,
        D: Send + Sync + 'static,
    {
        let told = if let Some(told) = self.told.get() {
            told
        } else {
            let told = make(&*self.read::<T>()?);
            let told = told.map(|told| Box::new(told) as Box<dyn Any + Send + Sync>);
            self.told.get_or_init(|| told)
        };
        Ok(told.as_ref().and_then(|told| told.downcast_ref()))
    }
}

impl fmt::Debug for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.record.fmt(f)
    }
}
