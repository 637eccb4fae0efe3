//! What should be when containers come and go.

use netberth::Kind;

use super::ops::{Joiner, NAMED, Place, Ports, Spec};
use super::state::{Backend, Endpoint, Model, Role, Sandbox, Where};

type Result<T = ()> = std::result::Result<T, Kind>;

impl Model {
    /// One of many: an endpoint, and a join to it.
    pub(crate) fn join_new(&mut self, (on, spec, joiner): &(&'static str, Spec, Joiner)) -> Result {
        self.network(on)?;
        let endpoint = self.create(on, spec, Role::Plain)?;
        self.join(endpoint, *joiner)
    }

    pub(crate) fn join_or_attach(&mut self, endpoint: usize, joiner: Joiner) -> Result {
        match self.at(endpoint).role {
            Role::Service(..) => self.attach(endpoint, joiner),
            _ if self.at(endpoint).joined.is_some() => Err(Kind::Invalid),
            _ => self.join(endpoint, joiner),
        }
    }

    /// Where the container sits or would sit.
    fn seat(&self, network: &str, joiner: Joiner) -> Result<Where> {
        let in_host = network == "host";
        let Some(known) = self.sandboxes.iter().find(|one| one.container == joiner.container)
        else {
            return match (in_host, joiner.place) {
                (true, Place::Own) => Ok(Where::Host),
                (true, Place::Given(_)) => Err(Kind::Invalid),
                (false, Place::Own) => Ok(Where::Own),
                (false, Place::Given(given)) => Ok(Where::Given(given)),
            };
        };
        let fits = match joiner.place {
            Place::Own => true,
            Place::Given(given) => known.is_given(given),
        };
        if fits && in_host == (known.at == Where::Host) { Ok(known.at) } else { Err(Kind::Invalid) }
    }

    fn legs(&self, container: &str) -> Vec<&Endpoint> {
        let known = self.sandboxes.iter().filter(|one| one.container == container);
        known.flat_map(|one| &one.legs).map(|leg| self.at(*leg)).collect()
    }

    fn join(&mut self, endpoint: usize, joiner: Joiner) -> Result {
        let network = self.at(endpoint).network;
        let at = self.seat(network, joiner)?;
        let legs = self.legs(joiner.container);
        let has_interfaces = self.network(network)?.layout.length > 0;
        if has_interfaces && legs.iter().any(|leg| leg.network == network) {
            return Err(Kind::Invalid);
        }
        let taken = |name: &&str| legs.iter().any(|leg| leg.joined.unwrap().1 == *name);
        let interface = match (has_interfaces, joiner.named) {
            (false, false) => "",
            (false, true) => return Err(Kind::Invalid),
            (true, true) if taken(&NAMED) => return Err(Kind::Exists),
            (true, true) => NAMED,
            (true, false) => {
                ["eth0", "eth1", "eth2", "eth3", "eth4"].into_iter().find(|n| !taken(n)).unwrap()
            }
        };
        self.at_mut(endpoint).joined = Some((joiner.container, interface));
        let known = self.sandboxes.iter_mut().find(|one| one.container == joiner.container);
        if let Some(sandbox) = known {
            sandbox.legs.push(endpoint);
        } else {
            let (container, legs) = (joiner.container, vec![endpoint]);
            self.sandboxes.push(Sandbox { container, at, legs });
        }
        Ok(())
    }

    fn attach(&mut self, service: usize, joiner: Joiner) -> Result {
        let (network, name) = (self.at(service).network, self.at(service).name);
        let container = joiner.container;
        let known = self.at(service).backends.iter().position(|one| one.container == container);
        if known.is_some_and(|known| !self.at(service).backends[known].draining) {
            return Err(Kind::Invalid);
        }
        let here = |one: &&Endpoint| {
            one.network == network && one.joined.is_some_and(|joined| joined.0 == container)
        };
        let place = match self.endpoints.iter().find(here).map(|one| one.id) {
            Some(_) if joiner.named => return Err(Kind::Invalid),
            Some(place) => self.seat(network, joiner).map(|_| place)?,
            None => {
                let priority = self.at(service).priority;
                let (ports, fixed) = (Ports::Nothing, None);
                let spec = Spec { name, ports, fixed, alias: false, priority };
                let member = self.create(network, &spec, Role::Member)?;
                self.join(member, joiner)?;
                member
            }
        };
        let backends = &mut self.at_mut(service).backends;
        match known {
            Some(known) => backends[known].draining = false,
            None => backends.push(Backend { container, place, draining: false }),
        }
        Ok(())
    }

    /// The services that a container is behind by this endpoint.
    pub(crate) fn behind(&self, place: usize) -> Vec<usize> {
        let by = |one: &&Endpoint| one.backends.iter().any(|backend| backend.place == place);
        self.endpoints.iter().filter(by).map(|one| one.id).collect()
    }

    pub(crate) fn detach(&mut self, endpoint: usize, container: &str) -> Result {
        let found = self.at(endpoint);
        if found.role != Role::Plain {
            return self.leave(endpoint, container, false);
        }
        if found.joined.is_none_or(|(joined, _)| joined != container) {
            return Err(Kind::Invalid);
        }
        if !self.behind(endpoint).is_empty() {
            return Err(Kind::InUse);
        }
        self.unplug(endpoint);
        Ok(())
    }

    /// A container leaves a place, which ends if it was only for services.
    fn unplug(&mut self, endpoint: usize) {
        for sandbox in &mut self.sandboxes {
            sandbox.legs.retain(|leg| *leg != endpoint);
        }
        self.at_mut(endpoint).joined = None;
        if self.at(endpoint).role == Role::Member {
            self.endpoints.retain(|one| one.id != endpoint);
        }
    }

    pub(crate) fn leave(&mut self, service: usize, container: &str, drain: bool) -> Result {
        let backends = &mut self.at_mut(service).backends;
        let found = backends.iter().position(|one| one.container == container);
        let index = found.ok_or(Kind::Invalid)?;
        if drain {
            backends[index].draining = true;
            return Ok(());
        }
        let place = backends.remove(index).place;
        if self.at(place).role == Role::Member && self.behind(place).is_empty() {
            self.unplug(place);
        }
        Ok(())
    }

    pub(crate) fn delete(&mut self, endpoint: usize, force: bool) -> Result {
        let found = self.at(endpoint).clone();
        if !force && (found.joined.is_some() || !found.backends.is_empty()) {
            return Err(Kind::InUse);
        }
        for backend in &found.backends {
            self.leave(endpoint, backend.container, false)?;
        }
        if let Some((container, _)) = found.joined {
            for service in self.behind(endpoint) {
                self.leave(service, container, false)?;
            }
            self.unplug(endpoint);
        }
        self.endpoints.retain(|one| one.id != endpoint);
        self.fall();
        Ok(())
    }

    /// The default network is in the kernel while it has endpoints.
    fn fall(&mut self) {
        let bridge = self.networks.iter_mut().find(|one| one.layout.name == "bridge").unwrap();
        if !self.endpoints.iter().any(|one| one.network == "bridge") {
            bridge.up = false;
            bridge.last = [None, None];
        }
    }

    /// A sandbox ends, and its container leaves everything.
    pub(crate) fn end(&mut self, container: &str) {
        for endpoint in &mut self.endpoints {
            endpoint.backends.retain(|backend| backend.container != container);
        }
        let legs: Vec<usize> = self.legs(container).iter().map(|leg| leg.id).collect();
        for leg in legs {
            self.unplug(leg);
        }
        self.sandboxes.retain(|one| one.container != container);
    }
}
