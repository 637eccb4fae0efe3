//! Verbs of networks.

use std::sync::Arc;

use ipnet::IpNet;

use super::commit::{build, take_down};
use super::locked::Locked;
use super::log::Level;
use super::records::{self, Writes, name_key, network_key, network_steps};
use super::{Netberth, lookup, now};
use crate::drivers;
use crate::error::{Doing, Error, Kind, Result};
use crate::ipam;
use crate::model::view::{BackendView, EndpointView, NetworkView};
use crate::model::{
    Endpoint, Filter, Id, Labels, Network, NetworkName, NetworkOptions, NetworkSpec, NetworkState,
    NetworkType, OptionsSpec, Role,
};
use crate::plan::{Done, HostFacts, Step};
use crate::store::Store;

/// The MTU of a host without a default route: that of Ethernet (RFC 894).
const ETHERNET_MTU: u32 = 1500;

impl Netberth {
    /// Creates a network and brings it up: device, addresses, rules.
    ///
    /// # Errors
    /// `exists` for a name that is taken or a subnet that overlaps, `denied` for `null` and `host`
    /// (which exist once each) and for a device that is not netberth's, `exhausted` when no subnet
    /// is free. Nothing is left of a failed creation.
    pub fn network_create(&self, spec: &NetworkSpec) -> Result<Id> {
        let mut locked = self.lock()?;
        let doing = format!("create network {}", spec.name);
        create(&mut locked, spec, &doing).doing(|| doing)
    }

    /// A network by id, name or id prefix.
    ///
    /// # Errors
    /// `not_found`; `invalid` for a prefix that several have.
    pub fn network(&self, selector: &str, verbose: bool) -> Result<NetworkView> {
        view(&*self.store, &lookup::network(&*self.store, selector)?, verbose)
    }

    /// Networks in order of creation.
    pub fn networks(&self, filter: &Filter, verbose: bool) -> Result<Vec<NetworkView>> {
        let networks = records::networks(&*self.store)?.into_iter();
        let wanted = |network: &Network| {
            filter.matches(&network.id.to_string(), network.name.as_str(), network.name.as_str())
        };
        networks.filter(wanted).map(|network| view(&*self.store, &network, verbose)).collect()
    }

    /// Deletes a network: rules, addresses and device.
    ///
    /// # Errors
    /// `in_use` while it has endpoints, naming them; `denied` for the three predefined ones. If the
    /// kernel refuses a part, the rest is gone all the same, the network is marked `deleting`, and
    /// the call can be repeated.
    pub fn network_delete(&self, selector: &str) -> Result<()> {
        let mut locked = self.lock()?;
        let network = lookup::network(locked.store(), selector)?;
        let doing = format!("delete network {}", network.name);
        delete(&mut locked, &network, &doing).doing(|| doing)
    }
}

fn create(locked: &mut Locked<'_>, spec: &NetworkSpec, doing: &str) -> Result<Id> {
    if spec.kind != NetworkType::Bridge {
        let what = format!("network type {} exists once and cannot be created", spec.kind);
        return Err(Error::new(Kind::Denied, what));
    }
    let claim = name_key(None, spec.name.as_str());
    if records::text(locked.store(), &claim)?.is_some() {
        let what = format!("network with name {} already exists", spec.name);
        return Err(Error::new(Kind::Exists, what));
    }
    let id = locked.netberth.fresh_id()?;
    let mut network = define(id, spec.name.clone(), spec.kind, spec.options.labels.clone());
    let steps = bring_up(locked, &mut network, &spec.options)?;
    build(locked, doing, steps, Vec::new(), |done| {
        let writes = Writes::durable().put(network_key(&id), &network)?;
        let writes = writes.claim(claim, id.to_string());
        Ok(writes.put_steps(network_steps(&id), done)?.batch())
    })?;
    locked.say(Level::Info, || format!("network {} created, id {id}", spec.name));
    Ok(id)
}

fn define(id: Id, name: NetworkName, kind: NetworkType, labels: Labels) -> Network {
    let (options, state) = (NetworkOptions::default(), NetworkState::Defined);
    Network { id, name, kind, options, labels, created: now(), state }
}

/// Decides what is in effect, and returns the steps that make it so.
pub(super) fn bring_up(
    locked: &Locked<'_>,
    network: &mut Network,
    asked: &OptionsSpec,
) -> Result<Vec<Step>> {
    let driver = drivers::of(network.kind);
    network.options.ipv6 = asked.ipv6;
    let facts = locked.kernel().facts(&driver.ask(network))?;
    network.options = effective(locked.store(), &network.id, asked, &facts.host)?;
    network.state = NetworkState::Up;
    Ok(driver.network(network, &facts)?.steps)
}

fn effective(
    store: &dyn Store,
    id: &Id,
    asked: &OptionsSpec,
    host: &HostFacts,
) -> Result<NetworkOptions> {
    let mut others = of_host(host);
    for network in records::networks(store)? {
        for subnet in &network.options.subnets {
            others.push_network(subnet.subnet, network.name.as_str());
        }
    }
    let bridge = asked.bridge.as_ref().map(ToString::to_string);
    Ok(NetworkOptions {
        subnets: ipam::subnets(asked, &others, id)?,
        ipv6: asked.ipv6,
        internal: asked.internal,
        icc: asked.icc,
        masquerade: asked.masquerade,
        mtu: asked.mtu.or(host.default_mtu).unwrap_or(ETHERNET_MTU),
        bridge: bridge.unwrap_or_else(|| format!("nb-{}", id.short(11))),
        host_binding: asked.host_binding,
    })
}

/// Everything the host has that a subnet must keep clear of.
fn of_host(host: &HostFacts) -> ipam::Others {
    let mut others = ipam::Others::default();
    for net in &host.routes {
        others.push(*net, format!("the host's route to {net}"));
    }
    for net in &host.addresses {
        others.push(net.trunc(), format!("the host's address {net}"));
    }
    for server in &host.nameservers {
        others.push(IpNet::from(*server), format!("the host's nameserver {server}"));
    }
    others
}

/// Nothing is put on a network of which a part is gone.
pub(super) fn check_whole(network: &Network) -> Result<()> {
    if network.state != NetworkState::Deleting {
        return Ok(());
    }
    // A predefined network goes with its last endpoint.
    let what = if network.is_predefined() { "its last endpoint" } else { "it" };
    let what = format!("network {} is half deleted: delete {what} again", network.name);
    Err(Error::new(Kind::InUse, what))
}

fn delete(locked: &mut Locked<'_>, network: &Network, doing: &str) -> Result<()> {
    if network.is_predefined() {
        let what = format!("network {} is predefined and cannot be deleted", network.name);
        return Err(Error::new(Kind::Denied, what));
    }
    let endpoints = records::endpoints(locked.store(), &network.id)?;
    if !endpoints.is_empty() {
        let listed = endpoints.iter().filter(|endpoint| endpoint.role != Role::Member);
        let names: Vec<&str> = listed.map(|endpoint| endpoint.name.as_str()).collect();
        let names = names.join(", ");
        let what = format!("network {} has active endpoints: {names}", network.name);
        return Err(Error::new(Kind::InUse, what));
    }
    let steps_key = network_steps(&network.id);
    let remove = records::steps(locked.store(), &steps_key)?;
    let mut gone = Writes::durable()
        .delete(network_key(&network.id))
        .delete(name_key(None, network.name.as_str()))
        .delete(steps_key.clone());
    for subnet in &network.options.subnets {
        gone = gone.delete(records::cursor_key(&network.id, &subnet.subnet.to_string()));
    }
    let owners = std::slice::from_ref(&steps_key);
    take_down(locked, doing, owners, &[], remove, &gone.batch(), |left| {
        let marked = Network { state: NetworkState::Deleting, ..network.clone() };
        let writes = Writes::durable().put(network_key(&network.id), &marked)?;
        Ok(writes.put_steps(steps_key.clone(), &left.steps)?.batch())
    })?;
    locked.say(Level::Info, || format!("network {} deleted", network.name));
    Ok(())
}

/// What takes the default network back out of the kernel with its last endpoint.
pub(super) fn bring_down(
    locked: &Locked<'_>,
    network: &Network,
    writes: Writes,
) -> Result<(Vec<Done>, Writes)> {
    let remove = records::steps(locked.store(), &network_steps(&network.id))?;
    let mut defined = network.clone();
    defined.options = NetworkOptions::default();
    defined.state = NetworkState::Defined;
    let mut writes =
        writes.put(network_key(&network.id), &defined)?.delete(network_steps(&network.id));
    for subnet in &network.options.subnets {
        writes = writes.delete(records::cursor_key(&network.id, &subnet.subnet.to_string()));
    }
    Ok((remove, writes))
}

/// `none`, `host` and `bridge`, as Docker has them.
pub(super) fn define_predefined(locked: &Locked<'_>) -> Result<()> {
    let predefined =
        [("none", NetworkType::Null), ("host", NetworkType::Host), ("bridge", NetworkType::Bridge)];
    let mut writes = Writes::durable();
    let mut missing = false;
    for (name, kind) in predefined {
        let claim = name_key(None, name);
        if records::text(locked.store(), &claim)?.is_some() {
            continue;
        }
        missing = true;
        let id = locked.netberth.fresh_id()?;
        let network = define(id, NetworkName::new(name)?, kind, Labels::new());
        writes = writes.put(network_key(&id), &network)?.claim(claim, id.to_string());
    }
    if missing { locked.store().commit(&writes.batch()) } else { Ok(()) }
}

fn view(store: &dyn Store, network: &Network, verbose: bool) -> Result<NetworkView> {
    let endpoints = records::endpoints(store, &network.id)?;
    let endpoints = endpoint_views(store, network, &endpoints, verbose)?;
    Ok(NetworkView::new(network, endpoints, verbose))
}

pub(super) fn endpoint_views(
    store: &dyn Store,
    network: &Network,
    endpoints: &[Arc<Endpoint>],
    verbose: bool,
) -> Result<Vec<EndpointView>> {
    let shown = endpoints.iter().filter(|endpoint| endpoint.role != Role::Member);
    shown.map(|endpoint| endpoint_view(store, network, endpoint, verbose)).collect()
}

pub(super) fn endpoint_view(
    store: &dyn Store,
    network: &Network,
    endpoint: &Endpoint,
    verbose: bool,
) -> Result<EndpointView> {
    let name = network.name.as_str();
    if !verbose {
        return Ok(EndpointView::new(endpoint, name));
    }
    let container = endpoint.attachments.first().map(|attachment| &attachment.container);
    let sandbox = container.map(|id| records::sandbox(store, id)).transpose()?.flatten();
    let backends = backend_views(store, endpoint, true)?;
    Ok(EndpointView::verbose(endpoint, name, sandbox.map(|sandbox| sandbox.key), backends))
}

/// The containers behind a service; for a plain endpoint the one that is joined.
pub(super) fn backend_views(
    store: &dyn Store,
    endpoint: &Endpoint,
    verbose: bool,
) -> Result<Vec<BackendView>> {
    let joined = endpoint.attachments.iter();
    let mut views: Vec<BackendView> =
        joined.map(|found| BackendView::new(endpoint, found, false, verbose)).collect();
    for backend in &endpoint.backends {
        let place = records::endpoint(store, &endpoint.network, &backend.endpoint)?;
        let attachment = place.as_ref().and_then(|place| place.attachment(&backend.container));
        if let (Some(place), Some(attachment)) = (&place, attachment) {
            views.push(BackendView::new(place, attachment, backend.draining, verbose));
        }
    }
    Ok(views)
}
