//! The lines that the model says should be found.

use super::state::{Endpoint, Model, Network, Port, Role, Sandbox, Where};

pub(crate) const V4: bool = false;
pub(crate) const V6: bool = true;
/// How many slots a service has.
const SLOTS: usize = 60;

impl Endpoint {
    /// Its address of a family, as it is written.
    fn address(&self, network: &Network, v6: bool) -> Option<String> {
        let layout = network.layout;
        let v4 = self.v4.map(|number| format!("{}{number}", layout.v4));
        let number = self.v6.map(|number| format!("{}{number:x}", layout.v6.unwrap_or_default()));
        if v6 { number } else { v4 }
    }

    fn addresses(&self, network: &Network) -> Vec<String> {
        [V4, V6].into_iter().filter_map(|v6| self.address(network, v6)).collect()
    }

    fn with_lengths(&self, network: &Network) -> Vec<String> {
        let length = network.layout.length;
        let mut all = Vec::new();
        all.extend(self.address(network, V4).map(|address| format!("{address}/{length}")));
        all.extend(self.address(network, V6).map(|address| format!("{address}/64")));
        all
    }

    /// Made of its IPv4 address.
    fn mac(&self, network: &Network) -> String {
        let address = self.address(network, V4).unwrap_or_default();
        let bytes = address.split('.').map(|byte| format!(":{:02x}", byte.parse::<u8>().unwrap()));
        format!("02:6e{}", bytes.collect::<String>())
    }
}

impl Port {
    fn proto(self) -> &'static str {
        if self.udp { "udp" } else { "tcp" }
    }

    pub(crate) fn text(proto: &str, local: bool, (first, last): (u16, u16), to: u16) -> String {
        let local = if local { "127.0.0.1:" } else { "" };
        format!("{proto} {local}{first}-{last} to {to}")
    }

    /// The map that it is an element of, its key for each port, and where in the container it leads.
    fn elements(self, v6: bool) -> Vec<(&'static str, String, u16)> {
        if self.local {
            let key = format!("127.0.0.1 . {} . {}", self.proto(), self.first);
            return if v6 { Vec::new() } else { vec![("", key, self.to)] };
        }
        let key = |port| format!("{} . {port}", self.proto());
        let ports = self.first..=self.last;
        ports.map(|port| ("_any", key(port), self.to + (port - self.first))).collect()
    }
}

impl Network {
    pub(crate) fn device(&self) -> String {
        format!("br-{}", self.layout.name)
    }

    fn gateways(&self) -> Vec<String> {
        let layout = self.layout;
        let v4 = format!("{}{}", layout.v4, layout.base + 1);
        let v6 = layout.v6.map(|v6| format!("{v6}1"));
        std::iter::once(v4).chain(v6).collect()
    }
}

/// Everything that can be seen, one line each, sorted.
pub(crate) fn picture(model: &Model) -> Vec<String> {
    let mut lines = Vec::new();
    told(model, &mut lines);
    for network in model.networks.iter().filter(|network| network.up) {
        host(network, &mut lines);
    }
    if model.networks.iter().any(|network| network.up) {
        lines.push("table netberth".to_owned());
    }
    for sandbox in &model.sandboxes {
        inside(model, sandbox, &mut lines);
        files(model, sandbox, &mut lines);
    }
    if model.sandboxes.iter().any(|one| one.at == Where::Host) {
        lines.push("mounted default".to_owned());
    }
    let placed: Vec<usize> =
        endpoints(model).flat_map(|(_, one)| &one.backends).map(|b| b.place).collect();
    for (network, endpoint) in endpoints(model) {
        published(network, endpoint, &mut lines);
        service(model, network, endpoint, &mut lines);
        let itself = !endpoint.ports.is_empty() && endpoint.joined.is_some();
        if itself || placed.contains(&endpoint.id) {
            for (family, address) in families(network, endpoint) {
                lines.push(format!("nft self{family} {address} . {address}"));
            }
        }
    }
    lines.sort();
    lines
}

fn endpoints(model: &Model) -> impl Iterator<Item = (&Network, &Endpoint)> {
    model.endpoints.iter().map(|one| (model.network(one.network).unwrap(), one))
}

fn families(network: &Network, endpoint: &Endpoint) -> Vec<(char, String)> {
    let one = |v6| Some((if v6 { '6' } else { '4' }, endpoint.address(network, v6)?));
    [V4, V6].into_iter().filter_map(one).collect()
}

/// What the library says of its nouns.
fn told(model: &Model, lines: &mut Vec<String>) {
    let names: Vec<&str> = model.networks.iter().map(|one| one.layout.name).collect();
    lines.push(format!("told networks {names:?}"));
    let listed = || endpoints(model).filter(|(_, one)| one.role != Role::Member);
    let full = |one: &Endpoint| format!("{}/{}", one.network, one.name);
    let names: Vec<String> = listed().map(|(_, one)| full(one)).collect();
    lines.push(format!("told services {names:?}"));
    for (network, one) in listed() {
        let mut words =
            vec![format!("told endpoint {} {:?}", full(one), one.with_lengths(network))];
        let ports = one.ports.iter();
        words.extend(ports.map(|p| Port::text(p.proto(), p.local, (p.first, p.last), p.to)));
        let joined = one.joined.iter();
        words
            .extend(joined.map(|(container, interface)| format!("joined {container} {interface}")));
        for backend in &one.backends {
            let state = if backend.draining { "draining" } else { "attached" };
            let place = model.at(backend.place).with_lengths(network);
            words.push(format!("backend {} {state} {place:?}", backend.container));
        }
        lines.push(words.join(" "));
    }
    for sandbox in &model.sandboxes {
        let mut names = Vec::new();
        for leg in &sandbox.legs {
            names.extend(Some(model.at(*leg)).filter(|one| one.role != Role::Member).map(full));
            names.extend(model.behind(*leg).into_iter().map(|service| full(model.at(service))));
        }
        lines.push(format!("told sandbox {} {:?} {names:?}", sandbox.container, sandbox.at));
    }
    let names: Vec<&str> = model.sandboxes.iter().map(|one| one.container).collect();
    lines.push(format!("told sandboxes {names:?}"));
}

/// A network in the kernel: its device, and the elements by which the rules know it.
fn host(network: &Network, lines: &mut Vec<String>) {
    let (device, layout) = (network.device(), network.layout);
    let lengths = [layout.length, 64];
    let addresses = network.gateways().into_iter().zip(lengths);
    let addresses: Vec<String> =
        addresses.map(|(address, length)| format!("{address}/{length}")).collect();
    lines.push(format!("host {device} {addresses:?}"));
    lines.push(format!("nft br {device}"));
    let icc = if layout.icc { "icc_on" } else { "icc_off" };
    lines.push(format!("nft pair {device} . {device} : goto {icc}"));
    if layout.internal {
        lines.push(format!("nft br_int {device}"));
    } else if layout.masquerade {
        lines.push(format!("nft br_masq {device}"));
    }
}

/// The interfaces of a container, and by which one its default routes lead.
fn inside(model: &Model, sandbox: &Sandbox, lines: &mut Vec<String>) {
    if sandbox.at == Where::Host {
        return;
    }
    let container = sandbox.container;
    let legs: Vec<&Endpoint> = sandbox.legs.iter().map(|leg| model.at(*leg)).collect();
    let on = |leg: &Endpoint| model.network(leg.network).unwrap();
    for leg in &legs {
        let (network, interface) = (on(leg), leg.joined.unwrap().1);
        if !interface.is_empty() {
            let (device, mac) = (network.device(), leg.mac(network));
            let addresses = leg.with_lengths(network);
            lines.push(format!("{container} {interface} at {device} {mac} {addresses:?}"));
        }
    }
    for v6 in [V4, V6] {
        let carries =
            |leg: &&&Endpoint| leg.address(on(leg), v6).is_some() && !on(leg).layout.internal;
        // Ids are in order of creation.
        let best = legs.iter().filter(carries).min_by_key(|leg| (-leg.priority, leg.id));
        if let Some(leg) = best {
            let gateway = on(leg).gateways().swap_remove(usize::from(v6));
            lines.push(format!("{container} default via {gateway} {}", leg.joined.unwrap().1));
        }
    }
}

/// Its files, and whom its hosts file knows: everybody on its networks.
fn files(model: &Model, sandbox: &Sandbox, lines: &mut Vec<String>) {
    let container = sandbox.container;
    lines.extend(["hosts", "resolv.conf"].map(|file| format!("file {container}/{file}")));
    if sandbox.at == Where::Own {
        lines.push(format!("mounted {container}"));
    }
    let on = |network: &str| sandbox.legs.iter().any(|leg| model.at(*leg).network == network);
    for (network, one) in endpoints(model).filter(|(_, one)| on(one.network)) {
        let name = network.layout.name;
        let known = matches!(one.role, Role::Service(..))
            || (one.role == Role::Plain && one.joined.is_some());
        for address in one.addresses(network).into_iter().filter(|_| known) {
            let alias = if one.alias {
                format!(" also-{0} also-{0}.{name}", one.name)
            } else {
                String::new()
            };
            lines.push(format!("{container} knows {address} {0} {0}.{name}{alias}", one.name));
        }
        for backend in one.backends.iter().filter(|backend| !backend.draining) {
            for address in model.at(backend.place).addresses(network) {
                lines.push(format!(
                    "{container} knows {address} tasks.{0} tasks.{0}.{name}",
                    one.name
                ));
            }
        }
    }
}

/// The ports of a container that is joined.
fn published(network: &Network, endpoint: &Endpoint, lines: &mut Vec<String>) {
    if endpoint.role != Role::Plain || endpoint.joined.is_none() {
        return;
    }
    for (family, address) in families(network, endpoint) {
        for port in &endpoint.ports {
            if port.first != port.last {
                let (proto, first, last) = (port.proto(), port.first, port.last);
                lines.push(format!("nft span{family}_any {proto} . {first}-{last} : {address}"));
                continue;
            }
            for (any, key, to) in port.elements(family == '6') {
                lines.push(format!("nft pub{family}{any} {key} : {address} . {to}"));
            }
        }
    }
}

/// The address of a service, its ports, and who has how many of its slots.
fn service(model: &Model, network: &Network, endpoint: &Endpoint, lines: &mut Vec<String>) {
    let Role::Service(balance, turn) = endpoint.role else { return };
    let way = match (balance, turn) {
        ("round-robin", Some(turn)) => format!("turn{turn}"),
        ("source", _) => "source".to_owned(),
        _ => "random".to_owned(),
    };
    let takers = endpoint.backends.iter().filter(|backend| !backend.draining);
    let takers: Vec<&Endpoint> = takers.map(|backend| model.at(backend.place)).collect();
    for (family, vip) in families(network, endpoint) {
        lines.push(format!("nft vip{family} {vip}"));
        lines.push(format!("nft svc{family} {vip} : jump vip_{way}"));
        let Some(each) = SLOTS.checked_div(takers.len()) else { continue };
        let to = takers.iter().filter_map(|taker| taker.address(network, family == '6'));
        let to: Vec<String> = to.collect();
        lines.extend(to.iter().map(|to| format!("nft slot{family} {vip} : {to} times {each}")));
        for (any, key, port) in endpoint.ports.iter().flat_map(|port| port.elements(family == '6'))
        {
            lines.push(format!("nft psvc{family}{any} {key} : jump svc_{way}"));
            let slots = |to| format!("nft pslot{family}{any} {key} : {to} . {port} times {each}");
            lines.extend(to.iter().map(slots));
        }
    }
}
