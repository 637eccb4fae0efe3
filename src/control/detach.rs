//! Detaching a container from an endpoint.

use std::sync::Arc;

use super::commit::take_down;
use super::endpoint::{self, is_service};
use super::locked::Locked;
use super::log::Level;
use super::names;
use super::records::{self, Writes, endpoint_key, join_steps, sandbox_key};
use super::route::{Leg, legs, moves};
use super::{Netberth, backend, lookup, service};
use crate::error::{Doing, Error, Kind, Result};
use crate::model::{Attachment, ContainerId, Endpoint, Id, Network};
use crate::plan::Step;
use crate::services::hosts;
use crate::store::Batch;

impl Netberth {
    /// Detaches a container from an endpoint; the endpoint keeps its addresses.
    ///
    /// # Errors
    /// `not_found`; `invalid` if that container is not joined. If the kernel refuses a part, the
    /// rest is gone all the same and the call can be repeated.
    pub fn detach(&self, network: &str, endpoint: &str, container: &str) -> Result<()> {
        let mut locked = self.lock()?;
        let network = lookup::network(locked.store(), network)?;
        let endpoint = lookup::endpoint(locked.store(), &network, endpoint)?;
        let container = ContainerId::new(container)?;
        if is_service(&endpoint) {
            return service::leave(&mut locked, &network, &endpoint, &container, false);
        }
        detach(&mut locked, &network, &endpoint.id, &container)
    }
}

/// What a detach does besides, where it is part of something else.
#[derive(Default)]
pub(super) struct Also {
    /// To be done before the container is taken from its place.
    pub(super) adjust: Vec<Step>,
    /// To be written when it is done.
    pub(super) gone: Vec<Endpoint>,
    /// To be written while something is left of its place, and nothing leads there any more.
    pub(super) left: Vec<Endpoint>,
}

pub(super) fn detach(
    locked: &mut Locked<'_>,
    network: &Network,
    endpoint: &Id,
    container: &ContainerId,
) -> Result<()> {
    let endpoints = records::endpoints(locked.store(), &network.id)?;
    let found = endpoints.iter().find(|known| known.id == *endpoint).cloned();
    let endpoint = found.ok_or_else(|| Error::new(Kind::NotFound, "endpoint not found"))?;
    let doing = format!("detach {container} from {} of network {}", endpoint.name, network.name);
    if let Some(service) = backend::behind(&endpoints, &endpoint.id, container).first() {
        let what = format!(
            "container {container} is behind service {} by this endpoint: detach it there first",
            service.name
        );
        return Err(Error::new(Kind::InUse, what).doing(doing));
    }
    let endpoint = Endpoint::clone(&endpoint);
    take(locked, network, &endpoints, endpoint, container, Also::default(), &doing)
        .doing(|| doing.clone())?;
    locked.say(Level::Info, || doing);
    Ok(())
}

/// Takes a container from an endpoint.
pub(super) fn take(
    locked: &mut Locked<'_>,
    network: &Network,
    endpoints: &[Arc<Endpoint>],
    mut endpoint: Endpoint,
    container: &ContainerId,
    also: Also,
    doing: &str,
) -> Result<()> {
    let Some(attachment) = endpoint.attachment(container).cloned() else {
        let what = format!("container {container} is not joined to endpoint {}", endpoint.name);
        return Err(Error::new(Kind::Invalid, what));
    };
    let mut sandbox = lookup::sandbox(locked.store(), container.as_str())?;
    let before = legs(locked.store(), &sandbox)?;
    let after: Vec<Leg> =
        before.iter().filter(|leg| leg.endpoint.id != endpoint.id).cloned().collect();
    // Where nothing takes over, the route goes with its interface.
    let takes_over = |step: &Step| matches!(step, Step::DefaultRoute { to: Some(_), .. });
    let mut adjust = also.adjust;
    adjust.extend(moves(&attachment.ns, &before, &after).into_iter().filter(takes_over));
    adjust.extend(forgetting(network, &endpoint, &attachment, endpoints));
    adjust.extend(own_change(&sandbox.own_names, &attachment, &endpoint, &before, &after));
    let steps_key = join_steps(&endpoint.id, container);
    let remove = records::steps(locked.store(), &steps_key)?;
    let marked = marked(&endpoint, container);
    endpoint.attachments.retain(|known| known.container != *container);
    sandbox.joined.retain(|(_, id)| *id != endpoint.id);
    let gone = backend::put_all(Writes::new(), &also.gone)?;
    let gone: Batch = endpoint::left(gone, &endpoint)?
        .put(sandbox_key(container), &sandbox)?
        .delete(steps_key.clone())
        .batch();
    let owners = std::slice::from_ref(&steps_key);
    take_down(locked, doing, owners, &adjust, remove, &gone, |left| {
        let services = if left.unswapped { &[][..] } else { &also.left };
        let writes = backend::put_all(Writes::new(), services)?;
        let writes = writes.put(endpoint_key(&network.id, &marked.id), &marked)?;
        Ok(writes.put_steps(steps_key.clone(), &left.steps)?.batch())
    })
}

/// The endpoint while a detach of this container could not be finished.
pub(super) fn marked(endpoint: &Endpoint, container: &ContainerId) -> Endpoint {
    let mut marked = endpoint.clone();
    for attachment in &mut marked.attachments {
        attachment.detaching |= attachment.container == *container;
    }
    marked
}

/// Everyone forgets the endpoint's name, and its container forgets the network's.
fn forgetting(
    network: &Network,
    endpoint: &Endpoint,
    attachment: &Attachment,
    endpoints: &[Arc<Endpoint>],
) -> Vec<Step> {
    let own = vec![attachment.hosts.clone()];
    let all = names::lines(network, endpoints);
    let own = names::change(own, Vec::new(), all);
    let others = names::of_detached(network, endpoint, endpoints, &attachment.container);
    own.into_iter().chain(others).collect()
}

/// The container's own line moves on to the oldest endpoint that it still has.
fn own_change(
    own_names: &[String],
    attachment: &Attachment,
    endpoint: &Endpoint,
    before: &[Leg],
    after: &[Leg],
) -> Option<Step> {
    let first = before.first()?;
    if first.endpoint.id != endpoint.id {
        return None;
    }
    let remove = hosts::own_lines(own_names, endpoint.ips());
    let next = after.first();
    let add = next.map(|leg| hosts::own_lines(own_names, leg.endpoint.ips())).unwrap_or_default();
    names::change(vec![attachment.hosts.clone()], add, remove)
}
