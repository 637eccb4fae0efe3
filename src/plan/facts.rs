//! What a decision needs to know about the host, and how it is asked.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use ipnet::IpNet;

use super::rules::Ruleset;
use super::{Inode, Look, Ns, Seen, Tenant};
use crate::model::Proto;

/// A question to the kernel: only what is named here is looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "questions, each of which is asked or not")]
pub struct Ask {
    /// Links, addresses, routes and nameservers of the host's namespace.
    pub host: bool,
    /// Of these only the addresses.
    pub addresses: bool,
    /// Keys under `/proc/sys`, dotted or with slashes, in the host's namespace.
    pub sysctls: Vec<String>,
    /// A namespace by path whose cookie and interfaces are wanted.
    pub namespace: Option<Ns>,
    /// What is asked next is work in that namespace: it is kept open until the verb is over.
    pub worked_in: bool,
    /// Keys under `/proc/sys` inside that namespace.
    pub ns_sysctls: Vec<String>,
    /// Files whose text is wanted.
    pub files: Vec<PathBuf>,
    /// Ports of the host's namespace of which is wanted whether a program has them.
    pub ports: Vec<PortAsk>,
    /// Every table of the host's namespace, with its rules.
    pub rules: bool,
    /// Namespaces of which everything is wanted.
    pub spaces: Vec<Look>,
    /// Directories whose entries are wanted.
    pub directories: Vec<PathBuf>,
    /// Paths of which is wanted what lies there; those of `files` are told of without being named.
    pub inodes: Vec<PathBuf>,
    /// Namespaces that are sought where processes have them.
    pub tenants: Vec<Tenant>,
    /// Which boot of the machine this is, and which namespace of it is the host's.
    pub boot: bool,
}

/// Whether a program of the host listens where a mapping is to be.
///
/// On all addresses, a program on any one of them is in the way, and so is one on 127.0.0.1 or `::1`:
/// the mapping covers them, but not the rest of 127.0.0.0/8. The same goes for all addresses of a
/// family. On one address, a program on that address or on all of them is; one on `[::]` has IPv4 as
/// well unless it asked for IPv6 only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortAsk {
    /// Transport protocol.
    pub proto: Proto,
    /// One of the host's addresses; unspecified = all of its family; absent = all, IPv4 and IPv6.
    pub host_ip: Option<IpAddr>,
    /// First and last.
    pub ports: RangeInclusive<u16>,
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
    /// For each question about ports, in order: who has the first one that is taken, for example
    /// `nginx (pid 812) has 0.0.0.0:8080`; none where all are free.
    pub ports: Vec<Option<String>>,
    /// The tables, if asked.
    pub rules: Ruleset,
    /// For each namespace of [`Ask::spaces`], in order: what is in it; none where there is none, or
    /// another than was meant.
    pub spaces: Vec<Option<Seen>>,
    /// Names of what is in the directories asked for, in order; one that does not exist is left out.
    pub directories: BTreeMap<PathBuf, Vec<String>>,
    /// What lies at the paths asked for and at those of the files; one that does not exist is left out.
    pub inodes: BTreeMap<PathBuf, Inode>,
    /// For each namespace that was sought, in order: `/proc/PID/ns/net` of a process that is in it, with
    /// its cookie; none where nobody is, or something lies at its path.
    pub tenants: Vec<Option<Ns>>,
    /// The boot, if asked: the same text for as long as what is in the kernel can be there still.
    pub boot: Option<String>,
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
    /// The link that carries the default route.
    pub default_dev: Option<String>,
    /// The kernel has IPv6 (`/proc/sys/net/ipv6` exists).
    pub ipv6: bool,
}
