//! Comparing what is recorded with what the host has.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use ipnet::IpNet;

use super::books::Books;
use super::commit::{self, Intent};
use super::flaws::{self, Audit, owner_of};
use super::locked::Locked;
use super::route::{legs, moves};
use super::{Netberth, backend, names, plans, records};
use crate::error::{Doing, Result};
use crate::kernel::nft;
use crate::model::{
    Attachment, Difference, Endpoint, Id, Network, NetworkState, NetworkType, Owner, Role, Sandbox,
    SandboxKind, Verification,
};
use crate::plan::{Ask, Done, Facts, Look, Ns, Seen, SeenLink, Step, Tenant};
use crate::services::checks::{self, Action, Finding, Known, Places, Recorded};
use crate::services::{hosts, ports};
use crate::store::decode;

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
    audit: Audit,
    records: Vec<Recorded>,
    derived: Vec<Recorded>,
    sandboxes: Vec<Sandbox>,
    networks: Vec<Network>,
    unfinished: Vec<String>,
    repairing: bool,
    looks: Vec<Look>,
    places: Places,
    tenants: BTreeMap<PathBuf, Ns>,
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
            places: &self.places,
            tenants: &self.tenants,
            facts: &self.facts,
        }))
    }

    /// Everything that is found, in the order in which it is set right.
    pub(super) fn findings(&self) -> Result<Vec<Finding>> {
        let flaws = self.audit.flaws.iter().cloned().map(Finding::from);
        let mut all: Vec<Finding> = flaws.chain(self.known(checks::find)?).collect();
        if self.audit.is_mended() {
            // What the table has beyond the records may follow from them.
            for one in &mut all {
                let Difference { owner, object, expected, .. } = &one.difference;
                let beyond = *owner == Owner::host() && expected == checks::NOTHING;
                one.follows |= beyond && object.starts_with("element inet ");
            }
        }
        Ok(all)
    }

    /// What is wrong with the records.
    pub(super) fn audit(&self) -> &Audit {
        &self.audit
    }

    /// What takes the names of these addresses out of the containers' files.
    pub(super) fn forgetting(&self) -> Vec<Step> {
        let is_gone = |line: &&str| {
            let address = line.split_whitespace().next().and_then(|word| word.parse().ok());
            address.is_some_and(|address| self.audit.gone.contains(&address))
        };
        let files = self.sandboxes.iter().map(|sandbox| &sandbox.hosts);
        let step = |path: &PathBuf| {
            let text = self.facts.files.get(path)?;
            let remove: Vec<String> = text.lines().filter(is_gone).map(str::to_owned).collect();
            let (paths, add) = (vec![path.clone()], Vec::new());
            (!remove.is_empty()).then_some(Step::Lines { paths, add, remove })
        };
        files.filter_map(step).collect()
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

    /// The sandboxes whose namespaces are gone: nothing leads to one, and nobody is in it.
    pub(super) fn dead(&self) -> impl Iterator<Item = &Sandbox> {
        let gone = |sandbox: &&Sandbox| {
            let at = self.looks.iter().position(|look| look.ns == sandbox.ns);
            let seen = at.and_then(|at| self.facts.spaces.get(at));
            let own = sandbox.kind != SandboxKind::Host;
            let lived = self.tenants.contains_key(&sandbox.key);
            sandbox.ended || (own && !lived && seen.is_some_and(Option::is_none))
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
    let books = Books::read(locked.store())?;
    let audit = flaws::audit(&books)?;
    let records = recorded(&books)?;
    let Books { networks, sandboxes, .. } = books;
    let (mut derived, mut names) = (Vec::new(), Names::new());
    // What follows from records that contradict each other is not known.
    let known = |sandbox: &&Sandbox| !audit.touched.contains(&sandbox.container);
    for sandbox in sandboxes.iter().filter(|sandbox| !sandbox.deleting).filter(known) {
        derived.push(follows(locked, sandbox, &mut names)?);
    }
    let (unfinished, repairing) = unfinished(locked)?;
    let places = places(locked);
    let mut ask = checks::ask(&records, &derived, &sandboxes, &places);
    if !audit.gone.is_empty() {
        ask.files.extend(sandboxes.iter().map(|sandbox| sandbox.hosts.clone()));
    }
    let facts = locked.kernel().facts(&ask)?;
    let tenants = tenants(locked, &records, &sandboxes, (&ask.spaces, &facts))?;
    let in_kernel = |network: &Network| {
        network.kind == NetworkType::Bridge && network.state == NetworkState::Up
    };
    let networks = networks.into_iter().filter(in_kernel).collect();
    let looks = ask.spaces;
    Ok(Sight {
        audit,
        records,
        derived,
        sandboxes,
        networks,
        unfinished,
        repairing,
        looks,
        places,
        tenants,
        facts,
    })
}

fn places(locked: &Locked<'_>) -> Places {
    let config = locked.netberth.config();
    let state = config.state_dir.clone();
    let files = [
        "netberth.db",
        "netberth.db-wal",
        "netberth.db-shm",
        "netberth.mark",
        "netberth.intent",
        "lock",
    ];
    Places {
        directories: vec![config.run_dir.clone(), config.netns_dir(), config.sandboxes_dir()],
        files: files.map(|name| state.join(name)).into(),
        state,
    }
}

/// Of the sandboxes whose namespaces are not where they were, those in which a process is: only then
/// are processes looked at.
fn tenants(
    locked: &Locked<'_>,
    records: &[Recorded],
    sandboxes: &[Sandbox],
    (looks, facts): (&[Look], &Facts),
) -> Result<BTreeMap<PathBuf, Ns>> {
    let seen = looks.iter().zip(&facts.spaces);
    let lost: HashSet<&Ns> =
        seen.filter(|(_, seen)| seen.is_none()).map(|(look, _)| &look.ns).collect();
    let sought = |sandbox: &Sandbox| {
        // What the kernel keeps of a process is no place to mount at.
        if sandbox.ended || !lost.contains(&sandbox.ns) || sandbox.key.starts_with("/proc") {
            return None;
        }
        let Ns::At { path, cookie } = &sandbox.ns else { return None };
        let end = |step: &Step| match step {
            Step::Veth { name, ns, .. } if *ns == sandbox.ns => Some(name.clone()),
            _ => None,
        };
        let steps = records.iter().flat_map(|record| &record.steps);
        let links = steps.filter_map(|done| end(&done.step)).collect();
        Some(Tenant { path: path.clone(), cookie: *cookie, links })
    };
    let tenants: Vec<Tenant> = sandboxes.iter().filter_map(sought).collect();
    if tenants.is_empty() {
        return Ok(BTreeMap::new());
    }
    let paths: Vec<PathBuf> = tenants.iter().map(|tenant| tenant.path.clone()).collect();
    let found = locked.kernel().facts(&Ask { tenants, ..Ask::default() })?.tenants;
    Ok(paths.into_iter().zip(found).filter_map(|(path, ns)| Some((path, ns?))).collect())
}

/// The lines by which the containers of each network find each other.
type Names = HashMap<Id, Vec<String>>;

/// What follows from the records of a container, and no plan has: its default routes and its files.
fn follows(locked: &Locked<'_>, sandbox: &Sandbox, known: &mut Names) -> Result<Recorded> {
    let legs = legs(locked.store(), sandbox)?;
    let mut steps = moves(&sandbox.ns, &[], &legs);
    let mut lines = Vec::new();
    for leg in &legs {
        let of_network = match known.entry(leg.network.id) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(place) => {
                let endpoints = records::endpoints(locked.store(), &leg.network.id)?;
                place.insert(names::lines(&leg.network, &endpoints))
            }
        };
        lines.extend(of_network.iter().cloned());
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
            hosts::without_others(&text, &subnets)
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
fn recorded(books: &Books) -> Result<Vec<Recorded>> {
    let mut names: HashMap<String, Owner> = HashMap::new();
    let mut all = Vec::new();
    for network in &books.networks {
        let (id, name) = (network.id.to_string(), network.name.to_string());
        names.insert(id.clone(), Owner { kind: "network".to_owned(), id, name });
    }
    // What is behind a service has its name.
    let whose = |endpoint: &Endpoint| (endpoint.id.to_string(), owner_of(endpoint));
    names.extend(books.homeless.iter().map(whose));
    for endpoints in books.endpoints.chunk_by(|one, next| one.network == next.network) {
        for endpoint in endpoints {
            let (id, owner) = whose(endpoint);
            all.extend(unplanned(endpoint, endpoints, &owner));
            names.insert(id, owner);
        }
    }
    for record in &books.plans {
        let (parent, id) = (record.key.parent.as_str(), record.key.id.as_str());
        let owner = match parent {
            records::OF_SANDBOX => Owner { kind: "sandbox".into(), id: id.into(), name: id.into() },
            records::OF_NETWORK => known(&names, id),
            endpoint => known(&names, endpoint),
        };
        all.push(Recorded { owner, steps: plans::decode(record)? });
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

fn known(names: &HashMap<String, Owner>, id: &str) -> Owner {
    names.get(id).cloned().unwrap_or_else(Owner::host)
}

/// The verbs that were interrupted, in words, and whether one is a repair: what that has not come to is
/// told by itself.
fn unfinished(locked: &Locked<'_>) -> Result<(Vec<String>, bool)> {
    let (mut verbs, mut repairing) = (Vec::new(), false);
    for record in commit::unfinished(locked.store())? {
        match decode(&record)? {
            Intent::Build { doing, .. } | Intent::TakeDown { doing, .. } => verbs.push(doing),
            Intent::Repair { .. } => repairing = true,
        }
    }
    Ok((verbs, repairing))
}
