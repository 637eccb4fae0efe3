//! What of the host's settings keeps networks from working.

use super::finding::{Action, Finding};
use super::{Known, of_host};
use crate::model::Ns;
use crate::plan::Step;

const FORWARD4: &str = "net/ipv4/ip_forward";
const FORWARD6: &str = "net/ipv6/conf/all/forwarding";
const BRIDGED6: &str = "net/bridge/bridge-nf-call-ip6tables";

pub(super) fn sysctls() -> Vec<String> {
    [FORWARD4, FORWARD6, BRIDGED6].map(str::to_owned).into()
}

/// Whether a setting is told of here, with what comes of it.
pub(super) fn tells(key: &str) -> bool {
    key == FORWARD4 || key == FORWARD6
}

/// Whether the kernel changed a setting because another was changed, which is told: a write to
/// `ip_forward` sets `accept_redirects` of `all` to its opposite (`inet_forward_change`).
pub(super) fn follows(known: &Known<'_>, key: &str) -> bool {
    let off = known.facts.sysctls.get(FORWARD4).is_some_and(|value| value == "0");
    key == "net/ipv4/conf/all/accept_redirects" && off
}

/// A verb that was interrupted is finished or undone by the next one that changes something.
pub(super) fn unfinished(known: &Known<'_>) -> Vec<Finding> {
    let one = |doing: &String| {
        of_host(doing.clone(), "finished or undone", "interrupted: the next change sees to it")
            .into()
    };
    known.unfinished.iter().map(one).collect()
}

pub(super) fn forwarding(known: &Known<'_>) -> Vec<Finding> {
    let ipv6 = known.networks.iter().any(|network| network.options.ipv6);
    let needed = [(FORWARD4, !known.networks.is_empty()), (FORWARD6, ipv6)];
    let off = |key: &str| known.facts.sysctls.get(key).is_some_and(|value| value == "0");
    let off = needed.into_iter().filter(|(key, needed)| *needed && off(key));
    let finding = |key: &str| {
        let (ns, key, value) = (Ns::Host, key.to_owned(), "1".to_owned());
        let found = of_host(format!("sysctl {key}"), "1", "0: containers reach nobody");
        Finding::from(found).mended([Action::Do(Step::Sysctl { ns, key, value, before: None })])
    };
    off.map(|(key, _)| finding(key)).collect()
}

/// With `br_netfilter` an answer to `::1` has that address again on the bridge, before it is routed,
/// and the kernel takes it from no wire.
pub(super) fn bridge_filter(known: &Known<'_>) -> Vec<Finding> {
    let networks = known.networks.iter().filter(|network| network.options.ipv6);
    let names: Vec<&str> = networks.map(|network| network.name.as_str()).collect();
    let on = known.facts.sysctls.get(BRIDGED6).is_some_and(|value| value == "1");
    if !on || names.is_empty() {
        return Vec::new();
    }
    let found = format!("1: ports published on ::1 do not answer: {}", names.join(", "));
    vec![of_host(format!("sysctl {BRIDGED6}"), "0", &found).into()]
}
