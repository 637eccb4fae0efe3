//! What a decision needs to know about the host, and how it is asked.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;

use super::Ns;

/// A question to the kernel: only what is named here is looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// Links, addresses, routes and nameservers of the host's namespace.
    pub host: bool,
    /// Keys under `/proc/sys`, dotted or with slashes, in the host's namespace.
    pub sysctls: Vec<String>,
    /// A namespace by path whose cookie and interfaces are wanted.
    pub namespace: Option<Ns>,
    /// Keys under `/proc/sys` inside that namespace.
    pub ns_sysctls: Vec<String>,
    /// Files whose text is wanted.
    pub files: Vec<PathBuf>,
}

/// The answer: what was not asked for is empty, what does not exist is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The host's namespace, if asked.
    pub host: HostFacts,
    /// Present values of the sysctls asked for; a key that does not exist is left out.
    pub sysctls: BTreeMap<String, String>,
    /// `SO_NETNS_COOKIE` of the namespace asked for: never reused while the machine is up.
    pub cookie: Option<u64>,
    /// Names of the interfaces in that namespace.
    pub interfaces: Vec<String>,
    /// Present values of the sysctls asked for inside that namespace.
    pub ns_sysctls: BTreeMap<String, String>,
    /// Text of the files asked for; a file that does not exist is left out.
    pub files: BTreeMap<PathBuf, String>,
}

/// The host's own network, as far as the choice of subnets needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostFacts {
    /// Names of all links.
    pub links: Vec<String>,
    /// Destinations of the routes in every table, default routes left out.
    pub routes: Vec<IpNet>,
    /// Addresses of all links.
    pub addresses: Vec<IpNet>,
    /// Nameservers in the host's `/etc/resolv.conf`.
    pub nameservers: Vec<IpAddr>,
    /// MTU of the link that carries the default route, in bytes.
    pub default_mtu: Option<u32>,
    /// The kernel has IPv6 (`/proc/sys/net/ipv6` exists).
    pub ipv6: bool,
}
