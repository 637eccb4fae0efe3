//! Comparing what is recorded with what the host has.

use std::collections::HashMap;
use std::sync::Arc;

use ipnet::IpNet;

use super::commit::Intent;
use super::locked::Locked;
use super::route::{legs, moves};
use super::{Netberth, backend, names, records};
use crate::error::{Doing, Result};
use crate::kernel::nft;
use crate::model::{
    Attachment, Endpoint, Id, Network, NetworkState, NetworkType, Owner, Role, Sandbox,
    SandboxKind, Verification,
};
use crate::plan::{Done, Facts, Look, Ns, Seen, SeenLink, Step, with_lines};
use crate::services::checks::{self, Action, Finding, Known, Recorded};
use crate::services::{hosts, ports};
use crate::store::{Record, Select, Table, decode};

impl Netberth {
    /// Says what is not as it was made, and what of the host keeps networks from working. Nothing
    /// is changed, not even what an interrupted verb has left: that is a difference, too.
    ///
    /// # Errors
    /// `busy` if another process holds the state directory for longer than the configured timeout,
    /// `kernel` or `store` where one of them cannot be read.
    pub fn verify(&self) -> Result<Verification> {
        // Records and kernel as of one moment: the lock is held while they are read, not longer.
        let seen = look(&self.lock_as_it_is()?).doing(|| "verify")?;
        Ok(Verification { differences: checks::told(&seen.findings()?) })
    }
}

/// The records, and the kernel beside them.
pub(super) struct Sight {
    records: Vec<Recorded>,
    derived: Vec<Recorded>,
    sandboxes: Vec<Sandbox>,
    networks: Vec<Network>,
    unfinished: Vec<String>,
    repairing: bool,
    looks: Vec<Look>,
    facts: Facts,
}

impl Sight {
    fn known<T>(&self, judge: impl FnOnce(&Known<'_>) -> T) -> Result<T> {
        let table = nft::as_listed(checks::TABLE)?;
        Ok(judge(&Known {
            records: &self.records,
            derived: &self.derived,
            sandboxes: &self.sandboxes,
            looks: &self.looks,
            networks: &self.networks,
            unfinished: &self.unfinished,
            table: &table,
            facts: &self.facts,
        }))
    }

    /// Everything that is found, in the order in which it is set right.
    pub(super) fn findings(&self) -> Result<Vec<Finding>> {
        self.known(checks::find)
    }

    /// The step that makes the table anew, with everything in it.
    pub(super) fn reloading(&self) -> Result<Step> {
        let sets = self.known(checks::all_elements)?;
        Ok(Step::Reload { name: checks::TABLE.to_owned(), sets })
    }

    /// Whether a verb was interrupted.
    pub(super) fn is_unfinished(&self) -> bool {
        self.repairing || !self.unfinished.is_empty()
    }

    /// The sandboxes whose namespaces are gone.
    pub(super) fn dead(&self) -> impl Iterator<Item = &Sandbox> {
        let gone = |sandbox: &&Sandbox| {
            let at = self.looks.iter().position(|look| look.ns == sandbox.ns);
            let seen = at.and_then(|at| self.facts.spaces.get(at));
            let own = sandbox.kind != SandboxKind::Host;
            sandbox.ended || (own && seen.is_some_and(Option::is_none))
        };
        self.sandboxes.iter().filter(gone)
    }

    /// Ports of netberth's bridges that carry its name, and that no record has.
    pub(super) fn leaked(&self) -> Result<Vec<Step>> {
        let known: Vec<&str> = self
            .records
            .iter()
            .flat_map(|record| &record.steps)
            .filter_map(|done| match &done.step {
                Step::Veth { name, .. } => Some(name.as_str()),
                _ => None,
            })
            .collect();
        let undone = |action: Action| match action {
            Action::Undo(Step::Veth { name, .. }) if known.contains(&name.as_str()) => None,
            Action::Undo(step @ Step::Veth { .. }) => Some(step),
            _ => None,
        };
        Ok(self.findings()?.into_iter().flat_map(|one| one.mend).filter_map(undone).collect())
    }

    /// Whether a namespace has the other end of a port of one of netberth's bridges.
    pub(super) fn hangs_on_ours(&self, inside: &Seen) -> bool {
        let host = self.looks.iter().position(|look| look.ns == Ns::Host);
        let host = host.and_then(|at| self.facts.spaces.get(at)).and_then(Option::as_ref);
        let Some(host) = host else { return false };
        let ours = |name: &str| self.networks.iter().any(|network| network.options.bridge == name);
        let port = |outer: &SeenLink| {
            checks::is_ours(&outer.name)
                && outer.master.and_then(|at| host.link_at(at)).is_some_and(|at| ours(&at.name))
        };
        inside.links.iter().filter(|link| link.kind == "veth").any(|link| {
            let outer = link.peer.and_then(|index| host.link_at(index));
            outer.is_some_and(|outer| outer.peer == Some(link.index) && port(outer))
        })
    }

    pub(super) fn sandboxes(&self) -> &[Sandbox] {
        &self.sandboxes
    }
}

pub(super) fn look(locked: &Locked<'_>) -> Result<Sight> {
    let networks = records::networks(locked.store())?;
    let records = recorded(locked, &networks)?;
    let sandboxes = records::sandboxes(locked.store())?;
    let mut derived = Vec::new();
    for sandbox in sandboxes.iter().filter(|sandbox| !sandbox.deleting) {
        derived.push(follows(locked, sandbox)?);
    }
    let (unfinished, repairing) = unfinished(locked)?;
    let ask = checks::ask(&records, &derived, &sandboxes);
    let facts = locked.kernel().facts(&ask)?;
    let in_kernel = |network: &Network| {
        network.kind == NetworkType::Bridge && network.state == NetworkState::Up
    };
    let networks = networks.into_iter().filter(in_kernel).collect();
    let looks = ask.spaces;
    Ok(Sight { records, derived, sandboxes, networks, unfinished, repairing, looks, facts })
}

/// What follows from the records of a container, and no plan has: its default routes and its files.
fn follows(locked: &Locked<'_>, sandbox: &Sandbox) -> Result<Recorded> {
    let legs = legs(locked.store(), sandbox)?;
    let mut steps = moves(&sandbox.ns, &[], &legs);
    let mut lines = Vec::new();
    for leg in &legs {
        let endpoints = records::endpoints(locked.store(), &leg.network.id)?;
        lines.extend(names::lines(&leg.network, &endpoints));
    }
    if let Some(first) = legs.first() {
        lines.extend(hosts::own_lines(&sandbox.own_names, first.endpoint.ips()));
    }
    lines.dedup();
    let plan = records::steps(locked.store(), &records::sandbox_steps(&sandbox.container))?;
    for done in plan {
        let Step::File { path, text, .. } = done.step else { continue };
        let text = if path == sandbox.hosts {
            let subnets = legs.iter().flat_map(|leg| &leg.network.options.subnets);
            let subnets: Vec<IpNet> = subnets.map(|subnet| subnet.subnet).collect();
            with_lines(&hosts::without_others(&text, &subnets), &lines, &[])
        } else {
            text
        };
        steps.push(Step::File { path, text, before: None });
    }
    if !lines.is_empty() {
        let paths = vec![sandbox.hosts.clone()];
        steps.push(Step::Lines { paths, add: lines, remove: Vec::new() });
    }
    let id = sandbox.container.to_string();
    let owner = Owner { kind: "sandbox".into(), id: id.clone(), name: id };
    let steps = steps.into_iter().map(|step| Done { step, held: false }).collect();
    Ok(Recorded { owner, steps })
}

/// Every plan that is recorded, with the noun whose it is.
fn recorded(locked: &Locked<'_>, networks: &[Network]) -> Result<Vec<Recorded>> {
    let mut names: HashMap<String, Owner> = HashMap::new();
    let mut all = Vec::new();
    for network in networks {
        let whose = owner("network", &network.id, network.name.as_str());
        names.insert(whose.id.clone(), whose);
        let endpoints = records::endpoints(locked.store(), &network.id)?;
        for endpoint in &endpoints {
            let kind = match endpoint.role {
                Role::Plain => "endpoint",
                // What is behind a service has its name.
                Role::Service { .. } | Role::Member => "service",
            };
            let whose = owner(kind, &endpoint.id, endpoint.name.as_str());
            all.extend(unplanned(endpoint, &endpoints, &whose));
            names.insert(whose.id.clone(), whose);
        }
    }
    let read = |record: &Record| -> Result<Recorded> {
        let (parent, id) = (record.key.parent.as_str(), record.key.id.as_str());
        let owner = match parent {
            records::OF_SANDBOX => Owner { kind: "sandbox".into(), id: id.into(), name: id.into() },
            records::OF_NETWORK => known(&names, id),
            endpoint => known(&names, endpoint),
        };
        Ok(Recorded { owner, steps: decode(record)? })
    };
    for record in locked.store().list(&Select::all(Table::Steps))? {
        all.push(read(&record)?);
    }
    Ok(all)
}

/// The elements of a service, and of what is behind one: they follow from its record, and no plan
/// has them.
fn unplanned(endpoint: &Endpoint, endpoints: &[Arc<Endpoint>], owner: &Owner) -> Option<Recorded> {
    let sets = match endpoint.role {
        Role::Plain => {
            let joined = endpoint.attachments.first();
            let behind = |found: &Attachment| {
                !backend::behind(endpoints, &endpoint.id, &found.container).is_empty()
            };
            if joined.is_some_and(behind) { backend::itself(endpoint) } else { Vec::new() }
        }
        Role::Service { .. } => backend::elements(endpoint, endpoints),
        Role::Member => ports::itself(endpoint.ips()),
    };
    let steps = vec![Done { step: Step::Elements { sets: sets.clone() }, held: false }];
    (!sets.is_empty()).then(|| Recorded { owner: owner.clone(), steps })
}

fn owner(kind: &str, id: &Id, name: &str) -> Owner {
    Owner { kind: kind.to_owned(), id: id.to_string(), name: name.to_owned() }
}

fn known(names: &HashMap<String, Owner>, id: &str) -> Owner {
    names.get(id).cloned().unwrap_or_else(Owner::host)
}

/// The verbs that were interrupted, in words, and whether one is a repair: what that has not come to is
/// told by itself.
fn unfinished(locked: &Locked<'_>) -> Result<(Vec<String>, bool)> {
    let (mut verbs, mut repairing) = (Vec::new(), false);
    for record in locked.store().list(&Select::all(Table::Intent))? {
        match decode(&record)? {
            Intent::Build { doing, .. } | Intent::TakeDown { doing, .. } => verbs.push(doing),
            Intent::Repair { .. } => repairing = true,
        }
    }
    Ok((verbs, repairing))
}
