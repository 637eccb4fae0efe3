//! What of the host's settings keeps networks from working.

use super::{Known, of_host};
use crate::model::{Difference, Network};

const FORWARD4: &str = "net/ipv4/ip_forward";
const FORWARD6: &str = "net/ipv6/conf/all/forwarding";
const BRIDGED4: &str = "net/bridge/bridge-nf-call-iptables";
const BRIDGED6: &str = "net/bridge/bridge-nf-call-ip6tables";

pub(super) fn sysctls() -> Vec<String> {
    [FORWARD4, FORWARD6, BRIDGED4, BRIDGED6].map(str::to_owned).into()
}

/// A verb that was interrupted is finished or undone by the next one that changes something.
pub(super) fn unfinished(known: &Known<'_>) -> Vec<Difference> {
    let one = |doing: &String| {
        of_host(doing.clone(), "finished or undone", "interrupted: the next change sees to it")
    };
    known.unfinished.iter().map(one).collect()
}

pub(super) fn forwarding(known: &Known<'_>) -> Vec<Difference> {
    let ipv6 = known.networks.iter().any(|network| network.options.ipv6);
    let needed = [(FORWARD4, !known.networks.is_empty()), (FORWARD6, ipv6)];
    let off = |key: &str| known.facts.sysctls.get(key).is_some_and(|value| value == "0");
    let off = needed.into_iter().filter(|(key, needed)| *needed && off(key));
    off.map(|(key, _)| of_host(format!("sysctl {key}"), "1", "0: containers reach nobody")).collect()
}

/// With `br_netfilter` an answer between two ports of a bridge has its address translated back on
/// the bridge, before it is routed.
pub(super) fn bridge_filter(known: &Known<'_>) -> Vec<Difference> {
    let names = |which: fn(&&Network) -> bool| -> String {
        let names: Vec<&str> =
            known.networks.iter().filter(which).map(|network| network.name.as_str()).collect();
        names.join(", ")
    };
    let icc = "ports published by containers of networks without icc are not reached by siblings";
    let mut all = Vec::new();
    let mut check = |key: &str, cases: &[(&str, String)]| {
        let on = known.facts.sysctls.get(key).is_some_and(|value| value == "1");
        let told: Vec<String> = cases
            .iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(what, names)| format!("{what}: {names}"))
            .collect();
        if on && !told.is_empty() {
            let found = format!("1: {}", told.join("; "));
            all.push(of_host(format!("sysctl {key}"), "0", &found));
        }
    };
    check(BRIDGED4, &[(icc, names(|network| !network.options.icc))]);
    let wire = "ports published on ::1 do not answer";
    check(
        BRIDGED6,
        &[
            (wire, names(|network| network.options.ipv6)),
            (icc, names(|network| network.options.ipv6 && !network.options.icc)),
        ],
    );
    all
}
