//! Steps as rtnetlink requests.

use std::os::fd::{AsFd, AsRawFd, RawFd};

use super::route::link::Veth;
use super::route::{address, link, route};
use super::space::Space;
use super::sysctl::{self, OfInterface};
use crate::error::{Error, Kind, Result};
use crate::plan::{Hop, Ns, Step};

/// Whether the step is one rtnetlink request.
pub(super) fn is_one(step: &Step) -> bool {
    use Step::{Address, Bridge, BridgePort, DefaultRoute, Link, Route, Up, Veth};
    matches!(
        step,
        Bridge { .. }
            | Veth { .. }
            | BridgePort { .. }
            | Up { .. }
            | Link { .. }
            | Address { .. }
            | Route { .. }
            | DefaultRoute { .. }
    ) || of_interface(step).is_some()
}

/// A sysctl of a container's interface that goes with it.
fn of_interface(step: &Step) -> Option<OfInterface<'_>> {
    match step {
        Step::Sysctl { ns: Ns::At { .. }, key, value, before: None } => OfInterface::of(key, value),
        _ => None,
    }
}

/// The device that the step is about, if another step may make it. It must be there before the request
/// is made, which may carry its index; and by its name an older one must not be meant.
pub(super) fn names(step: &Step) -> Option<&str> {
    match step {
        Step::Veth { bridge, .. } => Some(bridge),
        Step::BridgePort { name } => Some(name),
        Step::Up { dev, .. }
        | Step::Address { dev, .. }
        | Step::Route { dev, .. }
        | Step::Link { dev, .. } => Some(dev),
        Step::DefaultRoute { to, .. } => to.as_ref().map(|hop| hop.dev.as_str()),
        _ => of_interface(step).map(|sysctl| sysctl.interface),
    }
}

/// The device that the step makes.
pub(super) fn makes(step: &Step) -> Option<&str> {
    match step {
        Step::Bridge { name, .. } | Step::Veth { name, .. } => Some(name),
        _ => None,
    }
}

/// The request that does the step. `peer_netns` is the descriptor of a veth's other namespace.
pub(super) fn doing(
    step: &Step,
    space: &mut Space<'_>,
    peer_netns: impl FnOnce() -> Result<RawFd>,
) -> Result<Vec<u8>> {
    match step {
        Step::Bridge { name, mac, mtu } => link::add_bridge(name, link::mac(mac)?, *mtu),
        Step::Veth { name, bridge, mtu, peer, mac, .. } => link::add_veth(&Veth {
            name,
            master: space.index(bridge)?,
            mtu: *mtu,
            peer,
            peer_mac: link::mac(mac)?,
            netns: peer_netns()?,
        }),
        Step::BridgePort { name } => link::set_port(name, sysctl::has_ipv6()),
        Step::Up { dev, .. } => link::set_up(dev, true),
        Step::Link { dev, name, mac, mtu, master, .. } => {
            let master = match master.as_deref() {
                None => None,
                Some("") => Some(0),
                Some(bridge) => Some(space.index(bridge)?),
            };
            let mac = mac.as_deref().map(link::mac).transpose()?;
            link::set(&link::Change {
                index: space.index(dev)?,
                name: name.as_deref(),
                mac,
                mtu: *mtu,
                master,
            })
        }
        Step::Address { dev, address, noprefixroute, .. } => {
            Ok(address::add(space.index(dev)?, *address, *noprefixroute))
        }
        Step::Route { .. } => Ok(route::add(&spec(step, space)?)),
        // Exclusive: another's default route is never taken over.
        Step::DefaultRoute { ipv6, to: Some(hop), from: None, .. } => {
            Ok(route::add(&default(*ipv6, hop, space)?))
        }
        Step::DefaultRoute { ipv6, to: Some(hop), .. } => {
            Ok(route::replace(&default(*ipv6, hop, space)?))
        }
        Step::DefaultRoute { ipv6, to: None, .. } => Ok(route::delete_default(*ipv6)),
        _ => {
            let sysctl = of_interface(step).ok_or_else(|| not_one(step))?;
            let index = space.index(sysctl.interface)?;
            Ok(link::set_conf(index, sysctl.number, sysctl.value))
        }
    }
}

/// The request that undoes the step; none where there is nothing to send.
pub(super) fn undoing(step: &Step, space: &mut Space<'_>) -> Result<Option<Vec<u8>>> {
    match step {
        Step::Bridge { name, .. } | Step::Veth { name, .. } => link::delete(name).map(Some),
        Step::Up { dev, .. } => link::set_up(dev, false).map(Some),
        Step::Address { dev, address, .. } => {
            Ok(Some(address::delete(space.index(dev)?, *address)))
        }
        Step::Route { .. } => Ok(Some(route::delete(&spec(step, space)?))),
        Step::DefaultRoute { ipv6, from: Some(hop), .. } => {
            Ok(Some(route::replace(&default(*ipv6, hop, space)?)))
        }
        Step::DefaultRoute { ipv6, to: Some(hop), from: None, .. } => {
            Ok(Some(route::delete(&default(*ipv6, hop, space)?)))
        }
        // A port's options go with the link.
        Step::BridgePort { .. }
        | Step::Link { .. }
        | Step::DefaultRoute { to: None, from: None, .. }
        | Step::Sysctl { before: None, .. } => Ok(None),
        _ => Err(not_one(step)),
    }
}

/// What the kernel's refusal to do a step means.
pub(super) fn refused(step: &Step, error: Error) -> Error {
    match (step, error.errno()) {
        // br_add_if finds no free port number.
        (Step::Veth { bridge, .. }, Some(libc::EXFULL)) => Error::new(
            Kind::Exhausted,
            format!("bridge {bridge} is full: a linux bridge holds at most 1023 ports"),
        )
        .with_errno(libc::EXFULL),
        _ => error,
    }
}

/// Whether a failure to do a step means that it is so already.
pub(super) fn is_so(step: &Step, error: &Error) -> bool {
    // No default route to delete.
    matches!(step, Step::DefaultRoute { to: None, .. }) && error.errno() == Some(libc::ESRCH)
}

/// Whether a failure to undo means that it is undone already: the device, the address, the route or
/// what a route led through is gone.
pub(super) fn is_gone(error: &Error) -> bool {
    let gone = [
        libc::ENODEV,
        libc::ENOENT,
        libc::ESRCH,
        libc::EADDRNOTAVAIL,
        libc::ENETUNREACH,
        libc::EHOSTUNREACH,
        libc::ENETDOWN,
    ];
    error.kind() == Kind::NotFound || error.errno().is_some_and(|errno| gone.contains(&errno))
}

fn spec(step: &Step, space: &mut Space<'_>) -> Result<route::Spec> {
    let Step::Route { destination, via, dev, source, local, .. } = step else {
        return Err(not_one(step));
    };
    let index = space.index(dev)?;
    Ok(route::Spec { destination: *destination, via: *via, index, source: *source, local: *local })
}

fn default(ipv6: bool, hop: &Hop, space: &mut Space<'_>) -> Result<route::Spec> {
    let destination = route::default(ipv6);
    let index = space.index(&hop.dev)?;
    Ok(route::Spec { destination, via: Some(hop.via), index, source: None, local: None })
}

fn not_one(step: &Step) -> Error {
    Error::new(Kind::Bug, format!("{step} is no rtnetlink request"))
}

/// The raw descriptor of something that outlives the request.
pub(super) fn raw(fd: &impl AsFd) -> RawFd {
    fd.as_fd().as_raw_fd()
}
