//! Who must hear of a name: the hosts file of every container on its network.

use std::path::PathBuf;

use super::endpoint::is_service;
use super::records;
use crate::error::Result;
use crate::model::{ContainerId, Endpoint, Network};
use crate::plan::Step;
use crate::services::hosts;
use crate::store::Store;

/// The hosts files of the network's containers, without `but`'s.
pub(super) fn files(endpoints: &[Endpoint], but: Option<&ContainerId>) -> Vec<PathBuf> {
    let attachments = endpoints.iter().flat_map(|endpoint| &endpoint.attachments);
    let others = attachments.filter(|attachment| Some(&attachment.container) != but);
    let mut files: Vec<PathBuf> = others.map(|attachment| attachment.hosts.clone()).collect();
    files.sort();
    files.dedup();
    files
}

/// The lines by which a container of this network finds the others: every endpoint that is joined,
/// and every service.
pub(super) fn lines(network: &Network, endpoints: &[Endpoint]) -> Vec<String> {
    let known = endpoints.iter().filter(|e| is_service(e) || !e.attachments.is_empty());
    known.flat_map(|endpoint| hosts::endpoint_lines(endpoint, network.name.as_str())).collect()
}

/// A step that adds and removes lines, if there is anything to do.
pub(super) fn change(paths: Vec<PathBuf>, add: Vec<String>, remove: Vec<String>) -> Option<Step> {
    let nothing = paths.is_empty() || (add.is_empty() && remove.is_empty());
    (!nothing).then_some(Step::Lines { paths, add, remove })
}

/// A service has its name from its publication on.
pub(super) fn publish(
    store: &dyn Store,
    network: &Network,
    endpoint: &Endpoint,
) -> Result<Vec<Step>> {
    if !is_service(endpoint) {
        return Ok(Vec::new());
    }
    let files = files(&records::endpoints(store, &network.id)?, None);
    let lines = hosts::endpoint_lines(endpoint, network.name.as_str());
    Ok(change(files, lines, Vec::new()).into_iter().collect())
}

/// And loses it when it is deleted.
pub(super) fn unpublish(
    store: &dyn Store,
    network: &Network,
    endpoint: &Endpoint,
) -> Result<Vec<Step>> {
    if !is_service(endpoint) {
        return Ok(Vec::new());
    }
    let files = files(&records::endpoints(store, &network.id)?, None);
    let lines = hosts::endpoint_lines(endpoint, network.name.as_str());
    Ok(change(files, Vec::new(), lines).into_iter().collect())
}
