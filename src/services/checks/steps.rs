//! Whether what a recorded step made is still there.

use ipnet::IpNet;

use super::finding::{Action, Finding};
use super::links;
use super::view::View;
use super::{Known, host};
use crate::model::Owner;
use crate::plan::{Hop, Ns, Seen, SeenRoute, Step};

/// Every step of every record, networks first, then sandboxes, then what is joined.
pub(super) fn check(known: &Known<'_>) -> Vec<Finding> {
    let mut view = View::of(known);
    // First the devices: whether what hangs on one is missing by itself depends on it.
    for done in known.records.iter().flat_map(|record| &record.steps) {
        use Step::{Bridge, Up, Veth};
        if matches!(done.step, Bridge { .. } | Veth { .. } | Up { .. }) {
            drop(step(known, &mut view, &Owner::host(), &done.step));
        }
    }
    let mut found = Vec::new();
    for rank in 0..=2 {
        for record in known.records.iter().filter(|record| rank_of(&record.owner) == rank) {
            for done in &record.steps {
                found.extend(step(known, &mut view, &record.owner, &done.step));
            }
        }
    }
    for record in known.derived {
        for done in &record.steps {
            found.extend(step(known, &mut view, &record.owner, &done.step));
        }
    }
    found.extend(super::foreign::check(known, &view));
    found
}

fn rank_of(owner: &Owner) -> u8 {
    match owner.kind.as_str() {
        "network" => 0,
        "sandbox" => 1,
        _ => 2,
    }
}

fn step<'a>(known: &Known<'a>, view: &mut View<'a>, owner: &Owner, step: &'a Step) -> Vec<Finding> {
    let one = |found: Option<Finding>| found.into_iter().collect();
    // A namespace that is gone has nothing; it is told of once, with its sandbox.
    if view.space(step.place()).is_none() {
        return Vec::new();
    }
    match step {
        Step::Bridge { .. } => one(links::bridge(view, owner, step)),
        Step::Veth { .. } => links::veth(view, owner, step),
        Step::BridgePort { name } => one(links::port(view, owner, step, name)),
        Step::Up { ns, dev } => one(up(view, owner, step, (ns, dev))),
        Step::Address { ns, dev, address, .. } => {
            one(address_of(view, owner, step, (ns, dev), *address))
        }
        Step::Route { .. } => one(route(view, owner, step)),
        Step::DefaultRoute { ns, ipv6, to: Some(to), .. } => {
            one(default_route(view, owner, ns, *ipv6, to))
        }
        Step::Sysctl { ns, key, value, .. } => {
            one(sysctl(known, view, owner, step, (ns, key, value)))
        }
        Step::Directory { path } if !known.facts.inodes.contains_key(path) => {
            let object = format!("directory {}", path.display());
            one(Some(missing(owner, object, "a directory", step)))
        }
        Step::Netns { path, of: Some(of) } => {
            let at = known.looks.iter().position(|look| is_at(&look.ns, path));
            let there = at.and_then(|at| known.facts.spaces.get(at)?.as_ref());
            let same = |seen: &Seen| view.space(of).is_some_and(|of| of.cookie == seen.cookie);
            let object = format!("namespace {}", path.display());
            let expected = format!("the namespace {of}");
            let mends = [Action::Undo(step.clone()), Action::Do(step.clone())];
            one(match there {
                Some(seen) if same(seen) => None,
                Some(_) => Some(Finding::new(owner, object, &expected, "another").mended(mends)),
                None => Some(Finding::missing(owner, object, &expected).mended(mends)),
            })
        }
        _ => Vec::new(),
    }
}

fn is_at(ns: &Ns, path: &std::path::Path) -> bool {
    matches!(ns, Ns::At { path: at, .. } if at == path)
}

/// What is not there is made again.
pub(super) fn missing(owner: &Owner, object: String, expected: &str, step: &Step) -> Finding {
    Finding::missing(owner, object, expected).mended([Action::Do(step.clone())])
}

/// In whose namespace, if not the host's.
pub(super) fn within(ns: &Ns, object: String) -> String {
    match ns {
        Ns::Host => object,
        Ns::At { .. } => format!("{object} in {ns}"),
    }
}

fn up<'a>(
    view: &mut View<'a>,
    owner: &Owner,
    step: &Step,
    (ns, dev): (&'a Ns, &'a str),
) -> Option<Finding> {
    let follows = view.is_broken(ns, dev);
    let link = view.link(ns, dev);
    // A container whose namespace is gone has no port.
    if link.map_or(!follows, |link| link.up) {
        return None;
    }
    view.goes_down(ns, dev);
    let found = Finding::new(owner, within(ns, format!("link {dev}")), "up", "down");
    Some(found.mended([Action::Do(step.clone())]).following(follows))
}

fn address_of<'a>(
    view: &mut View<'a>,
    owner: &Owner,
    step: &Step,
    (ns, dev): (&'a Ns, &'a str),
    address: IpNet,
) -> Option<Finding> {
    let index = view.link(ns, dev).map(|link| link.index);
    let here = |seen: &Seen| {
        seen.addresses.iter().any(|one| Some(one.index) == index && one.address == address)
    };
    if index.is_some() && view.space(ns).is_some_and(here) {
        return None;
    }
    view.loses(ns, address.addr());
    let object = within(ns, format!("address {address} dev {dev}"));
    let found = missing(owner, object, "the address", step);
    Some(found.following(view.lets_go(ns, dev)))
}

fn route<'a>(view: &mut View<'a>, owner: &Owner, step: &'a Step) -> Option<Finding> {
    let Step::Route { ns, destination, via, dev, source, local } = step else { return None };
    let destination = destination.trunc();
    let index = view.link(ns, dev).map(|link| link.index);
    let seen = view.space(ns)?;
    let alike = |one: &&SeenRoute| {
        one.destination == destination
            && one.index == index
            && one.local.is_some() == local.is_some()
    };
    let there: Vec<&SeenRoute> = seen.routes.iter().filter(alike).collect();
    let right = |one: &&&SeenRoute| {
        one.via == *via && one.source == *source && (one.local == *local || local.is_none())
    };
    if index.is_some() && there.iter().any(|one| right(&one)) {
        return None;
    }
    let object = within(ns, format!("route {destination} dev {dev}"));
    let expected = words(*via, source.map(|source| source.to_string()));
    let follows = view.lets_go(ns, dev) || source.is_some_and(|source| view.is_lost(ns, source));
    view.is_without_route(ns, dev, destination.addr().is_ipv6());
    let Some(wrong) = there.first().filter(|_| index.is_some()) else {
        return Some(missing(owner, object, &expected, step).following(follows));
    };
    let theirs = Step::Route {
        ns: ns.clone(),
        destination,
        via: wrong.via,
        dev: dev.clone(),
        source: wrong.source,
        local: wrong.local,
    };
    let found = words(wrong.via, wrong.source.map(|source| source.to_string()));
    let mends = [Action::Undo(theirs), Action::Do(step.clone())];
    Some(Finding::new(owner, object, &expected, &found).mended(mends).following(follows))
}

fn words(via: Option<std::net::IpAddr>, source: Option<String>) -> String {
    let via = via.map_or_else(|| "on link".to_owned(), |via| format!("via {via}"));
    source.map_or(via.clone(), |source| format!("{via} src {source}"))
}

fn default_route<'a>(
    view: &View<'a>,
    owner: &Owner,
    ns: &'a Ns,
    ipv6: bool,
    to: &'a Hop,
) -> Option<Finding> {
    let seen = view.space(ns)?;
    let is_default = |one: &&SeenRoute| {
        one.destination.prefix_len() == 0
            && one.destination.addr().is_ipv6() == ipv6
            && one.local.is_none()
    };
    let there: Vec<&SeenRoute> = seen.routes.iter().filter(is_default).collect();
    let index = view.link(ns, &to.dev).map(|link| link.index);
    if index.is_some() && there.iter().any(|one| one.index == index && one.via == Some(to.via)) {
        return None;
    }
    let family = if ipv6 { "-6 " } else { "" };
    let object = within(ns, format!("{family}route default"));
    let expected = format!("via {} dev {}", to.via, to.dev);
    let hop = |one: &&SeenRoute| {
        let dev = seen.link_at(one.index?)?.name.clone();
        Some(Hop { via: one.via?, dev })
    };
    let from = there.first().and_then(hop);
    let found = from.as_ref().map(|hop| format!("via {} dev {}", hop.via, hop.dev));
    let step = Step::DefaultRoute { ns: ns.clone(), ipv6, to: Some(to.clone()), from };
    let found = found.unwrap_or_else(|| super::NOTHING.to_owned());
    let finding = Finding::new(owner, object, &expected, &found);
    let follows = view.leads_nowhere(ns, &to.dev, ipv6);
    Some(finding.mended([Action::Do(step)]).following(follows))
}

fn sysctl<'a>(
    known: &Known<'_>,
    view: &View<'a>,
    owner: &Owner,
    step: &Step,
    (ns, key, value): (&'a Ns, &'a str, &str),
) -> Option<Finding> {
    // Those are told of for the host as a whole.
    if *ns == Ns::Host && host::tells(key) {
        return None;
    }
    let dev = device_of(key);
    let (broken, renamed) = match dev {
        Some(dev) => (view.is_broken(ns, dev), view.is_renamed(ns, dev)),
        None => (false, false),
    };
    let seen = view.space(ns)?;
    let object = within(ns, format!("sysctl {key}"));
    match seen.sysctls.get(key) {
        Some(now) if now.split_whitespace().eq(value.split_whitespace()) => None,
        Some(now) => {
            let shared = step.is_shared();
            let host = Owner::host();
            let owner = if shared { &host } else { owner };
            let found = Finding::new(owner, object, value, now);
            let follows = broken || (shared && host::follows(known, key));
            Some(found.mended([Action::Do(step.clone())]).following(follows))
        }
        // It has gone with its device, has moved with it, or is beyond this kernel.
        None if broken && (known.facts.host.ipv6 || !key.starts_with("net/ipv6/")) && !renamed => {
            Some(missing(owner, object, value, step).following(true))
        }
        None => None,
    }
}

/// `eth0` of `net/ipv4/conf/eth0/forwarding`.
fn device_of(key: &str) -> Option<&str> {
    let mut parts = key.split('/').skip_while(|part| !matches!(*part, "conf" | "neigh"));
    parts.next()?;
    parts.next().filter(|dev| !matches!(*dev, "all" | "default"))
}
