//! Which of a container's endpoints carries the default route.

use super::records;
use crate::drivers;
use crate::error::Result;
use crate::model::{ContainerId, Endpoint, Id, Network, Ns, Sandbox};
use crate::plan::{Hop, Step};
use crate::store::Store;

/// An endpoint of the container, with the name of its interface inside.
#[derive(Clone, Debug)]
pub(super) struct Leg {
    pub(super) network: Network,
    pub(super) endpoint: Endpoint,
    pub(super) interface: String,
}

/// What the container is joined to.
pub(super) fn legs(store: &dyn Store, sandbox: &Sandbox) -> Result<Vec<Leg>> {
    let mut legs = Vec::new();
    for (network, endpoint) in &sandbox.joined {
        legs.extend(leg(store, &sandbox.container, network, endpoint)?);
    }
    Ok(legs)
}

fn leg(
    store: &dyn Store,
    container: &ContainerId,
    network: &Id,
    endpoint: &Id,
) -> Result<Option<Leg>> {
    let Some(endpoint) = records::endpoint(store, network, endpoint)? else { return Ok(None) };
    let Some(network) = records::network(store, network)? else { return Ok(None) };
    let interface = endpoint.attachment(container).map(|found| found.interface.clone());
    Ok(interface.map(|interface| Leg { network, endpoint, interface }))
}

/// The steps that move the default routes when the legs change from `before` to `after`.
pub(super) fn moves(ns: &Ns, before: &[Leg], after: &[Leg]) -> Vec<Step> {
    let families = [false, true].into_iter();
    families
        .filter_map(|ipv6| {
            let (from, to) = (best(before, ipv6), best(after, ipv6));
            let ns = ns.clone();
            (from != to).then_some(Step::DefaultRoute { ns, ipv6, to, from })
        })
        .collect()
}

/// The gateway of the endpoint with the highest priority, then the oldest.
fn best(legs: &[Leg], ipv6: bool) -> Option<Hop> {
    let hops = legs.iter().filter_map(|leg| {
        let has = leg.endpoint.ips().any(|ip| ip.is_ipv6() == ipv6);
        let via = drivers::of(leg.network.kind).gateway(&leg.network, ipv6).filter(|_| has)?;
        Some((leg, Hop { via, dev: leg.interface.clone() }))
    });
    let rank = |leg: &Leg| (std::cmp::Reverse(leg.endpoint.priority), leg.endpoint.created);
    hops.min_by_key(|(leg, _)| rank(leg)).map(|(_, hop)| hop)
}
