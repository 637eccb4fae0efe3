//! What may happen, as data that reads as what was called, and by what chance.

use std::fmt;

use proptest::prelude::*;
use proptest::sample::select;
use proptest_state_machine::ReferenceStateMachine;

use super::state::{Endpoint, Model, Role};

/// What a network is made with; the last three are there from the start.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) name: &'static str,
    /// What the addresses of its one IPv4 subnet have in common; empty without addresses.
    pub(crate) v4: &'static str,
    /// The last byte of that subnet, and its length.
    pub(crate) base: u32,
    pub(crate) length: u32,
    pub(crate) v6: Option<&'static str>,
    pub(crate) internal: bool,
    pub(crate) masquerade: bool,
    pub(crate) icc: bool,
}

const fn layout(name: &'static str, v4: &'static str, base: u32, length: u32) -> Layout {
    Layout { name, v4, base, length, v6: None, internal: false, masquerade: true, icc: true }
}

/// `n1` is full with five endpoints; `n3` overlaps `n0`.
pub(crate) const LAYOUTS: [Layout; 7] = [
    layout("n0", "10.71.0.", 0, 24),
    Layout { v6: Some("fd00:72::"), masquerade: false, ..layout("n1", "10.72.0.", 0, 29) },
    Layout { internal: true, icc: false, ..layout("n2", "10.73.0.", 0, 24) },
    layout("n3", "10.71.0.", 128, 25),
    layout("bridge", "172.17.0.", 0, 24),
    layout("none", "", 0, 0),
    layout("host", "", 0, 0),
];

/// How many of them have to be created first.
pub(crate) const CREATED: usize = 4;
pub(crate) const CONTAINERS: [&str; 4] = ["c0", "c1", "c2", "c3"];
/// How many namespaces there are that are not netberth's.
pub(crate) const GIVEN: usize = 2;
const ENDPOINTS: [&str; 4] = ["e0", "e1", "e2", "e3"];
const SERVICES: [&str; 3] = ["s0", "s1", "e0"];
/// An interface's name that is asked for.
pub(crate) const NAMED: &str = "web0";
/// The host ports that are fought over.
pub(crate) const FIRST: u16 = 8000;
pub(crate) const LAST: u16 = 8002;

/// What is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ports {
    Nothing,
    /// On all addresses.
    Tcp(u16),
    Udp(u16),
    /// On 127.0.0.1.
    Local(u16),
    /// The first that is free of the few.
    OneOf,
    /// All of the few at once, and their numbers kept.
    Span,
    Automatic,
    /// The same one two times.
    Twice(u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spec {
    pub(crate) name: &'static str,
    pub(crate) ports: Ports,
    /// This number in the subnet instead of the next one.
    pub(crate) fixed: Option<u32>,
    pub(crate) alias: bool,
    pub(crate) priority: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Own,
    Given(usize),
}

/// Who joins, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Joiner {
    pub(crate) container: &'static str,
    pub(crate) place: Place,
    /// The interface is to be [`NAMED`].
    pub(crate) named: bool,
}

/// What is done to the host behind netberth's back, before a repair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Harm {
    Elements,
    Table,
    Addresses,
    Link,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Op {
    NetworkCreate(usize),
    NetworkDelete(&'static str),
    EndpointCreate(&'static str, Spec),
    EndpointDelete(&'static str, &'static str, bool),
    Join(&'static str, &'static str, Joiner),
    Detach(&'static str, &'static str, &'static str),
    SandboxDelete(&'static str),
    Publish(&'static str, Spec, &'static str),
    Attach(&'static str, Joiner),
    ServiceDetach(&'static str, &'static str, bool),
    Unpublish(&'static str, bool),
    JoinMany(bool, Vec<(&'static str, Spec, Joiner)>),
    Repair(Option<Harm>),
    Gc,
    /// A namespace that was given ends, and what was in it is collected.
    Die(usize),
    Reopen,
}

impl Op {
    pub(crate) fn verb(&self) -> &'static str {
        match self {
            Op::NetworkCreate(_) => "network create",
            Op::NetworkDelete(_) => "network delete",
            Op::EndpointCreate(..) => "endpoint create",
            Op::EndpointDelete(..) => "endpoint delete",
            Op::Join(..) => "join",
            Op::Detach(..) => "detach",
            Op::SandboxDelete(_) => "sandbox delete",
            Op::Publish(..) => "service publish",
            Op::Attach(..) => "service attach",
            Op::ServiceDetach(..) => "service detach",
            Op::Unpublish(..) => "service unpublish",
            Op::JoinMany(..) => "join many",
            Op::Repair(_) => "repair",
            Op::Gc => "gc",
            Op::Die(_) => "a namespace ends, gc",
            Op::Reopen => "open again",
        }
    }
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let force = |force: &bool| if *force { " --force" } else { "" };
        f.write_str(self.verb())?;
        match self {
            Op::NetworkCreate(index) => write!(f, " {}", LAYOUTS[*index].name),
            Op::NetworkDelete(name) => write!(f, " {name}"),
            Op::EndpointCreate(network, spec) => write!(f, " {network} {spec:?}"),
            Op::EndpointDelete(network, name, yes) => write!(f, " {network} {name}{}", force(yes)),
            Op::Join(network, name, joiner) => write!(f, " {network} {name} {joiner:?}"),
            Op::Detach(network, name, container) => write!(f, " {network} {name} {container}"),
            Op::SandboxDelete(container) => write!(f, " {container}"),
            Op::Publish(network, spec, balance) => write!(f, " {network} {balance} {spec:?}"),
            Op::Attach(service, joiner) => write!(f, " {service} {joiner:?}"),
            Op::ServiceDetach(service, container, drain) => {
                write!(f, " {service} {container}{}", if *drain { " --drain" } else { "" })
            }
            Op::Unpublish(service, yes) => write!(f, " {service}{}", force(yes)),
            Op::JoinMany(atomic, items) => write!(f, ", atomic: {atomic}, {items:?}"),
            Op::Repair(Some(harm)) => write!(f, " what is gone: {harm:?}"),
            Op::Die(given) => write!(f, ": {given}"),
            Op::Repair(None) | Op::Gc | Op::Reopen => Ok(()),
        }
    }
}

fn network() -> impl Strategy<Value = &'static str> {
    let known: Vec<&str> = LAYOUTS.iter().map(|layout| layout.name).collect();
    prop_oneof![30 => select(known), 1 => Just("nowhere")]
}

/// One of those that there are, or seldom any.
fn mostly<T: Clone + fmt::Debug + 'static>(
    there: Vec<T>,
    any: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<T> {
    if there.is_empty() {
        return any.boxed();
    }
    prop_oneof![6 => select(there), 1 => any].boxed()
}

fn joiner() -> impl Strategy<Value = Joiner> + Clone {
    let place = prop_oneof![3 => Just(Place::Own), 1 => (0..GIVEN).prop_map(Place::Given)];
    let parts = (select(&CONTAINERS[..]), place, prop::bool::weighted(0.1));
    parts.prop_map(|(container, place, named)| Joiner { container, place, named })
}

fn spec(names: &'static [&'static str]) -> impl Strategy<Value = Spec> + Clone {
    let port = FIRST..=LAST;
    let ports = prop_oneof![
        5 => Just(Ports::Nothing),
        3 => port.clone().prop_map(Ports::Tcp),
        1 => port.clone().prop_map(Ports::Udp),
        1 => port.clone().prop_map(Ports::Local),
        1 => Just(Ports::OneOf),
        1 => Just(Ports::Span),
        1 => Just(Ports::Automatic),
        1 => port.prop_map(Ports::Twice),
    ];
    let fixed = prop::option::weighted(0.15, 1_u32..5);
    let priority = select(&[0_i64, 0, 5][..]);
    let all = (select(names), ports, fixed, prop::bool::weighted(0.2), priority);
    all.prop_map(|(name, ports, fixed, alias, priority)| Spec {
        name,
        ports,
        fixed,
        alias,
        priority,
    })
}

/// The model as a state machine: which calls may come.
pub(crate) struct Machine;

impl ReferenceStateMachine for Machine {
    type State = Model;
    type Transition = Op;

    fn init_state() -> BoxedStrategy<Model> {
        Just(Model::new()).boxed()
    }

    fn apply(mut model: Model, op: &Op) -> Model {
        model.play(op);
        model
    }

    /// Two containers in one namespace of somebody else's would fight over its default route.
    fn preconditions(model: &Model, op: &Op) -> bool {
        let fits = |joiner: &Joiner| match joiner.place {
            Place::Own => true,
            Place::Given(given) => {
                let known = model.sandboxes.iter().any(|one| one.container == joiner.container);
                let others = model.sandboxes.iter().any(|one| one.is_given(given));
                known || !others
            }
        };
        match op {
            Op::Join(_, _, joiner) | Op::Attach(_, joiner) => fits(joiner),
            _ => true,
        }
    }

    fn transitions(model: &Model) -> BoxedStrategy<Op> {
        let there = There::of(model);
        let Any { network, endpoint, service, container } = any_noun();
        let on = mostly(there.networks.clone(), network.clone());
        let joined =
            (endpoint.clone(), container.clone()).prop_map(|((on, name), c)| (on, name, c));
        let joined = mostly(there.joined.clone(), joined);
        let behind = mostly(there.behind.clone(), (service.clone(), container.clone()));
        let fitting =
            (endpoint.clone(), container.clone()).prop_map(|((on, name), c)| (on, name, c));
        let fitting = mostly(there.fitting.clone(), fitting);
        let fresh = mostly(there.fresh.clone(), (service.clone(), container.clone()));
        let sandbox = mostly(there.sandboxes.clone(), container);
        let listed = mostly(there.endpoints.clone(), endpoint);
        let service = mostly(there.services.clone(), service);
        let balance = select(&["round-robin", "random", "source"][..]);
        let item = (on.clone(), spec(&ENDPOINTS), joiner()).prop_map(|(network, spec, joiner)| {
            (network, spec, Joiner { place: Place::Own, ..joiner })
        });
        let harm = select(&[Harm::Elements, Harm::Table, Harm::Addresses, Harm::Link][..]);
        // What can only be refused is asked for now and then.
        let if_any = |weight: u32, count: usize| if count == 0 { 1 } else { weight };
        prop_oneof![
            4 => (0..CREATED).prop_map(Op::NetworkCreate),
            2 => network.prop_map(Op::NetworkDelete),
            12 => (on.clone(), spec(&ENDPOINTS)).prop_map(|(on, spec)| Op::EndpointCreate(on, spec)),
            if_any(4, there.endpoints.len()) => (listed, any::<bool>())
                .prop_map(|((network, name), force)| Op::EndpointDelete(network, name, force)),
            if_any(16, there.fitting.len()) => (fitting, joiner())
                .prop_map(|((network, name, container), joiner)| {
                    Op::Join(network, name, Joiner { container, ..joiner })
                }),
            if_any(6, there.joined.len()) => joined
                .prop_map(|(network, name, container)| Op::Detach(network, name, container)),
            if_any(2, there.sandboxes.len()) => sandbox.prop_map(Op::SandboxDelete),
            5 => (on, spec(&SERVICES), balance)
                .prop_map(|(on, spec, balance)| Op::Publish(on, spec, balance)),
            if_any(12, there.fresh.len()) => (fresh, joiner())
                .prop_map(|((service, container), joiner)| {
                    Op::Attach(service, Joiner { container, ..joiner })
                }),
            if_any(6, there.behind.len()) => (behind, any::<bool>())
                .prop_map(|((service, container), drain)| {
                    Op::ServiceDetach(service, container, drain)
                }),
            if_any(2, there.services.len()) => (service, any::<bool>())
                .prop_map(|(service, force)| Op::Unpublish(service, force)),
            4 => (any::<bool>(), prop::collection::vec(item, 1..4))
                .prop_map(|(atomic, items)| Op::JoinMany(atomic, items)),
            2 => prop::option::weighted(0.8, harm).prop_map(Op::Repair),
            1 => Just(Op::Gc),
            1 => (0..GIVEN).prop_map(Op::Die),
            1 => Just(Op::Reopen),
        ]
        .boxed()
    }
}

/// Names, whether or not there is anything of that name.
struct Any {
    network: BoxedStrategy<&'static str>,
    endpoint: BoxedStrategy<(&'static str, &'static str)>,
    service: BoxedStrategy<&'static str>,
    container: BoxedStrategy<&'static str>,
}

fn any_noun() -> Any {
    Any {
        network: network().boxed(),
        endpoint: (network(), select(&ENDPOINTS[..])).boxed(),
        service: select(&SERVICES[..]).boxed(),
        container: select(&CONTAINERS[..]).boxed(),
    }
}

/// What there is: networks with interfaces, endpoints and who could join them, those that a container
/// has, services, who is behind them and who is not, and sandboxes.
struct There {
    networks: Vec<&'static str>,
    endpoints: Vec<(&'static str, &'static str)>,
    fitting: Vec<(&'static str, &'static str, &'static str)>,
    joined: Vec<(&'static str, &'static str, &'static str)>,
    services: Vec<&'static str>,
    fresh: Vec<(&'static str, &'static str)>,
    behind: Vec<(&'static str, &'static str)>,
    sandboxes: Vec<&'static str>,
}

impl There {
    fn of(model: &Model) -> There {
        let listed = || model.endpoints.iter().filter(|one| one.role != Role::Member);
        let plain = || listed().filter(|one| one.role == Role::Plain);
        let services = || listed().filter(|one| one.role != Role::Plain);
        let layouts = model.networks.iter().map(|one| one.layout);
        let with_interfaces = layouts.filter(|layout| !layout.v4.is_empty());
        let is_on = |network: &str, container: &str| {
            let here = model.endpoints.iter().filter(|one| one.network == network);
            here.filter_map(|one| one.joined).any(|joined| joined.0 == container)
        };
        let joinable = |one: &Endpoint| {
            let (network, name) = (one.network, one.name);
            let others = CONTAINERS.into_iter().filter(move |c| !is_on(network, c));
            others.map(move |container| (network, name, container)).collect::<Vec<_>>()
        };
        let attachable = |one: &Endpoint| {
            let is_behind = |c: &str| one.backends.iter().any(|b| b.container == c && !b.draining);
            let others = CONTAINERS.into_iter().filter(|c| !is_behind(c));
            others.map(|container| (one.name, container)).collect::<Vec<_>>()
        };
        let behind = |one: &Endpoint| {
            let all = one.backends.iter().map(|backend| (one.name, backend.container));
            all.collect::<Vec<_>>()
        };
        There {
            networks: with_interfaces.map(|layout| layout.name).collect(),
            endpoints: listed().map(|one| (one.network, one.name)).collect(),
            fitting: plain().filter(|one| one.joined.is_none()).flat_map(joinable).collect(),
            joined: plain()
                .filter_map(|one| Some((one.network, one.name, one.joined?.0)))
                .collect(),
            services: services().map(|one| one.name).collect(),
            fresh: services().flat_map(attachable).collect(),
            behind: services().flat_map(behind).collect(),
            sandboxes: model.sandboxes.iter().map(|one| one.container).collect(),
        }
    }
}
