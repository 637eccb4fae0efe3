//! Verbs of services: endpoints with an address that is nobody's, and any number of containers behind.

use std::path::PathBuf;
use std::sync::Arc;

use super::backend::{self, Leaving};
use super::commit::{build, take_down};
use super::endpoint::is_service;
use super::join::Also;
use super::locked::Locked;
use super::log::Level;
use super::names::{Fate, Others};
use super::records::{Writes, endpoint_key};
use super::{Netberth, detach, endpoint, join, lookup, network, records, seat};
use crate::error::{Doing, Error, Kind, Result};
use crate::model::view::{BackendView, EndpointView};
use crate::model::{
    ContainerId, Endpoint, EndpointSpec, Filter, Id, JoinSpec, Network, Role, ServiceSpec,
};
use crate::plan::Step;
use crate::store::{Batch, Store};

impl Netberth {
    /// Publishes a service on a network.
    ///
    /// # Errors
    /// As [`Netberth::endpoint_create`].
    pub fn service_publish(&self, spec: &ServiceSpec) -> Result<Id> {
        let mut locked = self.lock()?;
        let network = lookup::network(locked.store(), &spec.network)?;
        let name = &spec.endpoint.name;
        let doing = format!("publish service {name} on network {}", network.name);
        endpoint::create(&mut locked, network, &spec.endpoint, &doing).doing(|| doing)
    }

    /// A service by id, name or id prefix.
    ///
    /// # Errors
    /// `not_found`; `invalid` for a name or a prefix that several have.
    pub fn service(&self, selector: &str, verbose: bool) -> Result<EndpointView> {
        let service = lookup::service(&*self.store, selector)?;
        view(&*self.store, &service, verbose)
    }

    /// Every endpoint of every network, which is what a service is in the API of 2015, in order of
    /// creation.
    pub fn services(&self, filter: &Filter, verbose: bool) -> Result<Vec<EndpointView>> {
        let mut views = Vec::new();
        for endpoint in records::endpoints_by_id(&*self.store, "")? {
            let network = lookup::network_of(&*self.store, &endpoint)?;
            let id = endpoint.id.to_string();
            if endpoint.role == Role::Member {
                continue;
            }
            if filter.matches(&id, endpoint.name.as_str(), network.name.as_str()) {
                views.push(view(&*self.store, &endpoint, verbose)?);
            }
        }
        Ok(views)
    }

    /// Deletes a service and releases its addresses; with `force`, detaches its back ends first.
    ///
    /// # Errors
    /// `not_found`; `in_use` while back ends are attached.
    pub fn service_unpublish(&self, selector: &str, force: bool) -> Result<()> {
        let mut locked = self.lock()?;
        let service = lookup::service(locked.store(), selector)?;
        let network = lookup::network_of(locked.store(), &service)?;
        endpoint::delete(&mut locked, &network, service, force)
    }

    /// Attaches a container to a service, and returns the sandbox key.
    ///
    /// # Errors
    /// As [`Netberth::join`].
    pub fn service_attach(&self, selector: &str, spec: &JoinSpec) -> Result<PathBuf> {
        let mut locked = self.lock()?;
        let service = lookup::service(locked.store(), selector)?;
        let network = lookup::network_of(locked.store(), &service)?;
        if is_service(&service) {
            return attach(&mut locked, &network, &service, spec);
        }
        drop(locked);
        self.join(&network.id.to_string(), &service.id.to_string(), spec)
    }

    /// The containers attached to a service, in order of attaching.
    ///
    /// # Errors
    /// As [`Netberth::service`].
    pub fn service_backends(&self, selector: &str, verbose: bool) -> Result<Vec<BackendView>> {
        let service = lookup::service(&*self.store, selector)?;
        network::backend_views(&*self.store, &service, verbose)
    }

    /// Detaches a container from a service. Its connections by way of the service end; with `drain`
    /// they go on, and it only gets no new ones: it stays a back end, `draining`, until it is
    /// detached without `drain`, attached again, or deleted.
    ///
    /// # Errors
    /// As [`Netberth::detach`].
    pub fn service_detach(&self, selector: &str, container: &str, drain: bool) -> Result<()> {
        let mut locked = self.lock()?;
        let service = lookup::service(locked.store(), selector)?;
        let network = lookup::network_of(locked.store(), &service)?;
        let container = ContainerId::new(container)?;
        if is_service(&service) {
            return leave(&mut locked, &network, &service, &container, drain);
        }
        if drain {
            let what = format!("{} is an endpoint, not a service: it cannot drain", service.name);
            return Err(Error::new(Kind::Invalid, what));
        }
        detach::detach(&mut locked, &network, &service.id, &container)
    }
}

/// Puts a container behind a service: in a place of its own, unless it is on the network already.
pub(super) fn attach(
    locked: &mut Locked<'_>,
    network: &Network,
    service: &Endpoint,
    spec: &JoinSpec,
) -> Result<PathBuf> {
    let container = &spec.container;
    let doing = format!("attach {container} to service {}", service.name);
    let known = service.backends.iter().find(|backend| backend.container == *container);
    if known.is_some_and(|backend| !backend.draining) {
        let what = format!("container {container} is attached already");
        return Err(Error::new(Kind::Invalid, what).doing(doing));
    }
    let endpoints = records::endpoints(locked.store(), &network.id)?;
    let on_it = endpoints.iter().find(|endpoint| endpoint.attachment(container).is_some());
    match on_it {
        Some(place) if place.attachment(container).is_some_and(|here| here.detaching) => {
            let what = format!("container {container} is half detached: detach it again first");
            Err(Error::new(Kind::InUse, what).doing(doing))
        }
        Some(place) => {
            let place = place.clone();
            attach_in(locked, network, service, spec, &endpoints, &place, &doing)
        }
        None => attach_new(locked, network, service, spec, endpoints, &doing),
    }
}

fn attach_new(
    locked: &mut Locked<'_>,
    network: &Network,
    service: &Endpoint,
    spec: &JoinSpec,
    mut others: Vec<Arc<Endpoint>>,
    doing: &str,
) -> Result<PathBuf> {
    let id = locked.netberth.fresh_id()?;
    let member = EndpointSpec::member(service.name.clone(), service.priority);
    let (member, writes) =
        endpoint::allot(locked, network, &member, id).doing(|| doing.to_owned())?;
    let after = backend::with(service, &spec.container, id);
    others.push(Arc::new(member.clone()));
    let adjust = arriving(locked, network, (service, &after), &member, &others, true)?;
    replace(&mut others, &after);
    let writes = writes.for_this_boot().put(endpoint_key(&network.id, &after.id), &after)?;
    let also = Also { others: Others::Changed(others), adjust, writes };
    join::join(locked, network, member, spec, also, doing)
}

/// The container stays in its place, and becomes a back end there.
fn attach_in(
    locked: &mut Locked<'_>,
    network: &Network,
    service: &Endpoint,
    spec: &JoinSpec,
    endpoints: &[Arc<Endpoint>],
    place: &Endpoint,
    doing: &str,
) -> Result<PathBuf> {
    check_in_place(spec, place).doing(|| doing.to_owned())?;
    let result = seat::find(locked, network, spec).and_then(|seat| {
        let after = backend::with(service, &spec.container, place.id);
        let adjust = arriving(locked, network, (service, &after), place, endpoints, false)?;
        build(locked, doing, Vec::new(), adjust, |_| {
            Ok(Writes::new().put(endpoint_key(&network.id, &after.id), &after)?.batch())
        })?;
        Ok(seat.sandbox.key)
    });
    let key = result.doing(|| doing.to_owned())?;
    locked.say(Level::Info, || doing.to_owned());
    Ok(key)
}

/// What only a join can give is not passed over in silence.
fn check_in_place(spec: &JoinSpec, place: &Endpoint) -> Result<()> {
    let asked = [
        ("interface_name", spec.interface_name.is_some()),
        ("sysctls", !spec.sysctls.is_empty()),
        ("extra_hosts", !spec.extra_hosts.is_empty()),
        ("parent_updates", !spec.parent_updates.is_empty()),
    ];
    let Some((key, _)) = asked.iter().find(|(_, asked)| *asked) else { return Ok(()) };
    let what = format!(
        "{key}: the container is on the network already, by {}: give it where that is joined",
        place.name
    );
    Err(Error::new(Kind::Invalid, what))
}

/// The steps by which a service changes when a back end comes.
fn arriving(
    locked: &Locked<'_>,
    network: &Network,
    (before, after): (&Endpoint, &Endpoint),
    place: &Endpoint,
    endpoints: &[Arc<Endpoint>],
    is_new: bool,
) -> Result<Vec<Step>> {
    let elements = |service| backend::elements(service, endpoints);
    let known = after.backends.iter().find(|backend| backend.endpoint == place.id);
    let alone = known.is_some_and(|backend| {
        backend::behind(endpoints, &place.id, &backend.container).is_empty()
    });
    let itself = if alone { backend::itself(place) } else { Vec::new() };
    let swap = backend::swap(&elements(before), &elements(after), Vec::new(), itself);
    let first = backend::first_comes(locked, before)?;
    let but = is_new.then(|| after.backends.last()).flatten().map(|backend| &backend.container);
    let naming = backend::naming(network, after, place, endpoints, but, Fate::Comes);
    Ok(swap.into_iter().chain(first).chain(naming).collect())
}

fn replace(endpoints: &mut [Arc<Endpoint>], with: &Endpoint) {
    for endpoint in endpoints.iter_mut().filter(|endpoint| endpoint.id == with.id) {
        *endpoint = Arc::new(with.clone());
    }
}

/// Takes a container from behind a service.
pub(super) fn leave(
    locked: &mut Locked<'_>,
    network: &Network,
    service: &Endpoint,
    container: &ContainerId,
    drain: bool,
) -> Result<()> {
    let doing = format!("detach {container} from service {}", service.name);
    let result = leave_by(locked, network, service, container, drain, &doing);
    result.doing(|| doing.clone())?;
    locked.say(Level::Info, || doing);
    Ok(())
}

fn leave_by(
    locked: &mut Locked<'_>,
    network: &Network,
    service: &Endpoint,
    container: &ContainerId,
    drain: bool,
    doing: &str,
) -> Result<()> {
    let endpoints = records::endpoints(locked.store(), &network.id)?;
    // Who takes down all of it has taken others from it since.
    let service =
        endpoints.iter().map(Arc::as_ref).find(|known| known.id == service.id).unwrap_or(service);
    let Some(backend) = service.backends.iter().find(|found| found.container == *container) else {
        let what = format!("container {container} is not attached to service {}", service.name);
        return Err(Error::new(Kind::Invalid, what));
    };
    let place = backend::place(backend, &endpoints);
    if drain {
        let after = backend::drained(service, container);
        let elements = |service| backend::elements(service, &endpoints);
        let swap = backend::swap(&elements(service), &elements(&after), Vec::new(), Vec::new());
        let gone = place
            .and_then(|at| backend::naming(network, service, at, &endpoints, None, Fate::Goes));
        let adjust: Vec<Step> = swap.into_iter().chain(gone).collect();
        let batch = Writes::new().put(endpoint_key(&network.id, &after.id), &after)?.batch();
        return take_down(locked, doing, &[], &adjust, Vec::new(), &batch.clone(), |remains| {
            Ok(if remains.unswapped { Batch::default() } else { batch })
        });
    }
    let last = backend::behind(&endpoints, &backend.endpoint, container).len() == 1;
    let place = place.filter(|_| last);
    let leaving = backend::leave(network, &endpoints, &[service], container, place);
    if let Some(member) = place.filter(|place| place.role == Role::Member) {
        let Leaving { adjust, gone, left } = leaving;
        let also = detach::Also { adjust, gone, left };
        return detach::take(locked, network, &endpoints, member.clone(), container, also, doing);
    }
    let gone = backend::put_all(Writes::new(), &leaving.gone)?.batch();
    let left = backend::put_all(Writes::new(), &leaving.left)?.batch();
    take_down(locked, doing, &[], &leaving.adjust, Vec::new(), &gone, |remains| {
        Ok(if remains.unswapped { Batch::default() } else { left })
    })
}

fn view(store: &dyn Store, service: &Endpoint, verbose: bool) -> Result<EndpointView> {
    let network = lookup::network_of(store, service)?;
    network::endpoint_view(store, &network, service, verbose)
}
