//! The lines that are found: by the library's own lists, and by `ip`, `nft` and the file system.

use std::collections::BTreeMap;
use std::path::Path;

use netberth::Netberth;
use netberth::model::Filter;
use netberth::model::view::EndpointView;
use serde_json::Value;

use super::super::common::sh;
use super::expect::{V4, V6};
use super::ops::GIVEN;
use super::state::{Port, Where};

/// What `ip` is asked in each namespace: one process for both.
pub(crate) const QUESTIONS: &str = "addr show\nroute show table all default\n";
const MARK: &str = "%%%";

/// A namespace that is asked, and what it answers.
struct Answer {
    container: String,
    links: Value,
    routes: Value,
}

pub(crate) fn picture(netberth: &Netberth, directory: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    told(netberth, directory, &mut lines);
    for one in netberth.verify().unwrap().differences {
        // Of the host: where bridges call `ip6tables`.
        if !one.object.contains("bridge-nf-call") {
            lines.push(format!("verify {}: {} instead of {}", one.object, one.found, one.expected));
        }
    }
    kernel(netberth, directory, &mut lines);
    files(netberth, directory, &mut lines);
    // The default network's device is named after its id.
    let bridge = netberth.network("bridge", true).unwrap().options.unwrap().bridge;
    if !bridge.is_empty() {
        for line in &mut lines {
            *line = line.replace(&bridge, "br-bridge");
        }
    }
    lines.sort();
    lines
}

fn full(one: &EndpointView) -> String {
    format!("{}/{}", one.network, one.name)
}

fn told(netberth: &Netberth, directory: &Path, lines: &mut Vec<String>) {
    let networks = netberth.networks(&Filter::all(), false).unwrap();
    let names: Vec<&str> = networks.iter().map(|one| one.name.as_str()).collect();
    lines.push(format!("told networks {names:?}"));
    let services = netberth.services(&Filter::all(), false).unwrap();
    lines.push(format!("told services {:?}", services.iter().map(full).collect::<Vec<_>>()));
    for network in &networks {
        for one in netberth.endpoints(&network.id, &Filter::all(), true).unwrap() {
            let name = full(&one);
            let more = one.more.unwrap();
            let mut words = vec![format!("told endpoint {name} {:?}", more.addresses)];
            for port in more.port_mapping {
                let ends = (port.host_port, port.host_port_end.unwrap_or(port.host_port));
                let (proto, local) = (port.proto.to_string(), port.host_ip.is_some());
                words.push(Port::text(&proto, local, ends, port.port));
            }
            if let Some(container) = more.container {
                words.push(format!("joined {container} {}", more.interface.unwrap_or_default()));
            }
            for backend in more.backends.unwrap_or_default() {
                let (state, place) = (backend.state.unwrap(), backend.addresses.unwrap());
                words.push(format!("backend {} {state} {place:?}", backend.id));
            }
            lines.push(words.join(" "));
        }
    }
    let sandboxes = netberth.sandboxes().unwrap();
    for one in &sandboxes {
        let given = |given: &usize| one.key == directory.join(format!("given{given}"));
        let at = match (0..GIVEN).find(given) {
            Some(given) if !one.owned => Some(Where::Given(given)),
            _ if one.owned => Some(Where::Own),
            _ if one.key == directory.join("run/netns/default") => Some(Where::Host),
            _ => None,
        };
        let at = at.map_or_else(|| one.key.display().to_string(), |at| format!("{at:?}"));
        let names: Vec<String> = one.endpoints.iter().map(full).collect();
        lines.push(format!("told sandbox {} {at} {names:?}", one.container_id));
    }
    let names: Vec<&str> = sandboxes.iter().map(|one| one.container_id.as_str()).collect();
    lines.push(format!("told sandboxes {names:?}"));
}

/// One shell for all: starting programs is most of what a step costs.
fn kernel(netberth: &Netberth, directory: &Path, lines: &mut Vec<String>) {
    let ask = format!("ip -j -d -batch {}/questions", directory.display());
    let rules = format!("echo {MARK}; nft -j 'list tables; list sets inet; list maps inet'");
    let mut script = vec![ask.clone(), rules];
    let in_host = directory.join("run/netns/default");
    let mut containers = Vec::new();
    for one in netberth.sandboxes().unwrap().into_iter().filter(|one| one.key != in_host) {
        script.push(format!("echo {MARK}; nsenter --net={} {ask}", one.key.display()));
        containers.push(one.container_id);
    }
    let said = sh(&script.join("; "));
    let mut parts = said.split(MARK);
    let host = answer(String::new(), parts.next().unwrap());
    let rules = parts.next().unwrap();
    let mut ends = of_host(&host, lines);
    for (container, part) in containers.into_iter().zip(parts) {
        of_container(&answer(container, part), &mut ends, lines);
    }
    lines.extend(ends.into_values().map(|(name, bridge)| format!("a port of {bridge}: {name}")));
    let mut counts = BTreeMap::new();
    for document in serde_json::Deserializer::from_str(rules).into_iter::<Value>() {
        for object in list(&document.unwrap()["nftables"]) {
            if let Some(name) = object["table"]["name"].as_str() {
                lines.push(format!("table {name}"));
            }
            elements_of(&object["set"], &mut counts);
            elements_of(&object["map"], &mut counts);
        }
    }
    lines.extend(counts.into_iter().map(|(line, count)| {
        if line.contains("slot") {
            format!("nft {line} times {count}")
        } else {
            format!("nft {line}")
        }
    }));
}

fn answer(container: String, text: &str) -> Answer {
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let mut next = || documents.next().map_or(Value::Null, Result::unwrap);
    Answer { container, links: next(), routes: next() }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Addresses that are not the kernel's own.
fn addresses(link: &Value) -> Vec<String> {
    let mut all = Vec::new();
    for v6 in [V4, V6] {
        let family = if v6 { "inet6" } else { "inet" };
        let own = list(&link["addr_info"]).iter();
        let own = own.filter(|one| one["family"] == family && one["scope"] != "link");
        all.extend(
            own.map(|one| format!("{}/{}", one["local"].as_str().unwrap(), one["prefixlen"])),
        );
    }
    all
}

/// Bridges, and the host ends of containers by number: name and bridge.
fn of_host(answer: &Answer, lines: &mut Vec<String>) -> BTreeMap<u64, (String, String)> {
    let mut ends = BTreeMap::new();
    for link in list(&answer.links) {
        let name = link["ifname"].as_str().unwrap();
        match (link["linkinfo"]["info_kind"].as_str(), link["master"].as_str()) {
            (Some("bridge"), _) => lines.push(format!("host {name} {:?}", addresses(link))),
            (Some("veth"), Some(bridge)) => {
                let index = link["ifindex"].as_u64().unwrap();
                ends.insert(index, (name.to_owned(), bridge.to_owned()));
            }
            // One that is plugged in nowhere and down waits for the kernel to clear it away.
            (Some("veth"), None) if link["flags"].to_string().contains("\"UP\"") => {
                lines.push(format!("host {name} hangs in the air"));
            }
            _ => {}
        }
    }
    ends
}

fn of_container(
    answer: &Answer,
    ends: &mut BTreeMap<u64, (String, String)>,
    lines: &mut Vec<String>,
) {
    let container = &answer.container;
    for link in list(&answer.links).iter().filter(|link| link["ifname"] != "lo") {
        if link["linkinfo"]["info_kind"] != "veth" {
            continue;
        }
        let end = link["link_index"].as_u64().and_then(|index| ends.remove(&index));
        let bridge = end.map_or("nowhere".to_owned(), |(_, bridge)| bridge);
        let (name, mac) = (link["ifname"].as_str().unwrap(), link["address"].as_str().unwrap());
        lines.push(format!("{container} {name} at {bridge} {mac} {:?}", addresses(link)));
        if !link["flags"].to_string().contains("\"UP\"") {
            lines.push(format!("{container} {name} is down"));
        }
    }
    for route in list(&answer.routes).iter().filter(|route| route["gateway"].is_string()) {
        let (gateway, dev) = (route["gateway"].as_str().unwrap(), route["dev"].as_str().unwrap());
        lines.push(format!("{container} default via {gateway} {dev}"));
    }
}

/// The elements of a set as `nft` writes them; the slots of a service as one, counted.
fn elements_of(set: &Value, counts: &mut BTreeMap<String, usize>) {
    let name = set["name"].as_str().unwrap_or_default();
    for element in list(&set["elem"]) {
        let (key, data) = match element.as_array().map(Vec::as_slice) {
            Some([key, data]) => (words(key), format!(" : {}", words(data).join(" . "))),
            _ => (words(element), String::new()),
        };
        let kept = if name.contains("slot") { key.len() - 1 } else { key.len() };
        *counts.entry(format!("{name} {}{data}", key[..kept].join(" . "))).or_default() += 1;
    }
}

fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Number(number) => vec![number.to_string()],
        Value::Object(map) => match map.iter().next() {
            Some((key, parts)) if key == "concat" => list(parts).iter().flat_map(words).collect(),
            Some((key, ends)) if key == "range" => {
                vec![list(ends).iter().flat_map(words).collect::<Vec<_>>().join("-")]
            }
            Some((key, verdict)) => {
                vec![format!("{key} {}", verdict["target"].as_str().unwrap_or("?"))]
            }
            None => Vec::new(),
        },
        other => vec![other.to_string()],
    }
}

/// Every file in the two directories, what is mounted, and whom each hosts file knows.
fn files(netberth: &Netberth, directory: &Path, lines: &mut Vec<String>) {
    let names = |path: &Path| -> Vec<String> {
        let entries = std::fs::read_dir(path).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let sandboxes = directory.join("run/sandboxes");
    for container in names(&sandboxes) {
        let files = names(&sandboxes.join(&container));
        lines.extend(files.iter().map(|file| format!("file {container}/{file}")));
    }
    let netns = directory.join("run/netns");
    let mounts = std::fs::read_to_string("/proc/thread-self/mountinfo").unwrap();
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(4));
    let mounted: Vec<&Path> =
        points.filter_map(|point| Path::new(point).strip_prefix(&netns).ok()).collect();
    lines.extend(mounted.iter().map(|name| format!("mounted {}", name.display())));
    let unused = names(&netns).into_iter().filter(|name| !mounted.contains(&Path::new(name)));
    lines.extend(unused.map(|name| format!("nothing is mounted at {name}")));
    for sandbox in netberth.sandboxes().unwrap() {
        let text = std::fs::read_to_string(&sandbox.hosts_path).unwrap();
        let local = ["127.0.0.1\t", "::1\t", "fe00::", "ff0"];
        for line in text.lines().filter(|line| !local.iter().any(|start| line.starts_with(start))) {
            lines.push(format!("{} knows {}", sandbox.container_id, line.replace('\t', " ")));
        }
    }
}
