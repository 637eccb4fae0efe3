//! What the steps of a plan make: nothing of it can be as it shall be before, and nobody needs to look.

use std::path::PathBuf;

use crate::plan::{Ns, Step};

/// Namespaces and devices.
#[derive(Default)]
pub(super) struct Made {
    namespaces: Vec<PathBuf>,
    devices: Vec<(Ns, String)>,
}

impl Made {
    /// Takes note of what a step makes.
    pub(super) fn note(&mut self, step: &Step) {
        match step {
            Step::Netns { path, of: None } => self.namespaces.push(path.clone()),
            Step::Bridge { name, .. } => self.devices.push((Ns::Host, name.clone())),
            Step::Veth { name, ns, peer, .. } => {
                self.devices.push((Ns::Host, name.clone()));
                self.devices.push((ns.clone(), peer.clone()));
            }
            _ => {}
        }
    }

    /// Whether the step is about something that is made before it.
    pub(super) fn has(&self, step: &Step) -> bool {
        let namespace = match step.place() {
            Ns::At { path, .. } => self.namespaces.contains(path),
            Ns::Host => false,
        };
        let is_up = |(at, name): &(Ns, String)| matches!(step, Step::Up { ns, dev } if ns == at && dev == name);
        namespace || self.devices.iter().any(is_up)
    }
}
