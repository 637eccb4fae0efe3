//! What is there and nobody recorded: on netberth's bridges, on containers' interfaces.

use std::collections::HashSet;

use ipnet::IpNet;

use super::finding::{Action, Finding};
use super::steps::within;
use super::view::View;
use super::{Known, NOTHING};
use crate::model::Owner;
use crate::plan::{Ns, Step};

const HOST: &Ns = &Ns::Host;

pub(super) fn check<'a>(known: &Known<'a>, view: &View<'a>) -> Vec<Finding> {
    let mut found = Vec::new();
    let addresses = recorded_addresses(known);
    for record in known.records {
        for done in &record.steps {
            match &done.step {
                Step::Bridge { name, .. } => {
                    found.extend(others(view, &record.owner, (HOST, name), &addresses));
                }
                Step::Veth { ns, peer, .. } => {
                    found.extend(others(view, &record.owner, (ns, peer), &addresses));
                }
                _ => {}
            }
        }
    }
    found.extend(ports(known, view));
    found
}

type Addresses<'a> = HashSet<(&'a Ns, &'a str, IpNet)>;

fn recorded_addresses<'a>(known: &Known<'a>) -> Addresses<'a> {
    let steps = known.records.iter().flat_map(|record| &record.steps);
    let address = |step: &'a Step| match step {
        Step::Address { ns, dev, address, .. } => Some((ns, dev.as_str(), *address)),
        _ => None,
    };
    steps.filter_map(|done| address(&done.step)).collect()
}

/// Addresses of a device of netberth's that it did not give.
fn others<'a>(
    view: &View<'a>,
    owner: &Owner,
    (ns, dev): (&'a Ns, &'a str),
    recorded: &Addresses<'a>,
) -> Vec<Finding> {
    let (Some(seen), Some(link)) = (view.space(ns), view.link(ns, dev)) else { return Vec::new() };
    let here = seen.addresses.iter().filter(|one| one.index == link.index);
    let foreign = here.filter(|one| !recorded.contains(&(ns, dev, one.address)));
    let finding = |address: IpNet| {
        let step =
            Step::Address { ns: ns.clone(), dev: link.name.clone(), address, noprefixroute: false };
        let object = within(ns, format!("address {address} dev {dev}"));
        Finding::new(owner, object, NOTHING, "an address that netberth did not give")
            .mended([Action::Undo(step)])
    };
    foreign.map(|one| finding(one.address)).collect()
}

/// Ports of netberth's bridges that lead to no container.
fn ports<'a>(known: &Known<'a>, view: &View<'a>) -> Vec<Finding> {
    let Some(host) = view.space(HOST) else { return Vec::new() };
    let steps = || known.records.iter().flat_map(|record| &record.steps);
    let ends: HashSet<&str> = steps()
        .filter_map(|done| match &done.step {
            Step::Veth { name, .. } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    let mut found = Vec::new();
    for record in known.records {
        for done in &record.steps {
            let Step::Bridge { name, .. } = &done.step else { continue };
            let Some(bridge) = view.link(HOST, name) else { continue };
            let ports = host.links.iter().filter(|link| link.master == Some(bridge.index));
            for port in ports.filter(|port| !ends.contains(port.name.as_str())) {
                let object = format!("link {}", port.name);
                let step = Step::Veth {
                    name: port.name.clone(),
                    bridge: name.clone(),
                    mtu: port.mtu,
                    ns: Ns::Host,
                    peer: String::new(),
                    mac: port.mac.clone(),
                };
                found.push(if is_ours(&port.name) {
                    let what = "a container's that is no more";
                    Finding::new(&record.owner, object, NOTHING, what).mended([Action::Undo(step)])
                } else {
                    let what = format!("a port of {name} that netberth did not make");
                    let leave = Step::Link {
                        ns: Ns::Host,
                        dev: port.name.clone(),
                        name: None,
                        mac: None,
                        mtu: None,
                        master: Some(String::new()),
                    };
                    Finding::new(&record.owner, object, "no master", &what)
                        .mended([Action::Do(leave)])
                });
            }
        }
    }
    found
}

/// `nb` and twelve hexadecimal digits: a name that only netberth gives. On a bridge of ours it is ours;
/// elsewhere it may be that of another state directory.
pub(crate) fn is_ours(name: &str) -> bool {
    let digits = name.strip_prefix("nb").filter(|digits| digits.len() == 12);
    digits.is_some_and(|digits| {
        digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    })
}
