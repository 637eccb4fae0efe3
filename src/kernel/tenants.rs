//! Namespaces by who is in them: for one whose mount was taken away while a process lives in it.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::linux::Linux;
use super::netlink::build::{Manner, attribute, plain};
use super::netlink::read;
use super::netns::Handle;
use super::requests;
use super::route::link;
use super::space::Space;
use crate::error::{Doing, Kind, Result};
use crate::plan::{Ns, Tenant};

/// Processes looked at: the kernel's own limit on a small machine (`PID_MAX_DEFAULT`). What is beyond
/// is not found.
const PROCESSES: usize = 0x8000;

const RTM_GETNSID: u16 = 90;
const NETNSA_NSID: u16 = 1;
const NETNSA_FD: u16 = 3;
const IFLA_LINK_NETNSID: u16 = 37;
/// `struct ifinfomsg` and `struct rtgenmsg` with its padding.
const LINK_HEADER: usize = 16;
const ID_HEADER: usize = 4;

/// A process's namespace, as `ip netns attach` would name it.
struct Lived {
    ns: Ns,
    cookie: Option<u64>,
    /// The number by which the host's namespace knows it, if by any.
    id: Option<u32>,
}

/// For each namespace that is looked for, where a process of it has it.
pub(super) fn find(linux: &Linux, wanted: &[Tenant]) -> Result<Vec<Option<Ns>>> {
    let mut ids = Vec::with_capacity(wanted.len());
    for tenant in wanted {
        ids.push(if is_bare(&tenant.path) { Some(numbers(linux, tenant)?) } else { None });
    }
    if ids.iter().all(Option::is_none) {
        return Ok(wanted.iter().map(|_| None).collect());
    }
    let lived = lived(linux)?;
    let is_it = |one: &Lived, tenant: &Tenant, numbers: &[u32]| {
        let by_link = one.id.is_some_and(|id| numbers.contains(&id));
        by_link || (tenant.cookie.is_some() && one.cookie == tenant.cookie)
    };
    let found = wanted.iter().zip(&ids).map(|(tenant, numbers)| {
        let numbers = numbers.as_ref()?;
        lived.iter().find(|one| is_it(one, tenant, numbers)).map(|one| one.ns.clone())
    });
    Ok(found.collect())
}

/// Whether something may be mounted there: the path leads to no namespace now, and not to anybody's file.
fn is_bare(path: &Path) -> bool {
    let nowhere = Handle::open(path).is_err_and(|error| error.kind() == Kind::NotFound);
    nowhere
        && match fs::symlink_metadata(path) {
            Ok(found) => found.is_file() && found.len() == 0,
            Err(_) => path.parent().is_some_and(Path::is_dir),
        }
}

/// The numbers that the host gives to the namespaces that the other ends of these links are in. The
/// kernel fills them in from the pair itself (`rtnl_fill_link_netnsid`): nobody can forge one.
fn numbers(linux: &Linux, tenant: &Tenant) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for name in &tenant.links {
        let request = link::get(name)?;
        let answer = match linux.rtnl().lock().ask(request) {
            Err(error) if requests::is_gone(&error) => continue,
            answer => answer.doing(|| format!("ip link show {name}"))?,
        };
        let attributes = answer.get(LINK_HEADER..).unwrap_or_default();
        let id = read::attributes(attributes).find(|(kind, _)| *kind == IFLA_LINK_NETNSID);
        found.extend(id.and_then(|(_, value)| read::word(value, 0)));
    }
    Ok(found)
}

/// The namespaces that processes are in, each once, but for the host's.
fn lived(linux: &Linux) -> Result<Vec<Lived>> {
    let mut seen: HashSet<PathBuf> = fs::read_link("/proc/self/ns/net").into_iter().collect();
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc").doing(|| "ls /proc")?.flatten().take(PROCESSES) {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let path = PathBuf::from(format!("/proc/{pid}/ns/net"));
        // `net:[4026531840]`, the inode, without opening it. A process that is gone has none.
        if !fs::read_link(&path).is_ok_and(|inode| seen.insert(inode)) {
            continue;
        }
        all.extend(one(linux, path));
    }
    Ok(all)
}

fn one(linux: &Linux, path: PathBuf) -> Option<Lived> {
    let handle = Handle::open(&path).ok()?;
    if handle.is(linux.namespace()) {
        return None;
    }
    let cookie = handle.run(|| Space::here(None)?.with(|socket| socket.cookie())).ok()?;
    Some(Lived { id: id(linux, &handle), ns: Ns::At { path, cookie }, cookie })
}

/// `ip netns list-id target-nsid`: the number of a namespace, -1 where it has none.
fn id(linux: &Linux, handle: &Handle) -> Option<u32> {
    let mut body = vec![0; ID_HEADER];
    attribute(&mut body, NETNSA_FD, &requests::raw(handle).to_ne_bytes());
    let answer = linux.rtnl().lock().ask(plain(Manner::Get, RTM_GETNSID, &body)).ok()?;
    let mut attributes = read::attributes(answer.get(ID_HEADER..)?);
    let (_, value) = attributes.find(|(kind, _)| *kind == NETNSA_NSID)?;
    read::word(value, 0).filter(|id| id.cast_signed() >= 0)
}
