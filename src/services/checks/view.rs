//! The namespaces as they are seen, and what is known by another name or not at all.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::Known;
use crate::plan::{Look, Ns, Seen, SeenLink};

/// What a step may find where it was done.
pub(super) struct View<'a> {
    spaces: HashMap<&'a Ns, &'a Seen>,
    /// Devices that somebody renamed: name of the moment by namespace and recorded name.
    renamed: HashMap<(&'a Ns, &'a str), String>,
    /// Devices that are missing, or not what they should be: what hangs on them follows.
    broken: HashSet<(&'a Ns, &'a str)>,
    /// Devices that are down: their routes have gone, and their IPv6 addresses.
    down: HashSet<(&'a Ns, &'a str)>,
    /// Addresses that are missing: the kernel drops the routes that prefer them.
    lost: HashSet<(&'a Ns, IpAddr)>,
    /// Devices without a route that they should have, by family: what leads on by it has gone, too.
    unrouted: HashSet<(&'a Ns, &'a str, bool)>,
}

impl<'a> View<'a> {
    pub(super) fn of(known: &Known<'a>) -> Self {
        let seen = known.looks.iter().zip(&known.facts.spaces);
        let spaces = seen.filter_map(|(Look { ns, .. }, seen)| Some((ns, seen.as_ref()?)));
        View {
            spaces: spaces.collect(),
            renamed: HashMap::new(),
            broken: HashSet::new(),
            down: HashSet::new(),
            lost: HashSet::new(),
            unrouted: HashSet::new(),
        }
    }

    /// A namespace; none where it is gone.
    pub(super) fn space(&self, ns: &Ns) -> Option<&'a Seen> {
        self.spaces.get(ns).copied()
    }

    /// A device by its recorded name, whatever it is called.
    pub(super) fn link(&self, ns: &'a Ns, name: &'a str) -> Option<&'a SeenLink> {
        let name = self.renamed.get(&(ns, name)).map_or(name, String::as_str);
        self.space(ns)?.link(name)
    }

    pub(super) fn rename(&mut self, ns: &'a Ns, name: &'a str, found: &str) {
        self.renamed.insert((ns, name), found.to_owned());
    }

    pub(super) fn is_renamed(&self, ns: &'a Ns, name: &'a str) -> bool {
        self.renamed.contains_key(&(ns, name))
    }

    pub(super) fn breaks(&mut self, ns: &'a Ns, name: &'a str) {
        self.broken.insert((ns, name));
    }

    pub(super) fn is_broken(&self, ns: &'a Ns, name: &'a str) -> bool {
        self.broken.contains(&(ns, name)) || self.is_renamed(ns, name)
    }

    pub(super) fn goes_down(&mut self, ns: &'a Ns, name: &'a str) {
        self.down.insert((ns, name));
    }

    /// Whether what hangs on the device is missing because of it.
    pub(super) fn lets_go(&self, ns: &'a Ns, name: &'a str) -> bool {
        self.is_broken(ns, name) || self.down.contains(&(ns, name))
    }

    pub(super) fn loses(&mut self, ns: &'a Ns, address: IpAddr) {
        self.lost.insert((ns, address));
    }

    pub(super) fn is_lost(&self, ns: &'a Ns, address: IpAddr) -> bool {
        self.lost.contains(&(ns, address))
    }

    pub(super) fn is_without_route(&mut self, ns: &'a Ns, dev: &'a str, ipv6: bool) {
        self.unrouted.insert((ns, dev, ipv6));
    }

    pub(super) fn leads_nowhere(&self, ns: &'a Ns, dev: &'a str, ipv6: bool) -> bool {
        self.unrouted.contains(&(ns, dev, ipv6)) || self.lets_go(ns, dev)
    }
}
