//! What a back end changes for its service, as records and as steps.

use std::net::IpAddr;
use std::sync::Arc;

use super::locked::Locked;
use super::names;
use super::records::{self, Writes};
use crate::error::Result;
use crate::model::{Attachment, Backend, ContainerId, Endpoint, Id, Network, Role};
use crate::plan::Step;
use crate::plan::rules::SetElements;
use crate::services::balance::{self, Taker};
use crate::services::{hosts, ports};
use crate::store::{Key, Store, Table};

/// The counter that a service has to itself.
pub(super) fn turn_key(number: u8) -> Key {
    Key::new(Table::Lease, "turn", number.to_string())
}

/// The first counter that no service has.
pub(super) fn free_turn(store: &dyn Store) -> Result<Option<u8>> {
    for number in 0..crate::plan::rules::TURNS {
        if records::text(store, &turn_key(number))?.is_none() {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// Every element that a service has, as the records say.
pub(super) fn elements(service: &Endpoint, endpoints: &[Arc<Endpoint>]) -> Vec<SetElements> {
    let Role::Service { balance } = service.role else { return Vec::new() };
    let taker = |backend: &Backend| {
        let place = place(backend, endpoints)?;
        Some(Taker { number: backend.number, addresses: place.ips().collect() })
    };
    let takers: Vec<Taker> =
        service.backends.iter().filter(|backend| !backend.draining).filter_map(taker).collect();
    let vips: Vec<IpAddr> = service.ips().collect();
    let way = balance::way(balance, &service.spread);
    balance::elements(way, &vips, &service.port_mapping, &service.spread, &takers)
}

/// The endpoint whose addresses a back end has.
pub(super) fn place<'a>(backend: &Backend, endpoints: &'a [Arc<Endpoint>]) -> Option<&'a Endpoint> {
    endpoints.iter().map(Arc::as_ref).find(|endpoint| endpoint.id == backend.endpoint)
}

/// The step from one state of a service to another; `more` and `less` go with it.
pub(super) fn swap(
    before: &[SetElements],
    after: &[SetElements],
    less: Vec<SetElements>,
    more: Vec<SetElements>,
) -> Option<Step> {
    let mut remove = balance::without(before, after);
    let mut add = balance::without(after, before);
    remove.extend(less);
    add.extend(more);
    (!(remove.is_empty() && add.is_empty())).then_some(Step::Swap { remove, add })
}

/// The service with its slots shared out anew.
pub(super) fn shared_out(mut service: Endpoint) -> Endpoint {
    let Role::Service { balance } = service.role else { return service };
    let takers = service.backends.iter().filter(|backend| !backend.draining);
    let mut numbers: Vec<u16> = takers.map(|backend| backend.number).collect();
    numbers.sort_unstable();
    service.spread = balance::share_out(balance, &service.spread, &numbers);
    service
}

/// The service with one more back end, or with one that takes connections again.
pub(super) fn with(service: &Endpoint, container: &ContainerId, endpoint: Id) -> Endpoint {
    let mut service = service.clone();
    let known = service.backends.iter_mut().find(|backend| backend.container == *container);
    if let Some(known) = known {
        known.draining = false;
        return shared_out(service);
    }
    let taken = |number: &u16| service.backends.iter().any(|backend| backend.number == *number);
    let number = (0..u16::MAX).find(|number| !taken(number)).unwrap_or(u16::MAX);
    let container = container.clone();
    service.backends.push(Backend { container, endpoint, number, draining: false });
    shared_out(service)
}

/// The service without new connections for a container.
pub(super) fn drained(service: &Endpoint, container: &ContainerId) -> Endpoint {
    let mut service = service.clone();
    for backend in &mut service.backends {
        backend.draining |= backend.container == *container;
    }
    shared_out(service)
}

/// The service without a container.
pub(super) fn without(service: &Endpoint, container: &ContainerId) -> Endpoint {
    let mut service = service.clone();
    service.backends.retain(|backend| backend.container != *container);
    shared_out(service)
}

/// The kernel's connections to a service that had no back end: they found the host itself.
pub(super) fn first_comes(locked: &Locked<'_>, before: &Endpoint) -> Result<Option<Step>> {
    if !before.spread.slots.is_empty() || before.port_mapping.is_empty() {
        return Ok(None);
    }
    super::ports::forgetting(locked, before)
}

/// What the others on the network hear of a back end: its line of `tasks.<service>`.
pub(super) fn naming(
    network: &Network,
    service: &Endpoint,
    place: &Endpoint,
    endpoints: &[Arc<Endpoint>],
    but: Option<&ContainerId>,
    fate: names::Fate,
) -> Option<Step> {
    let lines = hosts::task_lines(service, network.name.as_str(), place.ips());
    names::tell(names::files(endpoints, but), lines, fate)
}

/// By what a back end is known that reaches itself through its service; an endpoint with published
/// ports is known already.
pub(super) fn itself(place: &Endpoint) -> Vec<SetElements> {
    if place.port_mapping.is_empty() { ports::itself(place.ips()) } else { Vec::new() }
}

/// What becomes of the services of a network when a container leaves them.
pub(super) struct Leaving {
    /// To be done before its place is taken down.
    pub(super) adjust: Vec<Step>,
    /// The services when all is done.
    pub(super) gone: Vec<Endpoint>,
    /// The services while something is left of its place, and nothing leads there any more.
    pub(super) left: Vec<Endpoint>,
}

/// The container leaves those of `services` that it is behind. `last` is its place, where
/// no other service has it there.
pub(super) fn leave(
    network: &Network,
    endpoints: &[Arc<Endpoint>],
    services: &[&Endpoint],
    container: &ContainerId,
    last: Option<&Endpoint>,
) -> Leaving {
    let mut leaving = Leaving { adjust: Vec::new(), gone: Vec::new(), left: Vec::new() };
    let (mut before, mut after, mut flows) = (Vec::new(), Vec::new(), Vec::new());
    let mut naming_steps = Vec::new();
    for service in services {
        let Some(backend) = service.backends.iter().find(|b| b.container == *container) else {
            continue;
        };
        let gone = without(service, container);
        before.extend(elements(service, endpoints));
        after.extend(elements(&gone, endpoints));
        if let Some(place) = place(backend, endpoints) {
            let (vips, by): (Vec<IpAddr>, Vec<IpAddr>) =
                (service.ips().collect(), place.ips().collect());
            flows.extend(balance::flows(&vips, &service.port_mapping, &by));
            let fate = names::Fate::Goes;
            naming_steps.extend(naming(network, service, place, endpoints, None, fate));
        }
        leaving.left.push(drained(service, container));
        leaving.gone.push(gone);
    }
    let itself = last.map(itself).unwrap_or_default();
    leaving.adjust.extend(swap(&before, &after, itself, Vec::new()));
    if !flows.is_empty() {
        leaving.adjust.push(Step::Conntrack { flows, leaving: false });
    }
    leaving.adjust.extend(naming_steps);
    leaving
}

/// The services that a container is behind by way of an endpoint.
pub(super) fn behind<'a>(
    endpoints: &'a [Arc<Endpoint>],
    endpoint: &Id,
    container: &ContainerId,
) -> Vec<&'a Endpoint> {
    let by_way =
        |backend: &Backend| backend.endpoint == *endpoint && backend.container == *container;
    endpoints
        .iter()
        .map(Arc::as_ref)
        .filter(|service| service.backends.iter().any(by_way))
        .collect()
}

/// The containers of an endpoint or a service, with where they sit.
pub(super) fn attachments(store: &dyn Store, endpoint: &Endpoint) -> Result<Vec<Attachment>> {
    let mut all = endpoint.attachments.clone();
    for backend in &endpoint.backends {
        let place = records::endpoint(store, &endpoint.network, &backend.endpoint)?;
        all.extend(place.and_then(|place| place.attachment(&backend.container).cloned()));
    }
    Ok(all)
}

/// Writes these endpoints.
pub(super) fn put_all(mut writes: Writes, endpoints: &[Endpoint]) -> Result<Writes> {
    for endpoint in endpoints {
        writes = writes.put(records::endpoint_key(&endpoint.network, &endpoint.id), endpoint)?;
    }
    Ok(writes)
}
