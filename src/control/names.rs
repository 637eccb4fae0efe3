//! Who must hear of a name: the hosts file of every container on its network.

use std::path::PathBuf;
use std::sync::Arc;

use super::endpoint::is_service;
use super::{backend, records};
use crate::error::Result;
use crate::model::{ContainerId, Endpoint, Network, Role};
use crate::plan::Step;
use crate::services::hosts;
use crate::store::{Rows, Store};

/// The hosts files of the network's containers, without `but`'s.
pub(super) fn files(endpoints: &[Arc<Endpoint>], but: Option<&ContainerId>) -> Vec<PathBuf> {
    let attachments = endpoints.iter().flat_map(|endpoint| &endpoint.attachments);
    let others = attachments.filter(|attachment| Some(&attachment.container) != but);
    let mut files: Vec<PathBuf> = others.map(|attachment| attachment.hosts.clone()).collect();
    // As text: paths compare themselves by components, which takes ten times as long.
    files.sort_unstable_by(|one, other| one.as_os_str().cmp(other.as_os_str()));
    files.dedup();
    files
}

/// The lines by which a container of this network finds the others: every endpoint that is joined,
/// and every service with what is behind it.
pub(super) fn lines(network: &Network, endpoints: &[Arc<Endpoint>]) -> Vec<String> {
    let name = network.name.as_str();
    let mut lines = Vec::new();
    for endpoint in endpoints {
        lines.extend(own_lines(endpoint, name));
        for backend in endpoint.backends.iter().filter(|backend| !backend.draining) {
            let place = backend::place(backend, endpoints);
            lines.extend(place.iter().flat_map(|p| hosts::task_lines(endpoint, name, p.ips())));
        }
    }
    lines
}

fn own_lines(endpoint: &Endpoint, network: &str) -> Vec<String> {
    let known = match endpoint.role {
        Role::Plain => !endpoint.attachments.is_empty(),
        Role::Service { .. } => true,
        Role::Member => false,
    };
    if known { hosts::endpoint_lines(endpoint, network) } else { Vec::new() }
}

/// The endpoints of a network.
pub(super) enum Others {
    /// As they are recorded.
    Recorded(Rows),
    /// As they will be.
    Changed(Vec<Arc<Endpoint>>),
}

/// What an endpoint tells the others, where it does.
enum Telling {
    Lines(Vec<String>),
    /// That is to be seen in other endpoints.
    BackEnds,
}

impl Others {
    /// As [`lines`]; of what is recorded without a look at who has nothing to tell.
    pub(super) fn lines(&self, network: &Network) -> Result<Vec<String>> {
        let rows = match self {
            Others::Recorded(rows) => rows,
            Others::Changed(endpoints) => return Ok(lines(network, endpoints)),
        };
        let telling = |endpoint: &Endpoint| match own_lines(endpoint, network.name.as_str()) {
            _ if !endpoint.backends.is_empty() => Some(Telling::BackEnds),
            lines => (!lines.is_empty()).then_some(Telling::Lines(lines)),
        };
        let mut all = Vec::new();
        for row in rows.iter() {
            match row.told(telling)? {
                None => {}
                Some(Telling::Lines(lines)) => all.extend_from_slice(lines),
                Some(Telling::BackEnds) => return Ok(lines(network, &self.endpoints()?)),
            }
        }
        Ok(all)
    }

    fn endpoints(&self) -> Result<Vec<Arc<Endpoint>>> {
        match self {
            Others::Recorded(rows) => records::read_rows(rows),
            Others::Changed(endpoints) => Ok(endpoints.clone()),
        }
    }

    /// What every container of the network, without `but`, hears of an endpoint that is joined. A service
    /// keeps its name, whoever is behind it.
    pub(super) fn hear(
        &self,
        network: &Network,
        endpoint: &Endpoint,
        but: &ContainerId,
    ) -> Result<Option<Step>> {
        let lines = match endpoint.role {
            Role::Plain => hosts::endpoint_lines(endpoint, network.name.as_str()),
            Role::Service { .. } | Role::Member => Vec::new(),
        };
        // The files are sought only where there is something to tell.
        if lines.is_empty() {
            return Ok(None);
        }
        Ok(change(files(&self.endpoints()?, Some(but)), lines, Vec::new()))
    }
}

/// A step that adds and removes lines, if there is anything to do.
pub(super) fn change(paths: Vec<PathBuf>, add: Vec<String>, remove: Vec<String>) -> Option<Step> {
    let nothing = paths.is_empty() || (add.is_empty() && remove.is_empty());
    (!nothing).then_some(Step::Lines { paths, add, remove })
}

/// Whether a name is coming or going.
#[derive(Clone, Copy)]
pub(super) enum Fate {
    Comes,
    Goes,
}

/// What every container of the network, without `but`, hears of an endpoint that is detached.
pub(super) fn of_detached(
    network: &Network,
    endpoint: &Endpoint,
    endpoints: &[Arc<Endpoint>],
    but: &ContainerId,
) -> Option<Step> {
    match endpoint.role {
        Role::Plain => told(network, endpoint, || files(endpoints, Some(but)), Fate::Goes),
        Role::Service { .. } | Role::Member => None,
    }
}

/// What they all hear of a service that is published or deleted.
pub(super) fn of_service(
    store: &dyn Store,
    network: &Network,
    endpoint: &Endpoint,
    fate: Fate,
) -> Result<Option<Step>> {
    if !is_service(endpoint) {
        return Ok(None);
    }
    let endpoints = records::endpoints(store, &network.id)?;
    Ok(told(network, endpoint, || files(&endpoints, None), fate))
}

/// The files are sought only where there is something to tell.
fn told(
    network: &Network,
    endpoint: &Endpoint,
    files: impl FnOnce() -> Vec<PathBuf>,
    fate: Fate,
) -> Option<Step> {
    let lines = hosts::endpoint_lines(endpoint, network.name.as_str());
    if lines.is_empty() { None } else { tell(files(), lines, fate) }
}

/// A step by which lines come to files, or go from them.
pub(super) fn tell(files: Vec<PathBuf>, lines: Vec<String>, fate: Fate) -> Option<Step> {
    match fate {
        Fate::Comes => change(files, lines, Vec::new()),
        Fate::Goes => change(files, Vec::new(), lines),
    }
}
