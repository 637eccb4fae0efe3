//! Where a container sits: its namespace and its files, found again or made.

use std::path::{Path, PathBuf};

use super::locked::Locked;
use super::records::{self, netns_key};
use crate::error::{Error, Kind, Result};
use crate::model::{ContainerId, JoinSpec, Network, NetworkType, Ns, Place, Sandbox, SandboxKind};
use crate::plan::{Ask, Facts, Step};
use crate::services::{hosts, resolv};

/// The least of a container id in the name of its namespace's file (API.md).
const SHORT: usize = 12;

/// A sandbox to join in.
pub(super) struct Seat {
    pub(super) sandbox: Sandbox,
    /// It is not recorded yet: `steps` make it.
    pub(super) fresh: bool,
    pub(super) steps: Vec<Step>,
    /// What is in the namespace, where it is there already.
    pub(super) facts: Facts,
    /// The name of a file in the directory of namespaces that this seat claims.
    pub(super) claims: Option<String>,
}

/// The seat for a join: the one that the container has, or what makes a new one.
pub(super) fn find(locked: &Locked<'_>, network: &Network, spec: &JoinSpec) -> Result<Seat> {
    match records::sandbox(locked.store(), &spec.container)? {
        Some(sandbox) => known(locked, network, spec, sandbox),
        None => new(locked, network, spec),
    }
}

fn known(
    locked: &Locked<'_>,
    network: &Network,
    spec: &JoinSpec,
    sandbox: Sandbox,
) -> Result<Seat> {
    let refuse = |what: String| Err(Error::new(Kind::Invalid, what));
    let container = &sandbox.container;
    if sandbox.deleting {
        let what = format!("sandbox {container} is half deleted: delete it again");
        return Err(Error::new(Kind::InUse, what));
    }
    let in_host = sandbox.kind == SandboxKind::Host;
    if in_host != (network.kind == NetworkType::Host) {
        let (is, of) = if in_host { ("the host's", "another") } else { ("its own", "the host") };
        return refuse(format!(
            "container {container} is in {is} namespace: it cannot join a network of {of} one"
        ));
    }
    for (given, known) in
        [(&spec.hosts_path, &sandbox.hosts), (&spec.resolv_conf_path, &sandbox.resolv_conf)]
    {
        if let Some(given) = given.as_ref().filter(|given| *given != known) {
            return refuse(format!(
                "container {container} has {} already: {} cannot replace it",
                known.display(),
                given.display()
            ));
        }
    }
    let facts =
        locked.kernel().facts(&ask(&sandbox.ns, spec, std::slice::from_ref(&sandbox.hosts)))?;
    let asked = place(&spec.place, &sandbox.ns)?;
    check_namespace(locked, &sandbox, &facts, asked.as_deref())?;
    Ok(Seat { sandbox, fresh: false, steps: Vec::new(), facts, claims: None })
}

/// The path that the caller names, if any; the kernel resolves a pid by the same path.
fn place(place: &Place, known: &Ns) -> Result<Option<PathBuf>> {
    let path = match place {
        Place::Own => return Ok(None),
        Place::Path(path) => path.clone(),
        Place::Pid(pid) => PathBuf::from(format!("/proc/{pid}/ns/net")),
    };
    match known {
        Ns::Host => {
            Err(Error::new(Kind::Invalid, "netns and pid mean nothing on the host network"))
        }
        Ns::At { .. } => Ok(Some(path)),
    }
}

fn check_namespace(
    locked: &Locked<'_>,
    sandbox: &Sandbox,
    facts: &Facts,
    asked: Option<&Path>,
) -> Result<()> {
    let container = &sandbox.container;
    let Ns::At { path, cookie } = &sandbox.ns else { return Ok(()) };
    let gone = facts.cookie.is_none() || (cookie.is_some() && facts.cookie != *cookie);
    if gone {
        let what = format!(
            "the namespace {} of container {container} is gone: delete sandbox {container} first",
            path.display()
        );
        return Err(Error::new(Kind::Invalid, what));
    }
    let Some(asked) = asked else { return Ok(()) };
    let asked_ns = Ns::At { path: asked.to_owned(), cookie: None };
    let ask = Ask { namespace: Some(asked_ns), ..Ask::default() };
    if locked.kernel().facts(&ask)?.cookie == facts.cookie {
        return Ok(());
    }
    let what = format!(
        "container {container} is in namespace {}, not in {}",
        sandbox.key.display(),
        asked.display()
    );
    Err(Error::new(Kind::Invalid, what))
}

fn ask(ns: &Ns, spec: &JoinSpec, files: &[PathBuf]) -> Ask {
    Ask {
        namespace: Some(ns.clone()),
        worked_in: true,
        ns_sysctls: spec.sysctls.keys().map(|key| sysctl_key(key)).collect(),
        files: files.to_vec(),
        ..Ask::default()
    }
}

/// With slashes, as under `/proc/sys`.
pub(super) fn sysctl_key(key: &str) -> String {
    if key.contains('/') { key.to_owned() } else { key.replace('.', "/") }
}

/// The host's own resolver configuration.
const HOST_RESOLV_CONF: &str = "/etc/resolv.conf";

fn new(locked: &Locked<'_>, network: &Network, spec: &JoinSpec) -> Result<Seat> {
    let config = locked.netberth.config();
    let dir = config.sandbox_dir(spec.container.as_str());
    let hosts = spec.hosts_path.clone().unwrap_or_else(|| dir.join("hosts"));
    let resolv_conf = spec.resolv_conf_path.clone().unwrap_or_else(|| dir.join("resolv.conf"));
    let (kind, mut ns, key, claims) = whereabouts(locked, network, spec)?;
    let files = [PathBuf::from(HOST_RESOLV_CONF), hosts.clone(), resolv_conf.clone()];
    let mut asked = ask(&ns, spec, &files);
    if kind == SandboxKind::Own {
        // It is not there yet.
        asked.namespace = None;
        asked.ns_sysctls = Vec::new();
    }
    let facts = locked.kernel().facts(&asked)?;
    if let (SandboxKind::Given, Ns::At { path, cookie }) = (kind, &mut ns) {
        let gone = || {
            let what = format!("{} is not a network namespace, or it is gone", path.display());
            Error::new(Kind::Invalid, what)
        };
        *cookie = Some(facts.cookie.ok_or_else(gone)?);
    }
    let host_resolv = facts.files.get(Path::new(HOST_RESOLV_CONF));
    let sandbox = Sandbox {
        container: spec.container.clone(),
        key,
        ns,
        kind,
        joined: Vec::new(),
        hosts,
        resolv_conf,
        resolv_conf_text: resolv::text(spec, host_resolv.map_or("", String::as_str)),
        own_names: hosts::own_names(spec.host_name.as_deref(), spec.domain_name.as_deref()),
        deleting: false,
        ended: false,
    };
    let steps = making(&sandbox, spec, dir);
    Ok(Seat { sandbox, fresh: true, steps, facts, claims })
}

/// Whose namespace, which, and its key.
fn whereabouts(
    locked: &Locked<'_>,
    network: &Network,
    spec: &JoinSpec,
) -> Result<(SandboxKind, Ns, PathBuf, Option<String>)> {
    let dir = locked.netberth.config().netns_dir();
    if network.kind == NetworkType::Host {
        if spec.place != Place::Own {
            let what = "netns and pid mean nothing on the host network";
            return Err(Error::new(Kind::Invalid, what));
        }
        return Ok((SandboxKind::Host, Ns::Host, dir.join("default"), None));
    }
    let given = |path: PathBuf| {
        let ns = Ns::At { path: path.clone(), cookie: None };
        (SandboxKind::Given, ns, path, None)
    };
    Ok(match &spec.place {
        Place::Path(path) => given(path.clone()),
        Place::Pid(pid) => given(PathBuf::from(format!("/proc/{pid}/ns/net"))),
        Place::Own => {
            let name = file_name(locked, &spec.container)?;
            let path = dir.join(&name);
            (SandboxKind::Own, Ns::At { path: path.clone(), cookie: None }, path, Some(name))
        }
    })
}

/// The first twelve characters of the container's id, and more where those are taken.
fn file_name(locked: &Locked<'_>, container: &ContainerId) -> Result<String> {
    let id = container.as_str();
    for length in SHORT.min(id.len())..=id.len() {
        let name = id.get(..length).unwrap_or(id);
        // `default` is the host's, and the kernel takes no `.` for a file.
        let free = records::text(locked.store(), &netns_key(name))?.is_none();
        if free && name != "default" {
            return Ok(name.to_owned());
        }
    }
    let what = format!("the name {id} of a namespace's file is taken by another container");
    Err(Error::new(Kind::Exists, what))
}

/// The steps that make the namespace and the directory of files; the files' text comes later.
fn making(sandbox: &Sandbox, spec: &JoinSpec, dir: PathBuf) -> Vec<Step> {
    let mut steps = Vec::new();
    if spec.hosts_path.is_none() || spec.resolv_conf_path.is_none() {
        steps.push(Step::Directory { path: dir });
    }
    let path = sandbox.key.clone();
    match sandbox.kind {
        SandboxKind::Own => steps.push(Step::Netns { path, of: None }),
        SandboxKind::Host => steps.push(Step::Netns { path, of: Some(Ns::Host) }),
        SandboxKind::Given => {}
    }
    if sandbox.kind != SandboxKind::Host {
        steps.push(Step::Up { ns: sandbox.ns.clone(), dev: "lo".to_owned() });
    }
    steps
}
