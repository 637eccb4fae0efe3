//! Joining a container to an endpoint.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::commit::build_with_last;
use super::endpoint::is_service;
use super::locked::Locked;
use super::log::Level;
use super::names::{self, Others};
use super::records::{
    self, Writes, endpoint_key, join_steps, netns_key, sandbox_key, sandbox_steps,
};
use super::route::{Leg, legs, moves};
use super::seat::{self, Seat};
use super::{Netberth, backend, lookup, network, service};

use crate::drivers;
use crate::error::{Doing, Error, Kind, Result};
use crate::model::{Attachment, ContainerId, Endpoint, JoinSpec, Network, Role, SandboxKind};
use crate::plan::{Ask, Done, Flow, Step};
use crate::services::{hosts, ports};

impl Netberth {
    /// Joins a container to an endpoint, and returns the sandbox key: the path of its namespace.
    ///
    /// # Errors
    /// `not_found`; `invalid` if the endpoint is joined already, or the container is in another
    /// namespace than asked; `exists` for an interface name that is taken; `exhausted` when the
    /// bridge is full. Nothing is left of a failed join.
    pub fn join(&self, network: &str, endpoint: &str, spec: &JoinSpec) -> Result<PathBuf> {
        let mut locked = self.lock()?;
        let network = lookup::network(locked.store(), network)?;
        let endpoint = lookup::endpoint(locked.store(), &network, endpoint)?;
        if is_service(&endpoint) {
            return service::attach(&mut locked, &network, &endpoint, spec);
        }
        join_plain(&mut locked, &network, endpoint, spec)
    }
}

/// Joins a container to an endpoint that is for one.
pub(super) fn join_plain(
    locked: &mut Locked<'_>,
    network: &Network,
    endpoint: Endpoint,
    spec: &JoinSpec,
) -> Result<PathBuf> {
    let doing = format!("join {} to {} of network {}", spec.container, endpoint.name, network.name);
    check_free(&endpoint, &spec.container).doing(|| doing.clone())?;
    let others = Others::Recorded(records::endpoint_rows(locked.store(), &network.id)?);
    let also = Also { others, adjust: Vec::new(), writes: Writes::new() };
    join(locked, network, endpoint, spec, also, &doing)
}

/// What a join does besides, where it is part of something else.
pub(super) struct Also {
    /// The endpoints of the network, as they will be but for this one.
    pub(super) others: Others,
    /// To be done when the container is in its place.
    pub(super) adjust: Vec<Step>,
    /// To be written with it.
    pub(super) writes: Writes,
}

/// Everything about one join.
struct Joining<'a> {
    network: &'a Network,
    endpoint: Endpoint,
    spec: &'a JoinSpec,
    seat: Seat,
    also: Also,
}

pub(super) fn join(
    locked: &mut Locked<'_>,
    network: &Network,
    endpoint: Endpoint,
    spec: &JoinSpec,
    also: Also,
    doing: &str,
) -> Result<PathBuf> {
    let key = prepare(locked, network, endpoint, spec, also)
        .and_then(|joining| carry_out(locked, joining, doing))
        .doing(|| doing.to_owned())?;
    locked.say(Level::Info, || format!("{doing}: {}", key.display()));
    Ok(key)
}

fn prepare<'a>(
    locked: &Locked<'_>,
    network: &'a Network,
    endpoint: Endpoint,
    spec: &'a JoinSpec,
    also: Also,
) -> Result<Joining<'a>> {
    network::check_whole(network)?;
    let seat = seat::find(locked, network, spec)?;
    if seat.sandbox.kind == SandboxKind::Host && !spec.sysctls.is_empty() {
        let what = "sysctls cannot be set on the host network: they would be the host's";
        return Err(Error::new(Kind::Invalid, what));
    }
    Ok(Joining { network, endpoint, spec, seat, also })
}

fn check_free(endpoint: &Endpoint, container: &ContainerId) -> Result<()> {
    let Some(joined) = endpoint.attachments.first() else { return Ok(()) };
    let what = if joined.container == *container {
        format!("container {container} is already joined to endpoint {}", endpoint.name)
    } else {
        format!("endpoint {} is already joined by container {}", endpoint.name, joined.container)
    };
    Err(Error::new(Kind::Invalid, what))
}

fn carry_out(locked: &mut Locked<'_>, joining: Joining<'_>, doing: &str) -> Result<PathBuf> {
    let store = locked.store();
    let before = legs(store, &joining.seat.sandbox)?;
    check_other_network(joining.network, &before)?;
    let interface = interface(&joining, &before)?;
    let attachment = Attachment {
        container: joining.spec.container.clone(),
        ns: joining.seat.sandbox.ns.clone(),
        link: if interface.is_empty() { String::new() } else { link(&joining) },
        interface,
        hosts: joining.seat.sandbox.hosts.clone(),
        detaching: false,
    };
    let join_plan = join_plan(&joining, &attachment)?;
    let mut after = before.clone();
    after.push(Leg {
        network: joining.network.clone(),
        endpoint: joining.endpoint.clone(),
        interface: attachment.interface.clone(),
    });
    let mut adjust = moves(&attachment.ns, &before, &after);
    adjust.extend(joining.also.adjust.clone());
    adjust.extend(parents(locked, &joining)?);
    adjust.extend(naming(&joining)?);
    let mut plan = joining.seat.steps.clone();
    plan.extend(files(&joining)?);
    let split = plan.len();
    plan.extend(join_plan);
    // Not before the container has its default route: without a way back to who asks for its address
    // it would not answer, and the next one asks a second later.
    let last = publishing(locked, &joining.endpoint)?;
    let key = joining.seat.sandbox.key.clone();
    let hosts_text = hosts::text(&own_lines(&joining), &joining.spec.extra_hosts, &[]);
    build_with_last(locked, doing, plan, adjust, last, |done| {
        let (of_sandbox, of_join) = done.split_at_checked(split).unwrap_or((done, &[]));
        let container = joining.spec.container.clone();
        let Joining { network, mut endpoint, mut seat, also, .. } = joining;
        endpoint.attachments.push(attachment);
        seat.sandbox.joined.push((network.id, endpoint.id));
        let mut writes = also
            .writes
            .put(endpoint_key(&network.id, &endpoint.id), &endpoint)?
            .put(sandbox_key(&container), &seat.sandbox)?
            .put_steps(join_steps(&endpoint.id, &container), of_join)?;
        if seat.fresh {
            let of_sandbox = without_names(of_sandbox, &seat.sandbox.hosts, &hosts_text);
            writes = writes.put_steps(sandbox_steps(&container), &of_sandbox)?;
        }
        if let Some(name) = seat.claims {
            writes = writes.claim(netns_key(&name), container.to_string());
        }
        Ok(writes.batch())
    })?;
    Ok(key)
}

/// A second interface on one network would need the same on-link routes again.
fn check_other_network(network: &Network, before: &[Leg]) -> Result<()> {
    let same = before.iter().find(|leg| leg.network.id == network.id && !leg.interface.is_empty());
    let Some(leg) = same else { return Ok(()) };
    let what = format!(
        "the container is on network {} already, by endpoint {}: detach it there first",
        network.name, leg.endpoint.name
    );
    Err(Error::new(Kind::Invalid, what))
}

/// The name that is asked for, or the first `eth<n>` that is free.
fn interface(joining: &Joining<'_>, before: &[Leg]) -> Result<String> {
    if !drivers::of(joining.network.kind).has_interface() {
        if joining.spec.interface_name.is_some() {
            let what =
                format!("interface_name: network {} has no interfaces", joining.network.name);
            return Err(Error::new(Kind::Invalid, what));
        }
        return Ok(String::new());
    }
    let present = &joining.seat.facts.interfaces;
    let taken = |name: &str| {
        before.iter().any(|leg| leg.interface == name) || present.iter().any(|p| p == name)
    };
    if let Some(wanted) = &joining.spec.interface_name {
        // `lo` is in every namespace, also in one that is not made yet.
        if taken(wanted.as_str()) || wanted.as_str() == "lo" {
            let what = format!("interface {wanted} exists in the container's namespace already");
            return Err(Error::new(Kind::Exists, what));
        }
        return Ok(wanted.to_string());
    }
    // One more than a bridge's ports would do; a namespace holds more by other means.
    let free = (0..=u16::MAX).map(|number| format!("eth{number}")).find(|name| !taken(name));
    free.ok_or_else(|| Error::new(Kind::Exhausted, "no free interface name is left"))
}

/// The host end: `nb` and 12 hex digits of endpoint and container, the same at every try.
fn link(joining: &Joining<'_>) -> String {
    let text = format!("{}/{}", joining.endpoint.id, joining.spec.container);
    // FNV-1a, 64 bits: spread evenly, the same in every version.
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let digits: String = format!("{hash:016x}").chars().take(12).collect();
    format!("nb{digits}")
}

fn join_plan(joining: &Joining<'_>, attachment: &Attachment) -> Result<Vec<Step>> {
    let driver = drivers::of(joining.network.kind);
    let mut steps = driver
        .join(&drivers::Join {
            network: joining.network,
            endpoint: &joining.endpoint,
            ns: &attachment.ns,
            interface: &attachment.interface,
            link: &attachment.link,
        })?
        .steps;
    steps.splice(0..0, forgetting(joining));
    for (key, value) in &joining.spec.sysctls {
        let key = seat::sysctl_key(key);
        let before = joining.seat.facts.ns_sysctls.get(&key).cloned();
        steps.push(Step::Sysctl { ns: attachment.ns.clone(), key, value: value.clone(), before });
    }
    Ok(steps)
}

/// The endpoint's ports, live while its container is joined.
fn publishing(locked: &Locked<'_>, endpoint: &Endpoint) -> Result<Vec<Step>> {
    let addresses: Vec<IpAddr> = endpoint.ips().collect();
    if endpoint.port_mapping.is_empty() {
        return Ok(Vec::new());
    }
    let sets = ports::elements(&endpoint.port_mapping, &addresses);
    let elements = [Step::Elements { sets }].into_iter();
    Ok(elements.chain(super::ports::forgetting(locked, endpoint)?).collect())
}

/// The first steps of a join and so the last of a detach: when nothing leads to the addresses any
/// more, the kernel forgets who talked to them, and then what it still has for them.
fn forgetting(joining: &Joining<'_>) -> Vec<Step> {
    let ips = || joining.endpoint.ips();
    let dev = &joining.network.options.bridge;
    let mut steps: Vec<Step> =
        ips().map(|address| Step::Neighbour { dev: dev.clone(), address }).collect();
    if !steps.is_empty() {
        let flows = ips().map(|address| Flow::Of { address }).collect();
        steps.push(Step::Conntrack { flows, leaving: true });
    }
    steps
}

/// The lines that this container's own hosts file gets from this network.
fn network_lines(joining: &Joining<'_>) -> Result<Vec<String>> {
    let mut lines = joining.also.others.lines(joining.network)?;
    if joining.endpoint.role == Role::Plain {
        lines.extend(hosts::endpoint_lines(&joining.endpoint, joining.network.name.as_str()));
    }
    Ok(lines)
}

fn own_lines(joining: &Joining<'_>) -> Vec<String> {
    hosts::own_lines(&joining.seat.sandbox.own_names, joining.endpoint.ips())
}

/// The files of a new sandbox, whole.
fn files(joining: &Joining<'_>) -> Result<Vec<Step>> {
    if !joining.seat.fresh {
        return Ok(Vec::new());
    }
    let sandbox = &joining.seat.sandbox;
    let file = |path: &PathBuf, text: String| {
        let before = joining.seat.facts.files.get(path).cloned();
        Step::File { path: path.clone(), text, before }
    };
    let extra = &joining.spec.extra_hosts;
    let hosts = hosts::text(&own_lines(joining), extra, &network_lines(joining)?);
    let resolv_conf = file(&sandbox.resolv_conf, sandbox.resolv_conf_text.clone());
    Ok(vec![file(&sandbox.hosts, hosts), resolv_conf])
}

/// The plan as it is recorded: who else is on the network is worked out anew whenever it is asked, and a
/// thousand names in each of a thousand records would be megabytes.
fn without_names(steps: &[Done], hosts: &Path, own: &str) -> Vec<Done> {
    let mut steps = steps.to_vec();
    for done in &mut steps {
        // What is put back where something was is compared by its text, if that cannot be done at once.
        if let Step::File { path, text, before: None } = &mut done.step
            && path == hosts
        {
            own.clone_into(text);
        }
    }
    steps
}

/// The lines of a container that sat here before, and those of everyone else on the network.
fn naming(joining: &Joining<'_>) -> Result<Vec<Step>> {
    let sandbox = &joining.seat.sandbox;
    let mut steps = Vec::new();
    if !joining.seat.fresh {
        let mut add = if sandbox.joined.is_empty() { own_lines(joining) } else { Vec::new() };
        let extra = joining.spec.extra_hosts.iter();
        add.extend(extra.map(|host| format!("{}\t{}", host.address, host.name)));
        add.extend(network_lines(joining)?);
        // What is there already is not ours to take away again.
        let present = joining.seat.facts.files.get(&sandbox.hosts);
        add.retain(|line| present.is_none_or(|text| !text.lines().any(|there| there == line)));
        steps.extend(names::change(vec![sandbox.hosts.clone()], add, Vec::new()));
    }
    let others = &joining.also.others;
    steps.extend(others.hear(joining.network, &joining.endpoint, &sandbox.container)?);
    Ok(steps)
}

/// The parents' hosts files, each with all its updates.
fn parents(locked: &Locked<'_>, joining: &Joining<'_>) -> Result<Vec<Step>> {
    let mut texts: BTreeMap<PathBuf, (String, String)> = BTreeMap::new();
    for update in &joining.spec.parent_updates {
        let parent = lookup::service(locked.store(), &update.endpoint)
            .map_err(|error| error.doing("parent_updates"))?;
        let joined = backend::attachments(locked.store(), &parent)?;
        if joined.is_empty() {
            let what = format!("parent_updates: no container is joined to {}", parent.name);
            return Err(Error::new(Kind::Invalid, what));
        }
        for path in joined.into_iter().map(|attachment| attachment.hosts) {
            if !texts.contains_key(&path) {
                let ask = Ask { files: vec![path.clone()], ..Ask::default() };
                let text = locked.kernel().facts(&ask)?.files.remove(&path).unwrap_or_default();
                texts.insert(path.clone(), (text.clone(), text));
            }
            if let Some((_, text)) = texts.get_mut(&path) {
                *text = hosts::with_address(text, &update.name, update.address);
            }
        }
    }
    let changed = texts.into_iter().filter(|(_, (before, text))| before != text);
    Ok(changed
        .map(|(path, (before, text))| Step::File { path, text, before: Some(before) })
        .collect())
}
