//! Records by noun: which key holds what.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::plans;
use crate::error::Result;
use crate::model::{ContainerId, Endpoint, Id, Network, Sandbox};
use crate::plan::Done;
use crate::store::{Batch, Change, Expect, Key, Rows, Select, Store, Table, decode, encode};

/// Parents of plans that belong to no endpoint.
pub(super) const OF_NETWORK: &str = "network";
pub(super) const OF_SANDBOX: &str = "sandbox";

pub(super) fn network_key(id: &Id) -> Key {
    Key::new(Table::Network, "", id.to_string())
}

pub(super) fn endpoint_key(network: &Id, id: &Id) -> Key {
    Key::new(Table::Endpoint, network.to_string(), id.to_string())
}

pub(super) fn sandbox_key(container: &ContainerId) -> Key {
    Key::new(Table::Sandbox, "", container.as_str())
}

pub(super) fn network_steps(id: &Id) -> Key {
    Key::new(Table::Steps, OF_NETWORK, id.to_string())
}

pub(super) fn sandbox_steps(container: &ContainerId) -> Key {
    Key::new(Table::Steps, OF_SANDBOX, container.as_str())
}

pub(super) fn join_steps(endpoint: &Id, container: &ContainerId) -> Key {
    Key::new(Table::Steps, endpoint.to_string(), container.as_str())
}

/// The name of a network, or of an endpoint of `parent`.
pub(super) fn name_key(parent: Option<&Id>, name: &str) -> Key {
    Key::new(Table::Name, parent.map(Id::to_string).unwrap_or_default(), name)
}

/// A file name in the directory of namespaces.
pub(super) fn netns_key(file: &str) -> Key {
    Key::new(Table::Name, "netns", file)
}

/// An address or a hardware address in use on a network.
pub(super) fn lease_key(network: &Id, address: &str) -> Key {
    Key::new(Table::Lease, network.to_string(), address)
}

/// The last address given out of a subnet.
pub(super) fn cursor_key(network: &Id, subnet: &str) -> Key {
    Key::new(Table::Cursor, network.to_string(), subnet)
}

/// The boot that the last handle was opened in.
pub(super) fn boot_key() -> Key {
    Key::new(Table::Cursor, "boot", "")
}

fn read<T>(store: &dyn Store, key: &Key) -> Result<Option<T>>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    let found = store.found(key)?.map(|found| found.read::<T>()).transpose()?;
    Ok(found.map(Arc::unwrap_or_clone))
}

fn read_all<T: DeserializeOwned>(store: &dyn Store, select: &Select<'_>) -> Result<Vec<T>> {
    store.list(select)?.iter().map(decode).collect()
}

pub(super) fn network(store: &dyn Store, id: &Id) -> Result<Option<Network>> {
    read(store, &network_key(id))
}

pub(super) fn networks(store: &dyn Store) -> Result<Vec<Network>> {
    read_all(store, &Select { table: Table::Network, parent: Some(""), prefix: "" })
}

pub(super) fn endpoint(store: &dyn Store, network: &Id, id: &Id) -> Result<Option<Endpoint>> {
    read(store, &endpoint_key(network, id))
}

pub(super) fn endpoints(store: &dyn Store, network: &Id) -> Result<Vec<Arc<Endpoint>>> {
    read_rows(&endpoint_rows(store, network)?)
}

/// The same, of which nobody has read anything.
pub(super) fn endpoint_rows(store: &dyn Store, network: &Id) -> Result<Rows> {
    store.listed(Table::Endpoint, &network.to_string())
}

pub(super) fn read_rows(rows: &Rows) -> Result<Vec<Arc<Endpoint>>> {
    rows.iter().map(|row| row.read()).collect()
}

/// Endpoints of every network whose id begins with `prefix`.
pub(super) fn endpoints_by_id(store: &dyn Store, prefix: &str) -> Result<Vec<Endpoint>> {
    read_all(store, &Select { table: Table::Endpoint, parent: None, prefix })
}

pub(super) fn sandbox(store: &dyn Store, container: &ContainerId) -> Result<Option<Sandbox>> {
    read(store, &sandbox_key(container))
}

pub(super) fn sandboxes(store: &dyn Store) -> Result<Vec<Sandbox>> {
    read_all(store, &Select { table: Table::Sandbox, parent: Some(""), prefix: "" })
}

/// The plan kept under a key; none = nothing was done.
pub(super) fn steps(store: &dyn Store, key: &Key) -> Result<Vec<Done>> {
    let found = store.found(key)?.map(|found| plans::decode(found.record())).transpose()?;
    Ok(found.unwrap_or_default())
}

/// The text of a plain record.
pub(super) fn text(store: &dyn Store, key: &Key) -> Result<Option<String>> {
    Ok(store.found(key)?.map(|found| found.record().text.clone()))
}

/// A batch under construction.
pub(super) struct Writes(Batch);

impl Writes {
    /// Of what the kernel forgets at a power cut too.
    pub(super) fn new() -> Self {
        Writes(Batch::default())
    }

    /// Of definitions, which must outlive a power cut.
    pub(super) fn durable() -> Self {
        Writes(Batch { durable: true, ..Batch::default() })
    }

    /// The same, of what the kernel forgets at a power cut too.
    pub(super) fn for_this_boot(mut self) -> Self {
        self.0.durable = false;
        self
    }

    /// Writes a document.
    pub(super) fn put<T: Serialize>(mut self, key: Key, value: &T) -> Result<Self> {
        let text = encode(value)?;
        self.0.changes.push(Change::Put { key, text, expect: Expect::Any });
        Ok(self)
    }

    /// Writes a plain text that must not be there yet.
    pub(super) fn claim(mut self, key: Key, text: String) -> Self {
        self.0.changes.push(Change::Put { key, text, expect: Expect::Absent });
        self
    }

    /// Writes a plain text.
    pub(super) fn set(mut self, key: Key, text: String) -> Self {
        self.0.changes.push(Change::Put { key, text, expect: Expect::Any });
        self
    }

    /// Writes a plan; an empty one needs no record.
    pub(super) fn put_steps(self, key: Key, steps: &[Done]) -> Result<Self> {
        if steps.is_empty() {
            Ok(self.delete(key))
        } else {
            Ok(self.set(key, plans::encode(steps)?))
        }
    }

    /// Removes a record.
    pub(super) fn delete(mut self, key: Key) -> Self {
        self.0.changes.push(Change::Delete { key, expect: Expect::Any });
        self
    }

    pub(super) fn batch(self) -> Batch {
        self.0
    }
}
