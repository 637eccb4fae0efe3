//! Records that contradict each other, pure: the books come in; what is wrong with them comes out, and
//! the books as they should be, where there is only one way.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::backend;
use super::books::Books;
use super::plans;
use super::records::{self, OF_NETWORK, OF_SANDBOX};
use crate::error::Result;
use crate::model::{Attachment, ContainerId, Difference, Endpoint, Id, Owner, Role, Sandbox};
use crate::plan::Done;
use crate::store::{Batch, Change, Expect, Key, Record, encode};

/// What is wrong, and what becomes of it.
#[derive(Default)]
pub(super) struct Audit {
    /// What is told of it.
    pub(super) flaws: Vec<Difference>,
    /// What to write; empty where nothing can be set right.
    pub(super) batch: Batch,
    /// The plans of nobody, which are undone.
    pub(super) undo: Vec<Done>,
    pub(super) owners: Vec<Key>,
    /// Addresses whose names nobody has any more.
    pub(super) gone: BTreeSet<IpAddr>,
    /// The containers with which something is wrong.
    pub(super) touched: BTreeSet<ContainerId>,
}

impl Audit {
    /// Whether there is anything to set right.
    pub(super) fn is_mended(&self) -> bool {
        !(self.batch.changes.is_empty() && self.undo.is_empty())
    }
}

/// The books while they are set right.
pub(super) struct Desk<'a> {
    pub(super) books: &'a Books,
    pub(super) endpoints: BTreeMap<Id, Endpoint>,
    /// In order of creation.
    pub(super) order: Vec<Id>,
    pub(super) sandboxes: BTreeMap<ContainerId, Sandbox>,
    /// Whose absence has been told of.
    pub(super) missing: BTreeSet<String>,
    pub(super) audit: Audit,
}

pub(super) const NOTHING: &str = "nothing";

pub(super) fn audit(books: &Books) -> Result<Audit> {
    let endpoints = books.endpoints.iter().map(|one| (one.id, Endpoint::clone(one)));
    let mut desk = Desk {
        books,
        order: books.endpoints.iter().map(|endpoint| endpoint.id).collect(),
        endpoints: endpoints.collect(),
        sandboxes: books.sandboxes.iter().map(|one| (one.container.clone(), one.clone())).collect(),
        missing: BTreeSet::new(),
        audit: Audit::default(),
    };
    desk.networks();
    desk.listed();
    desk.joined();
    desk.services();
    desk.members();
    desk.plans()?;
    desk.claims();
    desk.host_ports();
    desk.changes()?;
    Ok(desk.audit)
}

pub(super) fn owner_of(endpoint: &Endpoint) -> Owner {
    let kind = if endpoint.role == Role::Plain { "endpoint" } else { "service" };
    let (id, name) = (endpoint.id.to_string(), endpoint.name.to_string());
    Owner { kind: kind.to_owned(), id, name }
}

fn owner_sandbox(container: &ContainerId) -> Owner {
    let id = container.to_string();
    Owner { kind: "sandbox".to_owned(), id: id.clone(), name: id }
}

impl Desk<'_> {
    pub(super) fn tell(&mut self, owner: Owner, key: &Key, expected: &str, found: &str) {
        let (object, expected) = (format!("record {key}"), expected.to_owned());
        let found = found.to_owned();
        self.audit.flaws.push(Difference { owner, object, expected, found, error: None });
    }

    fn drop_endpoint(&mut self, id: Id) {
        let Some(endpoint) = self.endpoints.remove(&id) else { return };
        self.missing.insert(id.to_string());
        self.audit.gone.extend(endpoint.ips());
    }

    /// Endpoints whose network has no record: what they are on is not known any more.
    fn networks(&mut self) {
        for endpoint in &self.books.homeless {
            let network = self.books.network_name(&endpoint.network.to_string());
            let key = records::endpoint_key(&endpoint.network, &endpoint.id);
            let expected = format!("network {network}");
            self.tell(owner_of(endpoint), &key, &expected, NOTHING);
            self.missing.insert(endpoint.id.to_string());
            self.audit.gone.extend(endpoint.ips());
            let containers = endpoint.attachments.iter().map(|one| one.container.clone());
            self.audit.touched.extend(containers);
        }
    }

    /// What a sandbox lists, and no endpoint has.
    fn listed(&mut self) {
        for sandbox in &self.books.sandboxes {
            let container = &sandbox.container;
            let mut joined = sandbox.joined.clone();
            joined.retain(|(_, id)| {
                self.endpoints.get(id).is_some_and(|one| one.attachment(container).is_some())
            });
            for (_, id) in sandbox.joined.iter().filter(|one| !joined.contains(one)) {
                let text = id.to_string();
                let there = self.endpoints.contains_key(id);
                if there || self.missing.insert(text.clone()) {
                    let expected = format!("endpoint {text}, which it lists");
                    let found = if there { "an endpoint without it" } else { NOTHING };
                    let key = records::sandbox_key(container);
                    self.tell(owner_sandbox(container), &key, &expected, found);
                }
                self.audit.gone.extend(self.books.addresses_of(&text));
                self.audit.touched.insert(container.clone());
            }
            if let Some(known) = self.sandboxes.get_mut(container) {
                known.joined = joined;
            }
        }
    }

    /// Who is joined to an endpoint, and has no sandbox, or one that does not list it.
    fn joined(&mut self) {
        for id in self.order.clone() {
            let Some(endpoint) = self.endpoints.get(&id).cloned() else { continue };
            let key = records::endpoint_key(&endpoint.network, &id);
            let name = endpoint.name.as_str();
            let mut lost = Vec::new();
            for Attachment { container, .. } in &endpoint.attachments {
                let Some(sandbox) = self.sandboxes.get_mut(container) else {
                    lost.push(container.clone());
                    continue;
                };
                if sandbox.joined.iter().any(|(_, joined)| *joined == id) {
                    continue;
                }
                sandbox.joined.push((endpoint.network, id));
                let expected = format!("endpoint {name}, which it is joined to");
                let key = records::sandbox_key(container);
                self.tell(owner_sandbox(container), &key, &expected, "a list without it");
                self.audit.touched.insert(container.clone());
            }
            for container in &lost {
                let expected = format!("sandbox {container}, which is joined to it");
                self.tell(owner_of(&endpoint), &key, &expected, NOTHING);
                self.missing.insert(container.to_string());
                self.audit.gone.extend(endpoint.ips());
            }
            if endpoint.role == Role::Member && !lost.is_empty() {
                self.drop_endpoint(id);
            } else if let Some(known) = self.endpoints.get_mut(&id) {
                known.attachments.retain(|one| !lost.contains(&one.container));
            }
        }
    }

    /// What is behind a service, and has no place.
    fn services(&mut self) {
        for id in self.order.clone() {
            let Some(service) = self.endpoints.get(&id).cloned() else { continue };
            for one in &service.backends {
                let place = self.endpoints.get(&one.endpoint);
                if place.is_some_and(|place| place.attachment(&one.container).is_some()) {
                    continue;
                }
                let text = one.endpoint.to_string();
                let key = records::endpoint_key(&service.network, &id);
                let expected = format!("endpoint {text}, the place of {}", one.container);
                let found = if place.is_some() { "an endpoint without it" } else { NOTHING };
                self.tell(owner_of(&service), &key, &expected, found);
                self.missing.insert(text.clone());
                self.audit.gone.extend(self.books.addresses_of(&text));
                if let Some(known) = self.endpoints.get_mut(&id) {
                    *known = backend::without(known, &one.container);
                }
            }
        }
    }

    /// The places of those that are behind no service.
    fn members(&mut self) {
        let places: BTreeSet<Id> = self
            .endpoints
            .values()
            .flat_map(|service| service.backends.iter().map(|one| one.endpoint))
            .collect();
        for id in self.order.clone() {
            let Some(member) = self.endpoints.get(&id).cloned() else { continue };
            if member.role != Role::Member || places.contains(&id) {
                continue;
            }
            let key = records::endpoint_key(&member.network, &id);
            self.tell(owner_of(&member), &key, "a service that it is behind", NOTHING);
            self.drop_endpoint(id);
            for container in member.attachments.into_iter().map(|one| one.container) {
                if let Some(sandbox) = self.sandboxes.get_mut(&container) {
                    sandbox.joined.retain(|(_, joined)| *joined != id);
                }
                self.audit.touched.insert(container);
            }
        }
    }

    /// Whose a plan is, where there is somebody.
    fn has_plan(&self, key: &Key) -> bool {
        match key.parent.as_str() {
            OF_NETWORK => self.books.networks.iter().any(|one| one.id.to_string() == key.id),
            OF_SANDBOX => ContainerId::new(key.id.clone())
                .is_ok_and(|container| self.sandboxes.contains_key(&container)),
            endpoint => {
                let endpoint = endpoint.parse().ok().and_then(|id| self.endpoints.get(&id));
                let container = ContainerId::new(key.id.clone()).ok();
                endpoint.zip(container).is_some_and(|(one, of)| one.attachment(&of).is_some())
            }
        }
    }

    /// Plans of nobody: networks' first, so that they are undone last.
    fn plans(&mut self) -> Result<()> {
        let orphans = self.books.plans.iter().filter(|record| !self.has_plan(&record.key));
        let mut orphans: Vec<&Record> = orphans.collect();
        let rank = |record: &&Record| match record.key.parent.as_str() {
            OF_NETWORK => 0,
            OF_SANDBOX => 1,
            _ => 2,
        };
        orphans.sort_by_key(rank);
        for record in orphans {
            let Key { parent, id, .. } = &record.key;
            let whose = match parent.as_str() {
                OF_NETWORK => format!("network {}", self.books.network_name(id)),
                OF_SANDBOX => format!("sandbox {id}"),
                endpoint => format!("endpoint {endpoint} with {id} in it"),
            };
            if !self.missing.contains(parent) && !self.missing.contains(id) {
                self.tell(Owner::host(), &record.key, &whose, NOTHING);
            }
            self.missing.extend([parent.clone(), id.clone()]);
            self.audit.undo.extend(plans::decode(record)?);
            self.audit.owners.push(record.key.clone());
            self.delete(record.key.clone());
        }
        Ok(())
    }

    pub(super) fn delete(&mut self, key: Key) {
        self.audit.batch.changes.push(Change::Delete { key, expect: Expect::Any });
    }

    /// What is to be written.
    fn changes(&mut self) -> Result<()> {
        let mut changes = Vec::new();
        let expect = Expect::Any;
        let before = self.books.endpoints.iter().map(|one| &**one).chain(&self.books.homeless);
        for endpoint in before {
            let key = records::endpoint_key(&endpoint.network, &endpoint.id);
            match self.endpoints.get(&endpoint.id) {
                None => changes.push(Change::Delete { key, expect }),
                Some(after) if after != endpoint => {
                    changes.push(Change::Put { key, text: encode(after)?, expect });
                }
                Some(_) => {}
            }
        }
        for before in &self.books.sandboxes {
            let after = self.sandboxes.get(&before.container);
            if let Some(after) = after.filter(|after| *after != before) {
                let key = records::sandbox_key(&before.container);
                changes.push(Change::Put { key, text: encode(after)?, expect });
            }
        }
        self.audit.batch.changes.extend(changes);
        if !self.audit.batch.changes.is_empty() {
            for key in self.books.cursors.clone() {
                self.delete(key);
            }
        }
        self.audit.batch.durable = true;
        Ok(())
    }
}
