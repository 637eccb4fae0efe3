//! A namespace of the fake: links and what hangs on them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::world::World;
use crate::error::{Error, Result};
use crate::plan::Hop;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) kind: &'static str,
    pub(super) mac: String,
    pub(super) mtu: u32,
    pub(super) up: bool,
    pub(super) master: Option<String>,
    pub(super) hairpin: bool,
    /// Namespace and name.
    pub(super) peer: Option<(u64, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Route {
    pub(super) destination: IpNet,
    pub(super) via: Option<IpAddr>,
    pub(super) dev: String,
    pub(super) source: Option<IpAddr>,
    /// To the host itself, with this metric.
    pub(super) local: Option<u32>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Space {
    pub(super) links: BTreeMap<String, Link>,
    /// Device and address; whether it is without a connected route.
    pub(super) addresses: BTreeMap<(String, IpNet), bool>,
    pub(super) routes: BTreeSet<Route>,
    /// By family: IPv6 or not.
    pub(super) defaults: BTreeMap<bool, Hop>,
    /// Where they differ from what a new namespace or device has.
    pub(super) sysctls: BTreeMap<String, String>,
}

impl Space {
    /// A namespace as it is born.
    pub(super) fn new() -> Self {
        let mut space = Space::default();
        let lo = Link { kind: "loopback", mtu: 65536, ..Link::default() };
        space.links.insert("lo".into(), lo);
        space
    }

    /// Destinations reached without a next hop.
    pub(super) fn on_link(&self) -> impl Iterator<Item = IpNet> {
        let connected = self.addresses.iter().filter(|(_, bare)| !**bare);
        let connected = connected.map(|((_, address), _)| address.trunc());
        let routes = self.routes.iter().filter(|route| route.via.is_none());
        connected.chain(routes.map(|route| route.destination))
    }

    /// Takes a link's routes away, as the kernel does when it goes down.
    pub(super) fn drop_routes(&mut self, dev: &str) {
        self.routes.retain(|route| route.dev != dev);
        self.defaults.retain(|_, hop| hop.dev != dev);
    }

    /// Takes a link away with what hangs on it; the link.
    pub(super) fn remove(&mut self, name: &str) -> Option<Link> {
        let link = self.links.remove(name)?;
        self.drop_routes(name);
        self.addresses.retain(|(dev, _), _| dev != name);
        self.sysctls.retain(|key, _| device_of(key) != Some(name));
        for other in self.links.values_mut() {
            if other.master.as_deref() == Some(name) {
                (other.master, other.hairpin) = (None, false);
            }
        }
        Some(link)
    }

    /// Gives a link another name; what hangs on it stays with it.
    pub(super) fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        if self.links.contains_key(to) {
            return Err(Error::os(libc::EEXIST));
        }
        let link = self.links.remove(from).ok_or_else(|| Error::os(libc::ENODEV))?;
        self.links.insert(to.to_owned(), link);
        let addresses = std::mem::take(&mut self.addresses).into_iter();
        let moved = |dev: String| if dev == from { to.to_owned() } else { dev };
        self.addresses =
            addresses.map(|((dev, address), bare)| ((moved(dev), address), bare)).collect();
        let routes = std::mem::take(&mut self.routes).into_iter();
        self.routes =
            routes.map(|route| Route { dev: moved(route.dev.clone()), ..route }).collect();
        for hop in self.defaults.values_mut().filter(|hop| hop.dev == from) {
            to.clone_into(&mut hop.dev);
        }
        for other in self.links.values_mut().filter(|other| other.master.as_deref() == Some(from)) {
            other.master = Some(to.to_owned());
        }
        Ok(())
    }

    /// The value of a sysctl; none where there is no such key.
    pub(super) fn sysctl(&self, world: &World, key: &str) -> Option<String> {
        self.sysctls.get(key).cloned().or_else(|| self.preset(world, key))
    }

    /// The value before anybody wrote one.
    pub(super) fn preset(&self, world: &World, key: &str) -> Option<String> {
        if key.starts_with("net/ipv6/") && !world.host.ipv6 {
            return None;
        }
        if let Some(preset) = world.presets.get(key) {
            return Some(preset.clone());
        }
        let dev = device_of(key)?;
        let known = matches!(dev, "all" | "default") || self.links.contains_key(dev);
        let leaf = key.rsplit('/').next()?;
        let on = ["accept_ra", "accept_dad", "accept_redirects", "send_redirects", "autoconf"];
        known.then(|| if on.contains(&leaf) { "1".into() } else { "0".into() })
    }
}

/// `eth0` of `net/ipv4/conf/eth0/forwarding`.
fn device_of(key: &str) -> Option<&str> {
    let mut parts = key.split('/').skip_while(|part| !matches!(*part, "conf" | "neigh"));
    parts.next()?;
    parts.next()
}
