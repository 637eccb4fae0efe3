//! Comparing what is recorded with what the host has.

use std::collections::HashMap;

use super::commit::Intent;
use super::locked::Locked;
use super::{Netberth, backend, records};
use crate::error::{Doing, Result};
use crate::kernel::nft;
use crate::model::{
    Attachment, Endpoint, Id, Network, NetworkState, NetworkType, Owner, Role, Verification,
};
use crate::plan::{Done, Facts, Step};
use crate::services::checks::{self, Finding, Known, Recorded};
use crate::services::ports;
use crate::store::{Record, Select, Table, decode};

impl Netberth {
    /// Says what is not as it was made, and what of the host keeps networks from working. Nothing
    /// is changed, not even what an interrupted verb has left: that is a difference, too.
    ///
    /// # Errors
    /// `busy` if another process holds the state directory for longer than the configured timeout,
    /// `kernel` or `store` where one of them cannot be read.
    pub fn verify(&self) -> Result<Verification> {
        let seen = look(&self.lock_as_it_is()?).doing(|| "verify")?;
        let differences = seen.findings()?.into_iter().map(|one| one.difference).collect();
        Ok(Verification { differences })
    }
}

/// Records and kernel as of one moment.
pub(super) fn look(locked: &Locked<'_>) -> Result<Seen> {
    let networks = records::networks(locked.store())?;
    let records = recorded(locked, &networks)?;
    let unfinished = unfinished(locked)?;
    let facts = locked.kernel().facts(&checks::ask())?;
    let in_kernel = |network: &Network| {
        network.kind == NetworkType::Bridge && network.state == NetworkState::Up
    };
    let networks = networks.into_iter().filter(in_kernel).collect();
    Ok(Seen { records, networks, unfinished, facts })
}

/// What is recorded, and what there is.
pub(super) struct Seen {
    records: Vec<Recorded>,
    networks: Vec<Network>,
    unfinished: Vec<String>,
    facts: Facts,
}

impl Seen {
    fn known<T>(&self, judge: impl FnOnce(&Known<'_>) -> T) -> Result<T> {
        let table = nft::as_listed(checks::TABLE)?;
        Ok(judge(&Known {
            records: &self.records,
            networks: &self.networks,
            unfinished: &self.unfinished,
            table: &table,
            facts: &self.facts,
        }))
    }

    /// The judgement.
    pub(super) fn findings(&self) -> Result<Vec<Finding>> {
        self.known(checks::judge)
    }

    /// The step that makes the table anew, with everything in it.
    pub(super) fn reloading(&self) -> Result<Step> {
        let sets = self.known(checks::elements)?;
        Ok(Step::Reload { name: checks::TABLE.to_owned(), sets })
    }

    /// Whether a verb was interrupted.
    pub(super) fn is_unfinished(&self) -> bool {
        !self.unfinished.is_empty()
    }
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
fn unplanned(endpoint: &Endpoint, endpoints: &[Endpoint], owner: &Owner) -> Option<Recorded> {
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

fn unfinished(locked: &Locked<'_>) -> Result<Vec<String>> {
    let intents = locked.store().list(&Select::all(Table::Intent))?;
    let doing = |record: &Record| {
        decode(record).map(|intent| match intent {
            Intent::Build { doing, .. }
            | Intent::TakeDown { doing, .. }
            | Intent::Repair { doing } => doing,
        })
    };
    intents.iter().map(doing).collect()
}
