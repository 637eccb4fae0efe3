//! Bridges, and the pairs that lead from them into containers.

use super::finding::{Action, Finding};
use super::steps::{missing, within};
use super::view::View;
use crate::model::Owner;
use crate::plan::{Ns, SeenLink, Step};

const HOST: &Ns = &Ns::Host;

/// What becomes of a link that is there.
fn change(ns: &Ns, dev: &str) -> Change {
    Change { ns: ns.clone(), dev: dev.to_owned(), name: None, mac: None, mtu: None, master: None }
}

struct Change {
    ns: Ns,
    dev: String,
    name: Option<String>,
    mac: Option<String>,
    mtu: Option<u32>,
    master: Option<String>,
}

impl Change {
    fn mend(self) -> Action {
        let Change { ns, dev, name, mac, mtu, master } = self;
        Action::Do(Step::Link { ns, dev, name, mac, mtu, master })
    }
}

pub(super) fn bridge<'a>(view: &mut View<'a>, owner: &Owner, step: &'a Step) -> Option<Finding> {
    let Step::Bridge { name, mac, mtu } = step else { return None };
    let object = format!("link {name}");
    let host = view.space(HOST)?;
    let Some(link) = host.link(name) else {
        let same = |link: &&SeenLink| link.kind == "bridge" && link.mac == *mac;
        if let Some(renamed) = host.links.iter().find(same) {
            view.rename(HOST, name, &renamed.name);
            let found = format!("it is named {}", renamed.name);
            let back = Change { name: Some(name.clone()), ..change(HOST, &renamed.name) };
            let finding = Finding::new(owner, object, "a bridge of that name", &found);
            return Some(finding.mended([back.mend()]));
        }
        view.breaks(HOST, name);
        let expected = format!("bridge address {mac} mtu {mtu}");
        return Some(missing(owner, object, &expected, step));
    };
    if link.kind != "bridge" {
        view.breaks(HOST, name);
        let found = "a device of another kind: give it another name, then repair";
        return Some(Finding::new(owner, object, "a bridge", found));
    }
    let (expected, found, mend) = properties(HOST, link, mac, *mtu)?;
    Some(Finding::new(owner, object, &expected, &found).mended([mend]))
}

/// Address and MTU where they are others than recorded.
fn properties(ns: &Ns, link: &SeenLink, mac: &str, mtu: u32) -> Option<(String, String, Action)> {
    let (mut expected, mut found, mut back) = (Vec::new(), Vec::new(), change(ns, &link.name));
    if !mac.is_empty() && link.mac != mac {
        expected.push(format!("address {mac}"));
        found.push(format!("address {}", link.mac));
        back.mac = Some(mac.to_owned());
    }
    if link.mtu != mtu {
        expected.push(format!("mtu {mtu}"));
        found.push(format!("mtu {}", link.mtu));
        back.mtu = Some(mtu);
    }
    (!expected.is_empty()).then(|| (expected.join(" "), found.join(" "), back.mend()))
}

pub(super) fn veth<'a>(view: &mut View<'a>, owner: &Owner, step: &'a Step) -> Vec<Finding> {
    let Step::Veth { name, bridge, mtu, ns, peer, mac } = step else { return Vec::new() };
    // With its namespace it is gone, and that is told.
    let Some(inside) = view.space(ns) else { return Vec::new() };
    let object = format!("link {name}");
    let Some(link) = view.link(HOST, name) else {
        view.breaks(HOST, name);
        view.breaks(ns, peer);
        let expected = format!("veth master {bridge} peer {peer} in {ns}");
        return vec![missing(owner, object, &expected, step)];
    };
    let Some(end) = link.peer.and_then(|index| inside.link_at(index)) else {
        view.breaks(HOST, name);
        view.breaks(ns, peer);
        let expected = format!("peer {peer} in {ns}");
        let mends = [Action::Undo(step.clone()), Action::Do(step.clone())];
        let finding = Finding::new(owner, object, &expected, "its peer is elsewhere");
        return vec![finding.mended(mends)];
    };
    let mut found = Vec::new();
    if end.name != *peer {
        view.rename(ns, peer, &end.name);
        let back = Change { name: Some(peer.clone()), ..change(ns, &end.name) };
        let object = within(ns, format!("link {peer}"));
        let finding = Finding::new(
            owner,
            object,
            &format!("peer of {name}"),
            &format!("it is named {}", end.name),
        );
        found.push(finding.mended([back.mend()]));
    }
    found.extend(enslaved(view, owner, (link, name), bridge));
    if let Some((expected, what, mend)) = properties(HOST, link, "", *mtu) {
        found.push(Finding::new(owner, object, &expected, &what).mended([mend]));
    }
    if let Some((expected, what, mend)) = properties(ns, end, mac, *mtu) {
        let object = within(ns, format!("link {peer}"));
        found.push(Finding::new(owner, object, &expected, &what).mended([mend]));
    }
    found
}

fn enslaved<'a>(
    view: &mut View<'a>,
    owner: &Owner,
    (link, name): (&SeenLink, &'a str),
    bridge: &'a str,
) -> Option<Finding> {
    let master = view.link(HOST, bridge).map(|bridge| bridge.index);
    if master.is_some() && link.master == master {
        return None;
    }
    let follows = master.is_none();
    let host = view.space(HOST)?;
    let found = link
        .master
        .and_then(|index| host.link_at(index))
        .map_or_else(|| "no master".to_owned(), |other| format!("master {}", other.name));
    // Another bridge's port has none of the options of this one's.
    view.breaks(HOST, name);
    let back = Change { master: Some(bridge.to_owned()), ..change(HOST, name) };
    let object = format!("link {name}");
    let finding = Finding::new(owner, object, &format!("master {bridge}"), &found);
    Some(finding.mended([back.mend()]).following(follows))
}

pub(super) fn port<'a>(
    view: &View<'a>,
    owner: &Owner,
    step: &Step,
    name: &'a str,
) -> Option<Finding> {
    let broken = view.is_broken(HOST, name);
    let link = view.link(HOST, name);
    if link.is_some_and(|link| link.hairpin && link.master.is_some()) && !broken {
        return None;
    }
    // A container whose namespace is gone has no port.
    if link.is_none() && !broken {
        return None;
    }
    let object = format!("bridge port {name}");
    let finding = Finding::new(owner, object, "hairpin on", "hairpin off");
    Some(finding.mended([Action::Do(step.clone())]).following(broken))
}
