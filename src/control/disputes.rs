//! What one noun at most can have: names, addresses, ports. Who has it by its own record, and who by the
//! record of the claim.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::flaws::{Desk, NOTHING, owner_of};
use super::{books, records};
use crate::model::{Id, Owner};
use crate::services::ports::{clash, host_ports};
use crate::store::{Change, Expect, Key};

/// First and last port, on which address of the host, and whose.
type Span = (u16, u16, Option<IpAddr>, Id);

impl Desk<'_> {
    /// Names, addresses and ports: claimed by who has them, and by nobody else.
    pub(super) fn claims(&mut self) {
        let due = books::claims(
            &self.books.networks,
            self.order.iter().filter_map(|id| self.endpoints.get(id)),
            self.sandboxes.values(),
        );
        let mut due: Vec<(Key, Vec<String>)> = due.into_iter().collect();
        due.sort();
        let due: BTreeMap<Key, Vec<String>> = due.into_iter().collect();
        for (key, holder) in &self.books.claims {
            if due.contains_key(key) {
                continue;
            }
            // What is gone is told of already, and so is who lost his network.
            let told = self.missing.contains(holder) || self.missing.contains(&key.parent);
            if !told {
                self.tell(Owner::host(), key, &format!("{holder}, who has it"), NOTHING);
            }
            self.delete(key.clone());
        }
        for (key, holders) in &due {
            let claimed = self.books.claims.get(key);
            let Some(first) = holders.first() else { continue };
            let holder = claimed.filter(|claimed| holders.contains(claimed));
            for other in holders.iter().filter(|other| *other != holder.unwrap_or(first)) {
                self.twice(key, holder.unwrap_or(first), other);
            }
            if holder.is_some() {
                continue;
            }
            let found = claimed.map_or(NOTHING, String::as_str).to_owned();
            let owner = self.owner_by_id(first);
            self.tell(owner, key, first, &found);
            let (key, text, expect) = (key.clone(), first.clone(), Expect::Any);
            self.audit.batch.changes.push(Change::Put { key, text, expect });
        }
    }

    fn owner_by_id(&self, id: &str) -> Owner {
        if let Some(endpoint) = id.parse().ok().and_then(|id: Id| self.endpoints.get(&id)) {
            return owner_of(endpoint);
        }
        if let Some(network) = self.books.networks.iter().find(|one| one.id.to_string() == id) {
            let (id, name) = (id.to_owned(), network.name.to_string());
            return Owner { kind: "network".to_owned(), id, name };
        }
        let id = id.to_owned();
        Owner { kind: "sandbox".to_owned(), name: id.clone(), id }
    }

    /// Two have the same: which of them is to keep it nobody can know.
    fn twice(&mut self, key: &Key, holder: &str, other: &str) {
        let (owner, first) = (self.owner_by_id(other), self.owner_by_id(holder));
        let found = format!("{} {} has it too: delete one of them", first.kind, first.name);
        self.tell(owner, key, "one who has it", &found);
    }

    /// Host ports that overlap, though their claims have other keys.
    pub(super) fn host_ports(&mut self) {
        let mut spans: BTreeMap<u8, Vec<Span>> = BTreeMap::new();
        for endpoint in self.endpoints.values() {
            for mapping in &endpoint.port_mapping {
                let range = host_ports(mapping);
                let span = (*range.start(), *range.end(), mapping.host_ip, endpoint.id);
                spans.entry(mapping.proto.number()).or_default().push(span);
            }
        }
        let mut both = BTreeSet::new();
        for spans in spans.values_mut() {
            spans.sort_unstable();
            for (at, (first, last, ip, id)) in spans.iter().enumerate() {
                let after = spans.get(at + 1..).unwrap_or_default().iter();
                for (next, end, other_ip, other) in after.take_while(|(next, ..)| next <= last) {
                    // Of one key it was told with the claim.
                    let same = (first, last, ip) == (next, end, other_ip);
                    if id != other && !same && clash(*ip, *other_ip) {
                        both.insert((*id, *other, *next));
                    }
                }
            }
        }
        for (one, other, port) in both {
            let known = (self.endpoints.get(&one), self.endpoints.get(&other));
            let (Some(one), Some(other)) = known else { continue };
            let found = format!("{port}, which {} has too: delete one of them", one.name);
            let (owner, key) = (owner_of(other), records::endpoint_key(&other.network, &other.id));
            self.tell(owner, &key, "host ports of its own", &found);
        }
    }
}
