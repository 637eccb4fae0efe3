//! Looking things up.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use super::call::TABLE;
use ipnet::IpNet;

use super::linux::Linux;
use super::place::Place;
use super::route::{address, link, route};
use super::space::Space;
use super::{file, inode, observe, sockets, sysctl, tenants};
use crate::error::{Doing, Error, Kind, Result};
use crate::plan::rules::Ruleset;
use crate::plan::{Ask, Facts, HostFacts, Ns, PortAsk};

const RESOLV_CONF: &str = "/etc/resolv.conf";

/// Looks up what is asked.
pub(super) fn look(linux: &Linux, ask: &Ask) -> Result<Facts> {
    let mut facts = Facts::default();
    if ask.host || ask.addresses || !ask.sysctls.is_empty() {
        (facts.host, facts.sysctls) = linux.within(&Ns::Host, |space| {
            let host = if ask.host {
                host(space)?
            } else if ask.addresses {
                HostFacts { addresses: addresses(space)?, ..HostFacts::default() }
            } else {
                HostFacts::default()
            };
            Ok((host, read_sysctls(&ask.sysctls)?))
        })?;
    }
    if !ask.ports.is_empty() {
        facts.ports = linux.within(&Ns::Host, |_| ask.ports.iter().map(taken).collect())?;
    }
    if ask.rules {
        let tables = linux.firewall().list_tables(TABLE)?;
        let legacy = linux.within(&Ns::Host, |_| legacy_tables())?;
        facts.rules = Ruleset { tables, legacy };
    }
    if let Some(ns) = &ask.namespace {
        match namespace(linux, ns, ask) {
            Ok((cookie, interfaces, sysctls)) => {
                (facts.cookie, facts.interfaces, facts.ns_sysctls) = (cookie, interfaces, sysctls);
            }
            // Nothing there, or a file that is no namespace (setns(2): EINVAL).
            Err(error) if error.kind() == Kind::NotFound || is_none(&error) => {}
            Err(error) => return Err(error.doing(format!("look at the namespace {ns}"))),
        }
    }
    for ask in &ask.spaces {
        let seen = match linux.within(&ask.ns, |space| observe::look(space, ask)) {
            Ok(seen) => Some(seen),
            Err(error) if error.kind() == Kind::NotFound || is_none(&error) => None,
            Err(error) => return Err(error.doing(format!("look at the namespace {}", ask.ns))),
        };
        facts.spaces.push(seen);
    }
    if ask.boot {
        facts.boot = Some(boot(linux)?);
    }
    for path in &ask.directories {
        let found = file::list(path).doing(|| format!("ls {}", path.display()))?;
        facts.directories.extend(found.map(|names| (path.clone(), names)));
    }
    for path in &ask.files {
        if path == Path::new(RESOLV_CONF) {
            facts.files.insert(path.clone(), resolv_conf()?);
            continue;
        }
        let found = file::look(path).doing(|| format!("read {}", path.display()))?;
        if let Some((text, inode)) = found {
            facts.files.insert(path.clone(), text);
            facts.inodes.insert(path.clone(), inode);
        }
    }
    for path in &ask.inodes {
        let found = inode::at(path).doing(|| format!("ls -ld {}", path.display()))?;
        facts.inodes.extend(found.map(|inode| (path.clone(), inode)));
    }
    if !ask.tenants.is_empty() {
        facts.tenants = tenants::find(linux, &ask.tenants)?;
    }
    Ok(facts)
}

/// Which boot this is, and which of its namespaces.
fn boot(linux: &Linux) -> Result<String> {
    let path = "/proc/sys/kernel/random/boot_id";
    let id = std::fs::read_to_string(path).doing(|| format!("read {path}"))?;
    let cookie = linux.rtnl().lock().cookie()?.unwrap_or_default();
    Ok(format!("{} {cookie}", id.trim_end()))
}

/// Who has a port, in the namespace of the calling thread.
fn taken(ask: &PortAsk) -> Result<Option<String>> {
    let conflict = sockets::conflict(ask.proto, ask.host_ip, &ask.ports)?;
    Ok(conflict.map(|conflict| conflict.to_string()))
}

/// The tables of iptables-legacy, in the namespace of the calling thread. They are no part of
/// `nf_tables`, and only a program of the right version can read them.
fn legacy_tables() -> Result<Vec<String>> {
    let mut found = Vec::new();
    for (family, names) in [("ip", "ip_tables_names"), ("ip6", "ip6_tables_names")] {
        let path = format!("/proc/thread-self/net/{names}");
        let names = match file::read(Path::new(&path)) {
            // Root's only, whatever rights over the network another has.
            Err(error) if error.errno() == Some(libc::EACCES) => None,
            names => names.doing(|| format!("read {path}"))?,
        };
        found.extend(
            names.iter().flat_map(|text| text.lines()).map(|one| format!("{family} {one}")),
        );
    }
    Ok(found)
}

fn is_none(error: &Error) -> bool {
    matches!(error.errno(), Some(libc::EINVAL | libc::ENOENT | libc::ENOTDIR))
}

/// The cookie of a namespace, its interfaces, and its sysctls of these keys.
type Namespace = (Option<u64>, Vec<String>, BTreeMap<String, String>);

fn namespace(linux: &Linux, ns: &Ns, ask: &Ask) -> Result<Namespace> {
    if ask.worked_in && *ns != Ns::Host {
        let mut place = Place::open(ns)?;
        place.entered(ns)?;
        linux.keep(ns, place);
    }
    let mut sysctls = BTreeMap::new();
    if !ask.ns_sysctls.is_empty() {
        sysctls = linux.within(ns, |_| read_sysctls(&ask.ns_sysctls))?;
    }
    linux.by_socket(ns, |space| {
        let names = space.links()?.iter().map(|link| link.name.clone()).collect();
        let cookie = space.with(|socket| socket.cookie())?;
        Ok((cookie, names, sysctls))
    })
}

/// Those that are there.
fn read_sysctls(keys: &[String]) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for key in keys {
        let value = sysctl::read(key).doing(|| format!("sysctl {key}"))?;
        found.extend(value.map(|value| (key.clone(), value)));
    }
    Ok(found)
}

fn addresses(space: &mut Space<'_>) -> Result<Vec<IpNet>> {
    space.with(|socket| socket.dump(&address::dump(), address::read)).doing(|| "ip addr show")
}

fn host(space: &mut Space<'_>) -> Result<HostFacts> {
    let ipv6 = sysctl::has_ipv6();
    let links =
        space.with(|socket| socket.dump(&link::dump(), link::read)).doing(|| "ip link show")?;
    let addresses = addresses(space)?;
    let mut routes = space
        .with(|socket| socket.dump(&route::dump(false), route::read))
        .doing(|| "ip route show table all")?;
    if ipv6 {
        let six = space.with(|socket| socket.dump(&route::dump(true), route::read));
        routes.extend(six.doing(|| "ip -6 route show table all")?);
    }
    let default = routes.iter().filter(|route| route.is_default() && route.index.is_some());
    // IPv4 first, then the lowest metric.
    let best = default.min_by_key(|route| (route.destination.addr().is_ipv6(), route.metric));
    let carrier = best.and_then(|best| links.iter().find(|link| Some(link.index) == best.index));
    let taken = routes.iter().filter(|route| route.takes_its_destination());
    Ok(HostFacts {
        default_mtu: carrier.map(|link| link.mtu),
        default_dev: carrier.map(|link| link.name.clone()),
        routes: taken.map(|route| route.destination).collect(),
        links: links.into_iter().map(|link| link.name).collect(),
        addresses,
        nameservers: nameservers(&resolv_conf()?),
        ipv6,
    })
}

/// The host's own, links followed (systemd-resolved makes it one); a host without it has no
/// nameservers.
fn resolv_conf() -> Result<String> {
    match std::fs::read(RESOLV_CONF) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(Error::io(&error).doing(format!("read {RESOLV_CONF}"))),
    }
}

/// resolv.conf(5): `nameserver ADDRESS`, where an IPv6 address may carry a `%zone`.
fn nameservers(text: &str) -> Vec<IpAddr> {
    let server = |line: &str| {
        let mut words = line.split_whitespace();
        if words.next()? != "nameserver" {
            return None;
        }
        words.next()?.split('%').next()?.parse().ok()
    };
    text.lines().filter_map(server).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nameservers_are_read() {
        let text = "# nameserver 9.9.9.9\nnameserver 10.0.0.53\nnameserver\tfe80::1%eth0 \n\
                    nameserver\nnameserver x\nsearch nameserver\n";
        let expected: [IpAddr; 2] = ["10.0.0.53".parse().unwrap(), "fe80::1".parse().unwrap()];
        assert_eq!(nameservers(text), expected);
    }
}
