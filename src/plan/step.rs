//! The steps: each is one kernel request, one nft batch or one file, so it happened or it did not.

use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::Flow;
use super::rules::SetElements;
use crate::model::Ns;

/// Where a default route leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// The gateway.
    pub via: IpAddr,
    /// The interface inside the namespace.
    pub dev: String,
}

/// One thing done to the host. The documentation of each says the line it equals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// `mkdir -p PATH`; undone by removing the leaf directory when it is empty.
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// `ip netns add NAME`: a new namespace, bind-mounted at a path. Undone by unmounting and
    /// removing the file. With `of`, `ip netns attach NAME PID`: an existing namespace is mounted.
    Netns {
        /// The file that becomes the mount point.
        path: PathBuf,
        /// The namespace to mount there instead of a new one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<Ns>,
    },
    /// `ip link add NAME address MAC mtu MTU type bridge`: created down. A device of that name that
    /// exists already is an error: it is never adopted.
    Bridge {
        /// The device's name.
        name: String,
        /// Fixed, so that it does not change with the ports (the kernel takes the lowest otherwise).
        mac: String,
        /// In bytes.
        mtu: u32,
    },
    /// `ip link add NAME mtu MTU master BRIDGE type veth peer name PEER address MAC netns NS`, one
    /// `RTM_NEWLINK`: the peer is born inside the namespace, the host end enslaved, with one queue
    /// each. Both are down: what is set of a device that is up is told to all that listen, one of whom
    /// goes through every IPv6 route (`netdev_state_change`). Undone by `ip link del NAME`, which takes the peer with it.
    Veth {
        /// The host end.
        name: String,
        /// The bridge to enslave the host end to.
        bridge: String,
        /// In bytes, both ends.
        mtu: u32,
        /// Where the peer is born.
        ns: Ns,
        /// The peer's name, for example `eth0`.
        peer: String,
        /// The peer's address.
        mac: String,
    },
    /// `ip -n NS link set DEV [name NAME] [address MAC] [mtu MTU] [master MASTER | nomaster]`: what is
    /// there already is given back what was recorded. Nothing to undo.
    Link {
        /// Where.
        ns: Ns,
        /// Its name of the moment.
        dev: String,
        /// Its new name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Its new hardware address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mac: Option<String>,
        /// Its new MTU, in bytes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mtu: Option<u32>,
        /// Its new bridge; empty = none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        master: Option<String>,
    },
    /// `ip link set NAME type bridge_slave hairpin on`: undone with the link.
    BridgePort {
        /// The host end of a veth.
        name: String,
    },
    /// `ip -n NS link set DEV up`; undone by `down`, and `lo` loses the address that it came by.
    Up {
        /// Where.
        ns: Ns,
        /// Which.
        dev: String,
    },
    /// `ip -n NS addr add ADDRESS dev DEV [noprefixroute] [nodad]`.
    Address {
        /// Where.
        ns: Ns,
        /// Which device.
        dev: String,
        /// Address and prefix length.
        address: IpNet,
        /// Leave out the connected route (`IFA_F_NOPREFIXROUTE`).
        #[serde(default)]
        noprefixroute: bool,
    },
    /// `ip -n NS route add DESTINATION [via VIA] dev DEV [src SOURCE]`, or with `local`
    /// `ip -n NS route add local DESTINATION dev DEV table local metric LOCAL`.
    Route {
        /// Where.
        ns: Ns,
        /// What it reaches.
        destination: IpNet,
        /// Next hop; absent = on-link.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        via: Option<IpAddr>,
        /// Which device.
        dev: String,
        /// Preferred source address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<IpAddr>,
        /// The destination is the host itself (`RTN_LOCAL`), with this metric.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        local: Option<u32>,
    },
    /// `ip -n NS route replace default via VIA dev DEV`, `route add` where `from` is absent (another's
    /// default route is an error, never taken over), or `route del default` where `to` is absent;
    /// undone by going back to `from`.
    DefaultRoute {
        /// Where.
        ns: Ns,
        /// IPv6 rather than IPv4.
        ipv6: bool,
        /// The new one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Hop>,
        /// The one before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Hop>,
    },
    /// `sysctl -w KEY=VALUE`; undone by writing `before` back.
    Sysctl {
        /// Where.
        ns: Ns,
        /// With slashes, as under `/proc/sys`: a device name may contain a dot.
        key: String,
        /// What to write.
        value: String,
        /// What it was; absent where it goes away with its device.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<String>,
    },
    /// `bridge fdb replace MAC dev PORT master dynamic` and `ip neigh change ADDRESS lladdr MAC dev
    /// BRIDGE nud reachable` for each address that the host knows: it is the only neighbour that a
    /// container has. Waits for the bridge port to forward first. Nothing to undo.
    Announce {
        /// The interface's hardware address.
        mac: String,
        /// The addresses to announce.
        addresses: Vec<IpAddr>,
        /// The host end, whose bridge port must be forwarding.
        port: String,
        /// The bridge; absent in records of an earlier version.
        #[serde(default)]
        bridge: String,
    },
    /// `nft -f -` with netberth's whole table, its constant rules and empty sets, in one batch;
    /// undone by `nft delete table inet NAME`.
    Table {
        /// The table's name.
        name: String,
    },
    /// `nft -f -` with netberth's whole table in place of the one that is there, if any, and elements
    /// in its sets, in one batch: no packet meets half of it. It can be done twice. Nothing is undone.
    Reload {
        /// The table's name.
        name: String,
        /// The elements.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        sets: Vec<SetElements>,
    },
    /// `nft add element inet netberth SET { … }` for each set, in one batch; undone by
    /// `nft delete element …`.
    Elements {
        /// The sets and maps with the elements to add to each.
        sets: Vec<SetElements>,
    },
    /// `nft 'delete element …; add element …'`: the elements of one moment in place of those of
    /// another, in one batch. Elements to delete that are not there are passed over, and so are
    /// elements to add that are there: it can be done twice. Undone by the reverse.
    Swap {
        /// What goes.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        remove: Vec<SetElements>,
        /// What comes; keys that `remove` has too lead elsewhere now.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        add: Vec<SetElements>,
    },
    /// `conntrack -D …` for each flow: the kernel forgets the entries that any of them selects, so
    /// that the next packet meets the rules as they are then. TCP entries go too, established or not.
    /// Undone by the same again: what was seen meanwhile is as stale.
    ///
    /// New packets follow the rules of the moment: for rules that are added its place is behind
    /// them, for rules whose undoing removes them it is before them.
    Conntrack {
        /// What is selected.
        flows: Vec<Flow>,
        /// The kernel forgets when the step is undone, rather than when it is applied.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        leaving: bool,
    },
    /// Nothing is done. Undone by `ip neigh del ADDRESS dev DEV`: what waits there until a neighbour
    /// of that address answers was meant for the one who is gone, and the next one would be given it
    /// (the kernel keeps such packets for seconds). Its place is before the [`Step::Conntrack`] that
    /// forgets the address, so that nothing comes after.
    Neighbour {
        /// The host's device.
        dev: String,
        /// The neighbour's address.
        address: IpAddr,
    },
    /// Writes a file in place (the inode is kept: it may be bind-mounted), mode 0644; undone by
    /// writing `before` back, or removing the file where there was none.
    File {
        /// The file.
        path: PathBuf,
        /// Its whole text.
        text: String,
        /// Its text before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<String>,
    },
    /// `chmod MODE PATH`, of a regular file or a directory, never through a symbolic link; undone by
    /// the mode before.
    Mode {
        /// The file or directory.
        path: PathBuf,
        /// Twelve bits.
        mode: u32,
        /// What it was.
        before: u32,
    },
    /// `chown OWNER PATH`, likewise.
    Owner {
        /// The file or directory.
        path: PathBuf,
        /// The user, by number.
        uid: u32,
        /// Who it was.
        before: u32,
    },
    /// Adds lines at the end of files and removes others, in place; a file that is not there is
    /// passed over. Undone by the reverse. A line that is there is not added again.
    Lines {
        /// The files.
        paths: Vec<PathBuf>,
        /// Lines to add, without line ends.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        add: Vec<String>,
        /// Lines to remove.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        remove: Vec<String>,
    },
}

impl Step {
    /// Whether it may be so already, in which case the kernel is asked before the intent is
    /// written. Everything else is created exclusively: if it exists, applying fails.
    pub fn may_hold(&self) -> bool {
        matches!(
            self,
            Step::Directory { .. }
                | Step::Netns { of: Some(_), .. }
                | Step::Sysctl { before: Some(_), .. }
                | Step::Up { .. }
                | Step::Table { .. }
        )
    }

    /// Where its work is; a step that is nowhere in particular is done from the host.
    pub fn place(&self) -> &Ns {
        match self {
            Step::Up { ns, .. }
            | Step::Link { ns, .. }
            | Step::Address { ns, .. }
            | Step::Route { ns, .. }
            | Step::DefaultRoute { ns, .. }
            | Step::Sysctl { ns, .. } => ns,
            _ => &Ns::Host,
        }
    }

    /// The namespace that the step names as its own, or as that of a new device.
    pub(crate) fn ns_mut(&mut self) -> Option<&mut Ns> {
        match self {
            Step::Up { ns, .. }
            | Step::Link { ns, .. }
            | Step::Address { ns, .. }
            | Step::Route { ns, .. }
            | Step::DefaultRoute { ns, .. }
            | Step::Sysctl { ns, .. }
            | Step::Veth { ns, .. } => Some(ns),
            _ => None,
        }
    }

    /// Whether several records may contain it: it is undone only with the last of them.
    pub fn is_shared(&self) -> bool {
        match self {
            // The host's namespace is mounted once for all containers in it.
            Step::Table { .. } | Step::Netns { of: Some(_), .. } => true,
            Step::Sysctl { ns: Ns::Host, before, .. } => before.is_some(),
            _ => false,
        }
    }

    /// Whether two steps ask for the same thing, whatever each found before it.
    pub fn same_as(&self, other: &Step) -> bool {
        match (self, other) {
            (
                Step::Sysctl { ns, key, value, .. },
                Step::Sysctl { ns: other_ns, key: other_key, value: other_value, .. },
            ) => ns == other_ns && key == other_key && value == other_value,
            _ => self == other,
        }
    }
}
