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
}

impl Listed {
    /// A record that nobody has read.
    pub fn new(record: Record) -> Arc<Listed> {
        Arc::new(Listed { record, read: OnceLock::new() })
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
}

impl fmt::Debug for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.record.fmt(f)
    }
}
