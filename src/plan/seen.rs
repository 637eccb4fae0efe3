//! What a namespace is seen to have: for comparing, where [`Facts`](super::Facts) are for deciding.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::Ns;

/// A namespace that is to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Which.
    pub ns: Ns,
    /// Keys under `/proc/sys` in it, with slashes.
    pub sysctls: Vec<String>,
}

/// A namespace, as of one moment for each kind of thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// `SO_NETNS_COOKIE`, where the kernel has it.
    pub cookie: Option<u64>,
    /// Its links.
    pub links: Vec<SeenLink>,
    /// Its addresses, those that are link-local left out.
    pub addresses: Vec<SeenAddress>,
    /// Its routes, those of the kernel's own making left out.
    pub routes: Vec<SeenRoute>,
    /// Present values of the keys asked for; a key that does not exist is left out.
    pub sysctls: BTreeMap<String, String>,
}

/// A link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenLink {
    /// Its index, unique in its namespace.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// `bridge`, `veth`; empty for a device without a kind.
    pub kind: String,
    /// Administratively up.
    pub up: bool,
    /// In bytes.
    pub mtu: u32,
    /// Its hardware address.
    pub mac: String,
    /// Index of the bridge that it is a port of.
    pub master: Option<u32>,
    /// As a bridge port: what came in by it may go out by it.
    pub hairpin: bool,
    /// Index of a veth's other end, in that one's namespace.
    pub peer: Option<u32>,
}

/// An address of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenAddress {
    /// Index of the link.
    pub index: u32,
    /// Address and prefix length.
    pub address: IpNet,
}

/// A route of the table `main`, or a route to the host itself of the table `local`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenRoute {
    /// What it reaches.
    pub destination: IpNet,
    /// Next hop.
    pub via: Option<IpAddr>,
    /// Index of the device.
    pub index: Option<u32>,
    /// Preferred source address.
    pub source: Option<IpAddr>,
    /// Of type and in table `local`, with this metric.
    pub local: Option<u32>,
}

impl Seen {
    /// A link by name.
    pub fn link(&self, name: &str) -> Option<&SeenLink> {
        self.links.iter().find(|link| link.name == name)
    }

    /// A link by index.
    pub fn link_at(&self, index: u32) -> Option<&SeenLink> {
        self.links.iter().find(|link| link.index == index)
    }
}
