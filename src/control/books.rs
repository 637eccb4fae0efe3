//! Every record at once: for seeing whether they agree.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use super::records::{self, name_key, netns_key};
use super::{backend, ports};
use crate::error::Result;
use crate::model::{Endpoint, Id, Mac, Network, Role, Sandbox, SandboxKind};
use crate::store::{Key, Record, Select, Store, Table, decode};

/// What the records say.
pub(super) struct Books {
    pub(super) networks: Vec<Network>,
    /// Those of the networks, each network's in order of creation.
    pub(super) endpoints: Vec<Arc<Endpoint>>,
    /// Those whose network has no record.
    pub(super) homeless: Vec<Endpoint>,
    pub(super) sandboxes: Vec<Sandbox>,
    /// Every plan.
    pub(super) plans: Vec<Record>,
    /// Names, addresses and ports, each with whose it is.
    pub(super) claims: BTreeMap<Key, String>,
    /// Where networks look for their next addresses.
    pub(super) cursors: Vec<Key>,
}

impl Books {
    pub(super) fn read(store: &dyn Store) -> Result<Books> {
        let networks = records::networks(store)?;
        let mut endpoints = Vec::new();
        for network in &networks {
            endpoints.extend(records::endpoints(store, &network.id)?);
        }
        let known: BTreeSet<String> = networks.iter().map(|one| one.id.to_string()).collect();
        let mut homeless = Vec::new();
        for record in store.list(&Select::all(Table::Endpoint))? {
            if !known.contains(&record.key.parent) {
                homeless.push(decode(&record)?);
            }
        }
        let mut claims = BTreeMap::new();
        for table in [Table::Name, Table::Lease] {
            let listed = store.list(&Select::all(table))?.into_iter();
            claims.extend(listed.map(|record| (record.key, record.text)));
        }
        let cursors = store.list(&Select::all(Table::Cursor))?.into_iter();
        Ok(Books {
            endpoints,
            homeless,
            sandboxes: records::sandboxes(store)?,
            plans: store.list(&Select::all(Table::Steps))?,
            claims,
            // Those of ports and of the boot are nobody's in particular.
            cursors: cursors
                .map(|record| record.key)
                .filter(|key| key.parent.parse::<Id>().is_ok() && !known.contains(&key.parent))
                .collect(),
            networks,
        })
    }

    /// The addresses that are claimed for an endpoint, by what its own record no longer says.
    pub(super) fn addresses_of(&self, endpoint: &str) -> impl Iterator<Item = IpAddr> {
        let of = self.claims.iter().filter(move |(_, holder)| *holder == endpoint);
        of.filter_map(|(key, _)| key.id.parse().ok())
    }

    /// What a network is called by its claim.
    pub(super) fn network_name(&self, id: &str) -> String {
        let named = |(key, holder): &(&Key, &String)| {
            key.table == Table::Name && key.parent.is_empty() && *holder == id
        };
        let found = self.claims.iter().find(named);
        found.map_or_else(|| id.to_owned(), |(key, _)| key.id.clone())
    }
}

/// Every claim that these nouns have, with all who have it.
pub(super) fn claims<'a>(
    networks: &'a [Network],
    endpoints: impl Iterator<Item = &'a Endpoint>,
    sandboxes: impl Iterator<Item = &'a Sandbox>,
) -> HashMap<Key, Vec<String>> {
    let mut all: HashMap<Key, Vec<String>> = HashMap::new();
    let mut put = |key: Key, holder: &str| all.entry(key).or_default().push(holder.to_owned());
    for network in networks {
        put(name_key(None, network.name.as_str()), &network.id.to_string());
    }
    for endpoint in endpoints {
        let id = endpoint.id.to_string();
        if endpoint.role != Role::Member {
            put(name_key(Some(&endpoint.network), endpoint.name.as_str()), &id);
        }
        let addresses = endpoint.ips().map(|ip| ip.to_string());
        for address in addresses.chain(endpoint.mac.as_ref().map(Mac::to_string)) {
            put(records::lease_key(&endpoint.network, &address), &id);
        }
        for mapping in &endpoint.port_mapping {
            put(ports::claim_key(mapping), &id);
        }
        if let Some(number) = endpoint.spread.turn {
            put(backend::turn_key(number), &id);
        }
    }
    for sandbox in sandboxes.filter(|sandbox| sandbox.kind == SandboxKind::Own) {
        if let Some(name) = sandbox.key.file_name().and_then(|name| name.to_str()) {
            put(netns_key(name), sandbox.container.as_str());
        }
    }
    all
}
