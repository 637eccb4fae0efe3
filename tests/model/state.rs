//! What should be, in plain lists: who exists, who is joined where, who has which address and port.

use netberth::Kind;

use super::ops::{CREATED, FIRST, LAST, LAYOUTS, Layout, Op, Ports, Spec};

/// The first of the kernel's local port range, as it is in a new namespace.
const FIRST_LOCAL: u16 = 32768;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Plain,
    /// By which way it finds a back end: `turn0`, `random`, `source`.
    Service(&'static str, Option<usize>),
    Member,
}

#[derive(Clone, Debug)]
pub(crate) struct Network {
    pub(crate) layout: &'static Layout,
    pub(crate) up: bool,
    /// The number that was given out last, of either family.
    pub(crate) last: [Option<u32>; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Port {
    pub(crate) udp: bool,
    pub(crate) local: bool,
    pub(crate) first: u16,
    pub(crate) last: u16,
    /// In the container.
    pub(crate) to: u16,
}

impl Port {
    fn clashes(self, other: Port) -> bool {
        // On 127.0.0.1 or on all, which is on 127.0.0.1 too.
        self.udp == other.udp && self.first <= other.last && other.first <= self.last
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backend {
    pub(crate) container: &'static str,
    pub(crate) place: usize,
    pub(crate) draining: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) id: usize,
    pub(crate) network: &'static str,
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) v4: Option<u32>,
    pub(crate) v6: Option<u32>,
    pub(crate) ports: Vec<Port>,
    pub(crate) alias: bool,
    pub(crate) priority: i64,
    /// The container, and its interface.
    pub(crate) joined: Option<(&'static str, &'static str)>,
    pub(crate) backends: Vec<Backend>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    Own,
    Given(usize),
    Host,
}

#[derive(Clone, Debug)]
pub(crate) struct Sandbox {
    pub(crate) container: &'static str,
    pub(crate) at: Where,
    /// Endpoints in order of joining.
    pub(crate) legs: Vec<usize>,
}

impl Sandbox {
    pub(crate) fn is_given(&self, given: usize) -> bool {
        self.at == Where::Given(given)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) networks: Vec<Network>,
    /// In order of creation, as the others.
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) sandboxes: Vec<Sandbox>,
    next_id: usize,
    next_automatic: u16,
}

type Result<T = ()> = std::result::Result<T, Kind>;

/// What a call said: `ok`, or the name of an error; for each join of many.
pub(crate) fn said(result: Result) -> String {
    result.map_or_else(|kind| kind.name().to_owned(), |()| "ok".to_owned())
}

impl Model {
    pub(crate) fn new() -> Model {
        let there = LAYOUTS[CREATED..].iter();
        let network = |layout| Network { layout, up: false, last: [None, None] };
        let mut networks: Vec<Network> = there.map(network).collect();
        // In the order in which the first open defines them.
        networks.rotate_left(1);
        Model {
            networks,
            endpoints: Vec::new(),
            sandboxes: Vec::new(),
            next_id: 0,
            next_automatic: FIRST_LOCAL,
        }
    }

    /// What a call does, and what it must say. A call that fails changes nothing.
    pub(crate) fn play(&mut self, op: &Op) -> String {
        match op {
            Op::JoinMany(false, items) => {
                let each = items.iter().map(|item| said(self.whole(|next| next.join_new(item))));
                each.collect::<Vec<String>>().join(" ")
            }
            Op::JoinMany(true, items) => {
                let all = |next: &mut Model| items.iter().try_for_each(|item| next.join_new(item));
                said(self.whole(all))
            }
            Op::Die(given) => {
                let dead = self.sandboxes.iter().filter(|one| one.is_given(*given));
                let dead: Vec<&str> = dead.map(|one| one.container).collect();
                for container in &dead {
                    self.end(container);
                }
                format!("{dead:?}")
            }
            Op::Gc => "[]".to_owned(),
            Op::Repair(_) | Op::Reopen => "ok".to_owned(),
            op => said(self.whole(|next| next.verb(op))),
        }
    }

    fn whole(&mut self, verb: impl FnOnce(&mut Model) -> Result) -> Result {
        let mut next = self.clone();
        verb(&mut next)?;
        *self = next;
        Ok(())
    }

    fn verb(&mut self, op: &Op) -> Result {
        match *op {
            Op::NetworkCreate(index) => self.network_create(index),
            Op::NetworkDelete(name) => self.network_delete(name),
            Op::EndpointCreate(network, spec) => self.create(network, &spec, Role::Plain).map(drop),
            Op::EndpointDelete(network, name, force) => {
                let endpoint = self.endpoint(network, name)?;
                self.delete(endpoint, force)
            }
            Op::Join(network, name, joiner) => {
                let endpoint = self.endpoint(network, name)?;
                self.join_or_attach(endpoint, joiner)
            }
            Op::Detach(network, name, container) => {
                let endpoint = self.endpoint(network, name)?;
                self.detach(endpoint, container)
            }
            Op::SandboxDelete(container) => {
                let known = self.sandboxes.iter().any(|one| one.container == container);
                self.end(container);
                if known { Ok(()) } else { Err(Kind::NotFound) }
            }
            Op::Publish(network, spec, balance) => {
                let turns = self.endpoints.iter().filter_map(|one| match one.role {
                    Role::Service(_, turn) => turn,
                    _ => None,
                });
                let turns: Vec<usize> = turns.collect();
                let turn = (0..8).find(|turn| !turns.contains(turn));
                let turn = turn.filter(|_| balance == "round-robin");
                self.create(network, &spec, Role::Service(balance, turn)).map(drop)
            }
            Op::Attach(name, joiner) => {
                let service = self.service(name)?;
                self.join_or_attach(service, joiner)
            }
            Op::ServiceDetach(name, container, drain) => {
                let service = self.service(name)?;
                if self.at(service).role == Role::Plain {
                    return if drain {
                        Err(Kind::Invalid)
                    } else {
                        self.detach(service, container)
                    };
                }
                self.leave(service, container, drain)
            }
            Op::Unpublish(name, force) => {
                let service = self.service(name)?;
                self.delete(service, force)
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn network(&self, name: &str) -> Result<&Network> {
        self.networks.iter().find(|one| one.layout.name == name).ok_or(Kind::NotFound)
    }

    pub(crate) fn at(&self, id: usize) -> &Endpoint {
        self.endpoints.iter().find(|one| one.id == id).unwrap()
    }

    pub(crate) fn at_mut(&mut self, id: usize) -> &mut Endpoint {
        self.endpoints.iter_mut().find(|one| one.id == id).unwrap()
    }

    fn endpoint(&self, network: &str, name: &str) -> Result<usize> {
        self.network(network)?;
        let is = |one: &&Endpoint| {
            (one.network, one.name) == (network, name) && one.role != Role::Member
        };
        self.endpoints.iter().find(is).map(|one| one.id).ok_or(Kind::NotFound)
    }

    /// A name that networks share means nobody.
    fn service(&self, name: &str) -> Result<usize> {
        let is = |one: &&Endpoint| one.name == name && one.role != Role::Member;
        let found: Vec<usize> = self.endpoints.iter().filter(is).map(|one| one.id).collect();
        match found[..] {
            [] => Err(Kind::NotFound),
            [one] => Ok(one),
            _ => Err(Kind::Invalid),
        }
    }

    fn network_create(&mut self, index: usize) -> Result {
        let layout = &LAYOUTS[index];
        let taken = self.networks.iter().any(|one| one.layout.name == layout.name);
        let overlaps = self.networks.iter().any(|one| one.layout.v4 == layout.v4);
        if taken || overlaps {
            return Err(Kind::Exists);
        }
        self.networks.push(Network { layout, up: true, last: [None, None] });
        Ok(())
    }

    fn network_delete(&mut self, name: &str) -> Result {
        self.network(name)?;
        if LAYOUTS[CREATED..].iter().any(|layout| layout.name == name) {
            return Err(Kind::Denied);
        }
        if self.endpoints.iter().any(|one| one.network == name) {
            return Err(Kind::InUse);
        }
        self.networks.retain(|one| one.layout.name != name);
        Ok(())
    }

    pub(crate) fn create(&mut self, on: &str, spec: &Spec, role: Role) -> Result<usize> {
        if role != Role::Member && self.endpoint(on, spec.name).is_ok() {
            return Err(Kind::Exists);
        }
        let layout = self.network(on)?.layout;
        let v4 = self.allot_v4(layout, spec.fixed)?;
        let v6 = layout.v6.is_some().then(|| self.next(layout.name, true, 2, u32::MAX));
        let v6 = v6.map(|found| found.ok_or(Kind::Exhausted)).transpose()?;
        let ports = self.allot_ports(layout, spec.ports)?;
        let network = self.networks.iter_mut().find(|one| one.layout.name == on).unwrap();
        network.up = !layout.v4.is_empty();
        network.last = [v4.filter(|_| spec.fixed.is_none()).or(network.last[0]), v6];
        let id = self.next_id;
        self.next_id += 1;
        let (network, name, alias, priority) = (layout.name, spec.name, spec.alias, spec.priority);
        let (joined, backends) = (None, Vec::new());
        let endpoint =
            Endpoint { id, network, name, role, v4, v6, ports, alias, priority, joined, backends };
        self.endpoints.push(endpoint);
        Ok(id)
    }

    fn allot_v4(&self, layout: &Layout, fixed: Option<u32>) -> Result<Option<u32>> {
        if layout.v4.is_empty() {
            return if fixed.is_some() { Err(Kind::Invalid) } else { Ok(None) };
        }
        let (first, last) = (layout.base + 2, layout.base + (1 << (32 - layout.length)) - 2);
        let Some(fixed) = fixed else {
            return self.next(layout.name, false, first, last).map(Some).ok_or(Kind::Exhausted);
        };
        let wanted = layout.base + fixed;
        let mut of_network = self.endpoints.iter().filter(|one| one.network == layout.name);
        if wanted < first || of_network.any(|one| one.v4 == Some(wanted)) {
            return Err(Kind::Exists);
        }
        Ok(Some(wanted))
    }

    /// The next free number after the last one that was given out.
    fn next(&self, network: &str, v6: bool, first: u32, last: u32) -> Option<u32> {
        let of_network = self.endpoints.iter().filter(|one| one.network == network);
        let taken: Vec<_> = of_network.filter_map(|one| if v6 { one.v6 } else { one.v4 }).collect();
        let before = self.network(network).ok()?.last[usize::from(v6)];
        let start = before.map_or(first, |before| before + 1);
        (start..=last).chain(first..start).find(|number| !taken.contains(number))
    }

    fn allot_ports(&mut self, layout: &Layout, wanted: Ports) -> Result<Vec<Port>> {
        if wanted != Ports::Nothing && (layout.internal || layout.v4.is_empty()) {
            return Err(Kind::Invalid);
        }
        let one = |first: u16| Port { udp: false, local: false, first, last: first, to: 80 };
        let taken = |port: Port| {
            self.endpoints.iter().any(|one| one.ports.iter().any(|other| other.clashes(port)))
        };
        let fixed = |port: Port| if taken(port) { Err(Kind::Exists) } else { Ok(vec![port]) };
        match wanted {
            Ports::Nothing => Ok(Vec::new()),
            Ports::Tcp(port) => fixed(one(port)),
            Ports::Udp(port) => fixed(Port { udp: true, ..one(port) }),
            Ports::Local(port) => fixed(Port { local: true, ..one(port) }),
            Ports::Span => fixed(Port { last: LAST, to: FIRST, ..one(FIRST) }),
            Ports::Twice(_) => Err(Kind::Exists),
            Ports::OneOf => {
                let free = (FIRST..=LAST).map(one).find(|port| !taken(*port));
                free.map(|port| vec![port]).ok_or(Kind::Exhausted)
            }
            Ports::Automatic => {
                let port = one(self.next_automatic);
                self.next_automatic += 1;
                Ok(vec![port])
            }
        }
    }
}
