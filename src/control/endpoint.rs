//! Verbs of endpoints, but for joining and detaching.

use std::net::IpAddr;

use ipnet::IpNet;

use super::commit::{build, take_down};
use super::locked::Locked;
use super::log::Level;
use super::names::{self, Fate};
use super::records::{self, Writes, cursor_key, endpoint_key, lease_key, name_key, network_steps};
use super::{Netberth, backend, detach, lookup, network, now, ports, service};
use crate::drivers;
use crate::error::{Doing, Error, Kind, Result};
use crate::ipam;
use crate::model::view::EndpointView;
use crate::model::{
    Balance, ContainerId, Endpoint, EndpointSpec, Filter, Id, Mac, Network, NetworkState,
    OptionsSpec, Role, Spread, Subnet,
};
use crate::plan::Step;

impl Netberth {
    /// Creates an endpoint: its addresses are its own until it is deleted.
    ///
    /// # Errors
    /// `not_found` for the network; `exists` for a name or an address that is taken; `exhausted`
    /// when no address is free; `invalid` for an address outside the network's subnets.
    pub fn endpoint_create(&self, network: &str, spec: &EndpointSpec) -> Result<Id> {
        let mut locked = self.lock()?;
        let network = lookup::network(locked.store(), network)?;
        let doing = format!("create endpoint {} on network {}", spec.name, network.name);
        create(&mut locked, network, spec, &doing).doing(|| doing)
    }

    /// An endpoint of a network, each by id, name or id prefix.
    ///
    /// # Errors
    /// `not_found`; `invalid` for a prefix that several have.
    pub fn endpoint(&self, network: &str, endpoint: &str, verbose: bool) -> Result<EndpointView> {
        let network = lookup::network(&*self.store, network)?;
        let endpoint = lookup::endpoint(&*self.store, &network, endpoint)?;
        network::endpoint_view(&*self.store, &network, &endpoint, verbose)
    }

    /// Endpoints of a network in order of creation.
    pub fn endpoints(
        &self,
        network: &str,
        filter: &Filter,
        verbose: bool,
    ) -> Result<Vec<EndpointView>> {
        let network = lookup::network(&*self.store, network)?;
        let mut endpoints = records::endpoints(&*self.store, &network.id)?;
        endpoints.retain(|endpoint| {
            if endpoint.role == Role::Member {
                return false;
            }
            let id = endpoint.id.to_string();
            filter.matches(&id, endpoint.name.as_str(), network.name.as_str())
        });
        network::endpoint_views(&*self.store, &network, &endpoints, verbose)
    }

    /// Deletes an endpoint and releases its addresses; with `force`, detaches its containers first.
    ///
    /// # Errors
    /// `not_found`; `in_use` while a container is joined.
    pub fn endpoint_delete(&self, network: &str, endpoint: &str, force: bool) -> Result<()> {
        let mut locked = self.lock()?;
        let network = lookup::network(locked.store(), network)?;
        let endpoint = lookup::endpoint(locked.store(), &network, endpoint)?;
        delete(&mut locked, &network, endpoint, force)
    }
}

pub(super) fn create(
    locked: &mut Locked<'_>,
    mut network: Network,
    spec: &EndpointSpec,
    doing: &str,
) -> Result<Id> {
    let claim = name_key(Some(&network.id), spec.name.as_str());
    if records::text(locked.store(), &claim)?.is_some() {
        let what = format!("endpoint {} already exists on network {}", spec.name, network.name);
        return Err(Error::new(Kind::Exists, what));
    }
    network::check_whole(&network)?;
    let has_interface = drivers::of(network.kind).has_interface();
    let rising = has_interface && network.state == NetworkState::Defined;
    let steps = if rising {
        network::bring_up(locked, &mut network, &OptionsSpec::default())?
    } else {
        Vec::new()
    };
    let id = locked.netberth.fresh_id()?;
    let (endpoint, writes) = allot(locked, &network, spec, id)?;
    let writes = writes.put(endpoint_key(&network.id, &id), &endpoint)?;
    let writes = writes.claim(claim, id.to_string());
    let naming = names::of_service(locked.store(), &network, &endpoint, Fate::Comes)?;
    let appearing = backend::swap(&[], &backend::elements(&endpoint, &[]), Vec::new(), Vec::new());
    let adjust = appearing.into_iter().chain(naming).collect();
    build(locked, doing, steps, adjust, |done| {
        if !rising {
            return Ok(writes.batch());
        }
        let writes = writes.put(records::network_key(&network.id), &network)?;
        Ok(writes.put_steps(network_steps(&network.id), done)?.batch())
    })?;
    locked.say(Level::Info, || format!("endpoint {} created, id {id}", spec.name));
    Ok(id)
}

/// Chooses addresses, and the writes that claim them.
pub(super) fn allot(
    locked: &Locked<'_>,
    network: &Network,
    spec: &EndpointSpec,
    id: Id,
) -> Result<(Endpoint, Writes)> {
    let mut writes = Writes::durable();
    let mut addresses = Vec::new();
    for (v6, fixed) in
        [(false, spec.ipv4_address.map(IpAddr::from)), (true, spec.ipv6_address.map(IpAddr::from))]
    {
        let of_family = |subnet: &&Subnet| subnet.subnet.addr().is_ipv6() == v6;
        let subnets: Vec<Subnet> =
            network.options.subnets.iter().filter(of_family).cloned().collect();
        let chosen = match fixed {
            Some(wanted) => Some(fix(locked, network, &subnets, wanted)?),
            None => next_free(locked, network, &subnets)?,
        };
        let Some((address, subnet)) = chosen else { continue };
        addresses.push(IpNet::new_assert(address, subnet.subnet.prefix_len()));
        writes = writes.claim(lease_key(&network.id, &address.to_string()), id.to_string());
        if fixed.is_none() {
            let cursor = cursor_key(&network.id, &subnet.subnet.to_string());
            writes = writes.set(cursor, address.to_string());
        }
    }
    let mac = match spec.role {
        Role::Service { .. } => None,
        Role::Plain | Role::Member => hardware_address(locked, network, spec, &addresses, id)?,
    };
    if let Some(mac) = mac {
        writes = writes.claim(lease_key(&network.id, &mac.to_string()), id.to_string());
    }
    let ips: Vec<IpAddr> = addresses.iter().map(IpNet::addr).collect();
    let port_mapping = ports::allot(locked, network, spec, &ips)?;
    writes = ports::claim(writes, &spec.port_mapping, &port_mapping, &id.to_string());
    let turn = match spec.role {
        Role::Service { balance: Balance::RoundRobin } => backend::free_turn(locked.store())?,
        _ => None,
    };
    if let Some(number) = turn {
        writes = writes.claim(backend::turn_key(number), id.to_string());
    }
    let spec = spec.clone();
    let endpoint = Endpoint {
        id,
        name: spec.name,
        network: network.id,
        exposed_ports: spec.exposed_ports,
        port_mapping,
        addresses,
        mac,
        aliases: spec.aliases,
        priority: spec.priority,
        labels: spec.labels,
        created: now(),
        role: spec.role,
        attachments: Vec::new(),
        backends: Vec::new(),
        spread: Spread { turn, ..Spread::default() },
    };
    Ok((endpoint, writes))
}

/// Who holds an address of the network.
fn holder(locked: &Locked<'_>, network: &Network, address: &str) -> Result<Option<String>> {
    let key = lease_key(&network.id, address);
    let Some(id) = records::text(locked.store(), &key)? else { return Ok(None) };
    let endpoint = records::endpoint(locked.store(), &network.id, &id.parse()?)?;
    Ok(Some(endpoint.map_or(id, |endpoint| endpoint.name.to_string())))
}

fn fix(
    locked: &Locked<'_>,
    network: &Network,
    subnets: &[Subnet],
    wanted: IpAddr,
) -> Result<(IpAddr, Subnet)> {
    let subnet = ipam::fixed(subnets, wanted)?.clone();
    match holder(locked, network, &wanted.to_string())? {
        None => Ok((wanted, subnet)),
        Some(name) => {
            let what = format!("address {wanted} is taken by endpoint {name}");
            Err(Error::new(Kind::Exists, what))
        }
    }
}

fn next_free(
    locked: &Locked<'_>,
    network: &Network,
    subnets: &[Subnet],
) -> Result<Option<(IpAddr, Subnet)>> {
    let mut taken = |address: IpAddr| {
        let key = lease_key(&network.id, &address.to_string());
        Ok(records::text(locked.store(), &key)?.is_some())
    };
    for subnet in subnets {
        let cursor = cursor_key(&network.id, &subnet.subnet.to_string());
        let last = records::text(locked.store(), &cursor)?.and_then(|text| text.parse().ok());
        if let Some(address) = ipam::next(subnet, last, &mut taken)? {
            return Ok(Some((address, subnet.clone())));
        }
    }
    if subnets.is_empty() {
        return Ok(None);
    }
    let full: Vec<String> =
        subnets.iter().map(|subnet| subnet.range.unwrap_or(subnet.subnet).to_string()).collect();
    let what = format!("no free address is left in {}", full.join(", "));
    Err(Error::new(Kind::Exhausted, what))
}

fn hardware_address(
    locked: &Locked<'_>,
    network: &Network,
    spec: &EndpointSpec,
    addresses: &[IpNet],
    id: Id,
) -> Result<Option<Mac>> {
    if !drivers::of(network.kind).has_interface() {
        if spec.mac_address.is_some() {
            let what = format!("mac_address: network {} has no interfaces", network.name);
            return Err(Error::new(Kind::Invalid, what));
        }
        return Ok(None);
    }
    if let Some(wanted) = spec.mac_address {
        return match holder(locked, network, &wanted.to_string())? {
            None => Ok(Some(wanted)),
            Some(name) => {
                let what = format!("mac_address {wanted} is taken by endpoint {name}");
                Err(Error::new(Kind::Exists, what))
            }
        };
    }
    let from_address = addresses.iter().find_map(|net| match net.addr() {
        IpAddr::V4(v4) => Some(Mac::of_address(v4)),
        IpAddr::V6(_) => None,
    });
    let own = Mac::of_number(id.number());
    let first = from_address.unwrap_or(own);
    let free = holder(locked, network, &first.to_string())?.is_none();
    Ok(Some(if free { first } else { own }))
}

pub(super) fn delete(
    locked: &mut Locked<'_>,
    network: &Network,
    mut endpoint: Endpoint,
    force: bool,
) -> Result<()> {
    let doing = format!("delete endpoint {} of network {}", endpoint.name, network.name);
    let joined = endpoint.attachments.iter().map(|attachment| &attachment.container);
    let behind = endpoint.backends.iter().map(|backend| &backend.container);
    let containers: Vec<ContainerId> = joined.chain(behind).cloned().collect();
    if let Some(container) = containers.first()
        && !force
    {
        let what = format!(
            "endpoint {} is joined by container {container}: detach it first, or use force",
            endpoint.name
        );
        return Err(Error::new(Kind::InUse, what).doing(doing));
    }
    for container in containers {
        leave(locked, network, &endpoint, &container)?;
    }
    endpoint.attachments.clear();
    endpoint.backends.clear();
    let endpoint = backend::shared_out(endpoint);
    let naming = names::of_service(locked.store(), network, &endpoint, Fate::Goes)?;
    let vanishing = backend::swap(&backend::elements(&endpoint, &[]), &[], Vec::new(), Vec::new());
    let adjust: Vec<Step> = vanishing.into_iter().chain(naming).collect();
    remove(locked, network, &endpoint, &adjust, &doing).doing(|| doing)?;
    locked.say(Level::Info, || format!("endpoint {} deleted", endpoint.name));
    Ok(())
}

/// A container leaves an endpoint, and the services that it is behind by way of it.
fn leave(
    locked: &mut Locked<'_>,
    network: &Network,
    endpoint: &Endpoint,
    container: &ContainerId,
) -> Result<()> {
    if is_service(endpoint) {
        return service::leave(locked, network, endpoint, container, false);
    }
    let endpoints = records::endpoints(locked.store(), &network.id)?;
    for service in backend::behind(&endpoints, &endpoint.id, container) {
        service::leave(locked, network, service, container, false)?;
    }
    detach::detach(locked, network, &endpoint.id, container)
}

/// Writes the endpoint that its container has left; a member ends with what it is for.
pub(super) fn left(writes: Writes, endpoint: &Endpoint) -> Result<Writes> {
    match endpoint.role {
        Role::Member => Ok(release(writes, endpoint)),
        _ => writes.put(endpoint_key(&endpoint.network, &endpoint.id), endpoint),
    }
}

/// Releases what an endpoint holds.
fn release(writes: Writes, endpoint: &Endpoint) -> Writes {
    let mut writes = writes.delete(endpoint_key(&endpoint.network, &endpoint.id));
    let addresses = endpoint.ips().map(|ip| ip.to_string());
    for address in addresses.chain(endpoint.mac.map(|mac| mac.to_string())) {
        writes = writes.delete(lease_key(&endpoint.network, &address));
    }
    if let Some(number) = endpoint.spread.turn {
        writes = writes.delete(backend::turn_key(number));
    }
    ports::release(writes, &endpoint.port_mapping)
}

fn remove(
    locked: &mut Locked<'_>,
    network: &Network,
    endpoint: &Endpoint,
    adjust: &[Step],
    doing: &str,
) -> Result<()> {
    let writes = release(Writes::durable(), endpoint)
        .delete(name_key(Some(&network.id), endpoint.name.as_str()));
    let may_fall = network.is_predefined() && drivers::of(network.kind).has_interface();
    let falling = may_fall && records::endpoints(locked.store(), &network.id)?.len() == 1;
    let (steps, writes) =
        if falling { network::bring_down(locked, network, writes)? } else { (Vec::new(), writes) };
    let owner = network_steps(&network.id);
    let owners = std::slice::from_ref(&owner);
    take_down(locked, doing, owners, adjust, steps, &writes.batch(), |left| {
        if !falling {
            return Ok(Writes::new().batch());
        }
        let half = Network { state: NetworkState::Deleting, ..network.clone() };
        let writes = Writes::durable().put(records::network_key(&network.id), &half)?;
        Ok(writes.put_steps(owner.clone(), &left.steps)?.batch())
    })
}

/// Whether this endpoint is a service.
pub(super) fn is_service(endpoint: &Endpoint) -> bool {
    matches!(endpoint.role, Role::Service { .. })
}
