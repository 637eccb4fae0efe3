//! What need not be undone: it goes with something else that is, or leaves nothing behind.

use std::path::Path;

use super::Step;
use crate::model::Ns;

/// The steps, with their indexes, that are left to undo when those are left out whose device or
/// namespace is removed by another of them, and those that have nothing to undo.
pub(crate) fn without<'a>(steps: impl Iterator<Item = &'a Step> + Clone) -> Vec<(usize, &'a Step)> {
    let makes = Makes::of(steps.clone());
    steps.enumerate().filter(|(_, step)| !makes.takes(step)).collect()
}

/// What steps make: namespaces and devices.
#[derive(Default)]
pub(crate) struct Makes<'a> {
    namespaces: Vec<&'a Path>,
    devices: Vec<(&'a Ns, &'a str)>,
}

impl<'a> Makes<'a> {
    pub(crate) fn of(steps: impl Iterator<Item = &'a Step>) -> Self {
        let mut makes = Makes::default();
        for step in steps {
            match step {
                Step::Netns { path, of: None } => makes.namespaces.push(path),
                Step::Bridge { name, .. } => makes.devices.push((&Ns::Host, name)),
                Step::Veth { name, ns, peer, .. } => {
                    makes.devices.push((&Ns::Host, name));
                    makes.devices.push((ns, peer));
                }
                _ => {}
            }
        }
        makes
    }

    /// Whether the step is about one of them: it cannot be so before.
    pub(crate) fn holds_back(&self, step: &Step) -> bool {
        let up = matches!(step, Step::Up { ns, dev } if self.device(ns, dev));
        up || self.namespace(step.place())
    }

    fn takes(&self, step: &Step) -> bool {
        match step {
            Step::BridgePort { name } => self.device(&Ns::Host, name),
            Step::Neighbour { dev, .. } => self.device(&Ns::Host, dev),
            Step::Up { ns, dev } | Step::Address { ns, dev, .. } | Step::Route { ns, dev, .. } => {
                self.namespace(ns) || self.device(ns, dev)
            }
            Step::DefaultRoute { ns, to, from, .. } => {
                let goes_with_its_device =
                    to.as_ref().is_some_and(|hop| self.device(ns, &hop.dev)) && from.is_none();
                self.namespace(ns) || goes_with_its_device
            }
            Step::Sysctl { ns, before, .. } => before.is_none() || self.namespace(ns),
            Step::Announce { .. } | Step::Link { .. } => true,
            _ => false,
        }
    }

    fn namespace(&self, ns: &Ns) -> bool {
        matches!(ns, Ns::At { path, .. } if self.namespaces.contains(&path.as_path()))
    }

    fn device(&self, ns: &Ns, name: &str) -> bool {
        self.devices.contains(&(ns, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hangs_on_a_link_goes_with_it() {
        let ns = Ns::At { path: "/run/c1".into(), cookie: None };
        let up = |dev: &str| Step::Up { ns: ns.clone(), dev: dev.into() };
        let veth = Step::Veth {
            name: "nb1".into(),
            bridge: "nb-0".into(),
            mtu: 1500,
            ns: ns.clone(),
            peer: "eth0".into(),
            mac: "02:00:00:00:00:01".into(),
        };
        let port = Step::BridgePort { name: "nb1".into() };
        let steps = [veth, port, up("lo"), up("eth0")];
        let left: Vec<usize> = without(steps.iter()).into_iter().map(|(index, _)| index).collect();
        assert_eq!(left, [0, 2]);
        let netns = Step::Netns { path: "/run/c1".into(), of: None };
        let left = without([netns, up("lo")].iter()).len();
        assert_eq!(left, 1);
    }
}
