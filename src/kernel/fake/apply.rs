//! What each step does to the fake host: everything or nothing.

use std::path::Path;

use super::space::{Link, Route, Space};
use super::world::{HOST, World, slashes};
use crate::error::{Error, Kind, Result};
use crate::kernel::route::link::mac as parse_mac;
use crate::plan::rules::{Element, SetElements};
use crate::plan::{Hop, Ns, Step, with_lines};

/// netberth's table, in which elements are.
pub(super) const TABLE: &str = "netberth";
/// Ports of one bridge.
const PORTS: usize = 1023;

impl World {
    /// Does a step.
    pub(super) fn apply(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Directory { path } => {
                self.directories.insert(path.clone());
                Ok(())
            }
            Step::Netns { path, of } => self.add_netns(path, of.as_ref()),
            Step::Bridge { name, mac, mtu } => {
                parse_mac(mac)?;
                let link = Link { kind: "bridge", mac: mac.clone(), mtu: *mtu, ..Link::default() };
                self.space_mut(&Ns::Host)?.add(name, link)
            }
            Step::Veth { .. } => self.add_veth(step),
            Step::BridgePort { name } => self.change_port(name),
            Step::Up { ns, dev } => {
                self.space_mut(ns)?.link_mut(dev)?.up = true;
                Ok(())
            }
            Step::Link { .. } => self.change_link(step),
            Step::Address { ns, dev, address, noprefixroute } => {
                let space = self.space_mut(ns)?;
                space.link_mut(dev)?;
                if space.addresses.contains_key(&(dev.clone(), *address)) {
                    return Err(exists());
                }
                space.addresses.insert((dev.clone(), *address), *noprefixroute);
                Ok(())
            }
            Step::Route { ns, destination, via, dev, source, local } => {
                let (dev, destination) = (dev.clone(), destination.trunc());
                let (via, source, local) = (*via, *source, *local);
                let route = Route { destination, via, dev, source, local };
                self.space_mut(ns)?.add_route(route)
            }
            Step::DefaultRoute { ns, ipv6, to, from } => {
                let taken = self.space(ns)?.defaults.contains_key(ipv6);
                if taken && to.is_some() && from.is_none() {
                    return Err(exists());
                }
                self.space_mut(ns)?.set_default(*ipv6, to.as_ref())
            }
            Step::Sysctl { ns, key, value, .. } => self.write_sysctl(ns, key, value),
            Step::Announce { mac, port, bridge, .. } => {
                parse_mac(mac)?;
                self.space_mut(&Ns::Host)?.link_mut(port)?;
                self.space_mut(&Ns::Host)?.link_mut(bridge).map(drop)
            }
            Step::Table { name } if self.tables.contains_key(name) => Err(exists()),
            Step::Table { name } => {
                self.tables.insert(name.clone(), super::world::Sets::new());
                Ok(())
            }
            Step::Reload { name, sets } => {
                self.tables.insert(name.clone(), super::world::Sets::new());
                self.add_elements(sets)
            }
            Step::Elements { sets } => self.add_elements(sets),
            Step::Swap { remove, add } => self.swap(remove, add),
            // Nothing connects to a fake host, and everything of it is its only user's.
            Step::Mode { .. }
            | Step::Owner { .. }
            | Step::Conntrack { .. }
            | Step::Neighbour { .. } => Ok(()),
            Step::File { path, text, .. } => self.write_file(path, text),
            Step::Lines { paths, add, remove } => {
                for path in paths {
                    if let Some(text) = self.files.get_mut(path) {
                        *text = with_lines(text, add, remove);
                    }
                }
                Ok(())
            }
        }
    }

    fn add_netns(&mut self, path: &Path, of: Option<&Ns>) -> Result<()> {
        self.needs_parent(path)?;
        if self.mounts.contains_key(path) || self.files.contains_key(path) {
            return Err(exists());
        }
        let id = match of {
            Some(of) => self.id(of)?,
            None => self.new_space(),
        };
        self.mounts.insert(path.to_owned(), id);
        Ok(())
    }

    fn change_port(&mut self, name: &str) -> Result<()> {
        let link = self.space_mut(&Ns::Host)?.link_mut(name)?;
        if link.master.is_none() {
            return Err(Error::os(libc::EINVAL));
        }
        link.hairpin = true;
        Ok(())
    }

    fn change_link(&mut self, step: &Step) -> Result<()> {
        let Step::Link { ns, dev, name, mac, mtu, master } = step else { return Ok(()) };
        let space = self.space_mut(ns)?;
        let link = space.link_mut(dev)?;
        link.mac = mac.clone().unwrap_or_else(|| link.mac.clone());
        link.mtu = mtu.unwrap_or(link.mtu);
        if let Some(master) = master {
            link.master = Some(master.clone()).filter(|master| !master.is_empty());
            link.hairpin = false;
        }
        name.as_ref().map_or(Ok(()), |name| space.rename(dev, name))
    }

    fn add_veth(&mut self, step: &Step) -> Result<()> {
        let Step::Veth { name, bridge, mtu, ns, peer, mac } = step else {
            return Err(Error::new(Kind::Bug, "not a veth"));
        };
        parse_mac(mac)?;
        let other = self.id(ns)?;
        let host = self.space_mut(&Ns::Host)?;
        host.link_mut(bridge)?;
        let is_port = |link: &&Link| link.master.as_ref() == Some(bridge);
        if host.links.values().filter(is_port).count() >= PORTS {
            let what =
                format!("bridge {bridge} is full: a linux bridge holds at most {PORTS} ports");
            return Err(Error::new(Kind::Exhausted, what).with_errno(libc::EXFULL));
        }
        let taken = |space: Option<&Space>, name: &String| {
            space.is_some_and(|space| space.links.contains_key(name))
        };
        if taken(self.spaces.get(&HOST), name) || taken(self.spaces.get(&other), peer) {
            return Err(exists());
        }
        let end = |mac: &str, peer| Link {
            kind: "veth",
            mac: mac.into(),
            mtu: *mtu,
            peer: Some(peer),
            ..Link::default()
        };
        let inner = end(mac, (HOST, name.clone()));
        let mut outer = end("", (other, peer.clone()));
        outer.master = Some(bridge.clone());
        self.space_mut(ns)?.add(peer, inner)?;
        self.space_mut(&Ns::Host)?.add(name, outer)
    }

    /// Writes a sysctl; a value that a new device would have is not kept.
    pub(super) fn write_sysctl(&mut self, ns: &Ns, key: &str, value: &str) -> Result<()> {
        let key = slashes(key);
        if key.starts_with("net/ipv6/") && !self.host.ipv6 {
            return Ok(());
        }
        let preset = self.space(ns)?.preset(self, &key);
        let absent = || Error::os(libc::ENOENT).with_kind(Kind::NotFound);
        let preset = preset.ok_or_else(absent)?;
        let sysctls = &mut self.space_mut(ns)?.sysctls;
        if preset == value {
            sysctls.remove(&key);
        } else {
            sysctls.insert(key, value.to_owned());
        }
        Ok(())
    }

    fn add_elements(&mut self, added: &[SetElements]) -> Result<()> {
        let no_table = Error::os(libc::ENOENT).with_kind(Kind::NotFound);
        let mut sets = self.tables.get(TABLE).ok_or(no_table)?.clone();
        for SetElements { set, elements } in added {
            let there = sets.entry(set.clone()).or_default();
            for element in elements {
                if there.insert(key_of(element), element.clone()).is_some() {
                    return Err(exists().because(&format!("{element} in {set}")));
                }
            }
        }
        self.tables.insert(TABLE.into(), sets);
        Ok(())
    }

    pub(super) fn swap(&mut self, remove: &[SetElements], add: &[SetElements]) -> Result<()> {
        // Without anything to add, a table that is not there is no error.
        if add.is_empty() {
            self.delete_elements(remove);
            return Ok(());
        }
        let no_table = Error::os(libc::ENOENT).with_kind(Kind::NotFound);
        let before = self.tables.get(TABLE).ok_or(no_table)?.clone();
        self.delete_elements(remove);
        let table = self.tables.entry(TABLE.into()).or_default();
        for SetElements { set, elements } in add {
            let there = table.entry(set.clone()).or_default();
            for element in elements {
                let old = there.insert(key_of(element), element.clone());
                if old.is_some_and(|old| old != *element) {
                    self.tables.insert(TABLE.into(), before);
                    return Err(exists().because(&format!("{element} in {set}")));
                }
            }
        }
        Ok(())
    }

    pub(super) fn delete_elements(&mut self, sets: &[SetElements]) {
        let Some(table) = self.tables.get_mut(TABLE) else { return };
        for gone in sets {
            if let Some(there) = table.get_mut(&gone.set) {
                for element in &gone.elements {
                    there.remove(&key_of(element));
                }
            }
        }
        table.retain(|_, elements| !elements.is_empty());
    }

    pub(super) fn write_file(&mut self, path: &Path, text: &str) -> Result<()> {
        self.needs_parent(path)?;
        if self.is_directory(path) || self.mounts.contains_key(path) {
            return Err(Error::new(Kind::Denied, "it is not a regular file"));
        }
        self.files.insert(path.to_owned(), text.to_owned());
        Ok(())
    }

    fn needs_parent(&self, path: &Path) -> Result<()> {
        if path.parent().is_some_and(|parent| self.is_directory(parent)) {
            return Ok(());
        }
        Err(Error::os(libc::ENOENT).with_kind(Kind::NotFound))
    }
}

impl Space {
    fn add(&mut self, name: &str, link: Link) -> Result<()> {
        if self.links.contains_key(name) {
            return Err(exists());
        }
        self.links.insert(name.to_owned(), link);
        Ok(())
    }

    fn link_mut(&mut self, name: &str) -> Result<&mut Link> {
        self.links.get_mut(name).ok_or_else(|| Error::os(libc::ENODEV))
    }

    fn add_route(&mut self, route: Route) -> Result<()> {
        self.reachable(&route.dev, route.via)?;
        let owns = |source| self.addresses.keys().any(|(_, address)| address.addr() == source);
        if route.source.is_some_and(|source| !owns(source)) {
            return Err(Error::os(libc::EINVAL).because("the preferred source is not ours"));
        }
        if self.routes.iter().any(|there| there.destination == route.destination) {
            return Err(exists());
        }
        self.routes.insert(route);
        Ok(())
    }

    pub(super) fn set_default(&mut self, ipv6: bool, to: Option<&Hop>) -> Result<()> {
        match to {
            Some(hop) => {
                self.reachable(&hop.dev, Some(hop.via))?;
                self.defaults.insert(ipv6, hop.clone());
            }
            None => drop(self.defaults.remove(&ipv6)),
        }
        Ok(())
    }

    fn reachable(&mut self, dev: &str, via: Option<std::net::IpAddr>) -> Result<()> {
        if !self.link_mut(dev)?.up {
            return Err(Error::os(libc::ENETDOWN));
        }
        match via {
            Some(via) if !self.on_link().any(|net| net.contains(&via)) => {
                Err(Error::os(libc::ENETUNREACH).because("nexthop has invalid gateway"))
            }
            _ => Ok(()),
        }
    }
}

/// What an element is found by.
pub(super) fn key_of(element: &Element) -> String {
    let (key, key_end) = (element.key.clone(), element.key_end.clone());
    Element { key, key_end, data: Vec::new() }.to_string()
}

fn exists() -> Error {
    Error::os(libc::EEXIST).with_kind(Kind::Exists)
}
