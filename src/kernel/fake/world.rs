//! The fake host: namespaces, mounts, files, tables, and questions about them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::space::{Link, Space};
use crate::error::{Error, Kind, Result};
use crate::kernel::nft::as_listed;
use crate::kernel::sockets::clash;
use crate::model::Proto;
use crate::plan::rules::{Element, ListedTable};
use crate::plan::{Ask, Facts, HostFacts, Inode, Ns, PortAsk, Step};

/// The host's own namespace.
pub(super) const HOST: u64 = 1;

/// Elements of each set of a table, by key.
pub(super) type Sets = BTreeMap<String, BTreeMap<String, Element>>;

/// A program of the host that listens.
pub(super) struct Listener {
    pub(super) proto: Proto,
    pub(super) address: IpAddr,
    pub(super) port: u16,
    pub(super) words: String,
}

pub(super) struct World {
    /// What the host has that is not of the steps' making.
    pub(super) host: HostFacts,
    pub(super) spaces: BTreeMap<u64, Space>,
    next_space: u64,
    pub(super) mounts: BTreeMap<PathBuf, u64>,
    pub(super) directories: BTreeSet<PathBuf>,
    pub(super) files: BTreeMap<PathBuf, String>,
    pub(super) tables: BTreeMap<String, Sets>,
    /// Sysctls that are not a device's, and their values before anybody wrote one.
    pub(super) presets: BTreeMap<String, String>,
    pub(super) listeners: Vec<Listener>,
}

impl World {
    pub(super) fn new() -> Self {
        let host = HostFacts { default_mtu: Some(1500), ipv6: true, ..HostFacts::default() };
        let mut space = Space::new();
        let eth0 = Link { kind: "ether", mtu: 1500, up: true, ..Link::default() };
        space.links.insert("eth0".into(), eth0);
        let presets = [
            ("net/ipv4/ip_forward", "0"),
            ("net/ipv4/ip_local_port_range", "32768\t60999"),
            ("net/ipv4/ip_local_reserved_ports", ""),
            ("net/ipv4/ip_nonlocal_bind", "0"),
            ("net/ipv4/ip_unprivileged_port_start", "1024"),
            ("net/core/somaxconn", "4096"),
        ];
        World {
            host,
            spaces: BTreeMap::from([(HOST, space)]),
            next_space: HOST + 1,
            mounts: BTreeMap::new(),
            directories: BTreeSet::new(),
            files: BTreeMap::new(),
            tables: BTreeMap::new(),
            presets: presets.map(|(key, value)| (key.into(), value.into())).into(),
            listeners: Vec::new(),
        }
    }

    pub(super) fn new_space(&mut self) -> u64 {
        let id = self.next_space;
        self.next_space += 1;
        self.spaces.insert(id, Space::new());
        id
    }

    /// The number, which is the cookie too, of a namespace.
    pub(super) fn id(&self, ns: &Ns) -> Result<u64> {
        let Ns::At { path, cookie } = ns else { return Ok(HOST) };
        match self.mounts.get(path) {
            None => Err(Error::os(libc::ENOENT).with_kind(Kind::NotFound)),
            Some(id) if cookie.is_some_and(|cookie| cookie != *id) => {
                let what = "another namespace is there now: the one that was meant is gone";
                Err(Error::new(Kind::NotFound, what))
            }
            Some(id) => Ok(*id),
        }
    }

    pub(super) fn space(&self, ns: &Ns) -> Result<&Space> {
        let id = self.id(ns)?;
        self.spaces.get(&id).ok_or_else(lost)
    }

    pub(super) fn space_mut(&mut self, ns: &Ns) -> Result<&mut Space> {
        let id = self.id(ns)?;
        self.spaces.get_mut(&id).ok_or_else(lost)
    }

    /// Takes a link away with its peer.
    pub(super) fn remove_link(&mut self, id: u64, name: &str) {
        let link = self.spaces.get_mut(&id).and_then(|space| space.remove(name));
        if let Some((other, peer)) = link.and_then(|link| link.peer)
            && let Some(space) = self.spaces.get_mut(&other)
        {
            space.remove(&peer);
        }
    }

    /// Takes a mount away, and its namespace with everything in it if it was the last.
    pub(super) fn unmount(&mut self, path: &Path) {
        let Some(id) = self.mounts.remove(path) else { return };
        if id == HOST || self.mounts.values().any(|other| *other == id) {
            return;
        }
        let links: Vec<String> = self
            .spaces
            .get(&id)
            .map(|space| space.links.keys().cloned().collect())
            .unwrap_or_default();
        for link in links {
            self.remove_link(id, &link);
        }
        self.spaces.remove(&id);
    }

    /// The host's sysctl and what it is without netberth.
    pub(super) fn set_preset(&mut self, key: &str, value: &str) {
        self.presets.insert(slashes(key), value.to_owned());
    }

    pub(super) fn is_directory(&self, path: &Path) -> bool {
        path == Path::new("/") || self.directories.iter().any(|there| there.starts_with(path))
    }

    /// Names of what is right in a directory.
    fn entries(&self, directory: &Path) -> Vec<String> {
        let all = self.directories.iter().chain(self.files.keys()).chain(self.mounts.keys());
        let below = all.filter_map(|path| path.strip_prefix(directory).ok()?.components().next());
        let names = below.map(|name| name.as_os_str().to_string_lossy().into_owned());
        names.collect::<BTreeSet<String>>().into_iter().collect()
    }

    pub(super) fn elements(&self, set: &str) -> Vec<String> {
        let sets = self.tables.values().filter_map(|sets| sets.get(set));
        sets.flat_map(|elements| elements.values().map(ToString::to_string)).collect()
    }

    pub(super) fn holds(&self, step: &Step) -> bool {
        match step {
            Step::Directory { path } => self.is_directory(path),
            Step::Netns { path, of: Some(of) } => {
                self.mounts.get(path).is_some_and(|there| self.id(of).is_ok_and(|of| of == *there))
            }
            Step::Sysctl { ns, key, value, .. } => {
                let key = slashes(key);
                let now = self.space(ns).ok().and_then(|space| space.sysctl(self, &key));
                let beyond = key.starts_with("net/ipv6/") && !self.host.ipv6;
                beyond || now.is_some_and(|now| now == *value)
            }
            Step::Up { ns, dev } => {
                let link = self.space(ns).ok().and_then(|space| space.links.get(dev));
                link.is_some_and(|link| link.up)
            }
            Step::Table { name } => self.tables.contains_key(name),
            _ => false,
        }
    }

    /// Who has the first port of a span that is taken.
    fn taken(&self, ask: &PortAsk) -> Option<String> {
        let in_the_way = |listener: &&Listener| {
            listener.proto == ask.proto
                && ask.ports.contains(&listener.port)
                && clash(ask.host_ip, listener.address, false)
        };
        let first = self.listeners.iter().filter(in_the_way).min_by_key(|one| one.port)?;
        Some(first.words.clone())
    }

    /// As it is made: nobody else changes modes here.
    fn inode(&self, path: &Path) -> Option<Inode> {
        let length = self.files.get(path).map(|text| text.len() as u64);
        let directory = self.is_directory(path);
        let file = length.is_some() || self.mounts.contains_key(path);
        let mode = if directory { 0o755 } else { 0o644 };
        let inode = Inode { directory, file, mode, ..Inode::default() };
        (directory || file).then(|| Inode { length: length.unwrap_or_default(), ..inode })
    }

    pub(super) fn facts(&self, ask: &Ask) -> Result<Facts> {
        let mut facts = Facts::default();
        let host = self.space(&Ns::Host)?;
        if ask.host || ask.addresses {
            facts.host.addresses.extend(&self.host.addresses);
            facts.host.addresses.extend(host.addresses.keys().map(|(_, address)| *address));
        }
        if ask.host {
            let addresses = std::mem::take(&mut facts.host.addresses);
            facts.host = HostFacts { addresses, ..self.host.clone() };
            facts.host.links.extend(host.links.keys().cloned());
            facts.host.routes.extend(host.on_link());
            let via = host.routes.iter().filter(|route| route.via.is_some());
            facts.host.routes.extend(via.map(|route| route.destination));
        }
        for key in &ask.sysctls {
            let value = host.sysctl(self, &slashes(key));
            facts.sysctls.extend(value.map(|value| (key.clone(), value)));
        }
        if let Some(ns) = &ask.namespace
            && let Ok(id) = self.id(ns)
        {
            let space = self.space(ns)?;
            facts.cookie = Some(id);
            facts.interfaces = space.links.keys().cloned().collect();
            for key in &ask.ns_sysctls {
                let value = space.sysctl(self, &slashes(key));
                facts.ns_sysctls.extend(value.map(|value| (key.clone(), value)));
            }
        }
        if ask.rules {
            facts.rules.tables = self.tables.iter().map(listed).collect::<Result<_>>()?;
        }
        facts.ports = ask.ports.iter().map(|ask| self.taken(ask)).collect();
        facts.spaces = ask.spaces.iter().map(|look| self.seen(look)).collect();
        for directory in ask.directories.iter().filter(|path| self.is_directory(path)) {
            facts.directories.insert(directory.clone(), self.entries(directory));
        }
        let there = ask.inodes.iter().chain(&ask.files);
        facts.inodes.extend(there.filter_map(|path| Some((path.clone(), self.inode(path)?))));
        for path in &ask.files {
            facts.files.extend(self.files.get(path).map(|text| (path.clone(), text.clone())));
        }
        Ok(facts)
    }
}

/// A table as the running kernel would list it: nobody else writes rules here.
fn listed((name, sets): (&String, &Sets)) -> Result<ListedTable> {
    let mut table = as_listed(name)?;
    for set in &mut table.sets {
        set.elements =
            sets.get(&set.name).into_iter().flat_map(BTreeMap::values).cloned().collect();
    }
    Ok(table)
}

/// A sysctl's key with slashes.
pub(super) fn slashes(key: &str) -> String {
    if key.contains('/') { key.to_owned() } else { key.replace('.', "/") }
}

fn lost() -> Error {
    Error::new(Kind::Bug, "a mount leads to no namespace")
}
