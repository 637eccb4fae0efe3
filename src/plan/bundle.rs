//! The steps of many joins as those of one.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use super::rules::SetElements;
use super::{Flow, Step, with_lines};
use crate::model::Ns;

/// The same steps, so that what can go together does: first what is made, then what is asked of the
/// host, then of each namespace, then one batch of rules, one deletion of connections, and each file
/// once. Within a class the order stays.
pub(crate) fn bundled(steps: Vec<Step>) -> Vec<Step> {
    let mut bundle = Bundle::default();
    for step in steps {
        bundle.take(step);
    }
    bundle.into_steps()
}

#[derive(Default)]
struct Bundle {
    made: Vec<Step>,
    host: Vec<Step>,
    links: Vec<Step>,
    ports: Vec<Step>,
    /// By namespace, in the order in which they were met.
    places: Vec<Vec<Step>>,
    place_of: HashMap<Ns, usize>,
    announced: Vec<Step>,
    elements: Vec<SetElements>,
    removed: Vec<SetElements>,
    added: Vec<SetElements>,
    /// At once, and leaving.
    flows: [Vec<Flow>; 2],
    files: BTreeMap<PathBuf, Edit>,
}

/// What is to become of the lines of a file.
#[derive(Default)]
struct Edit {
    add: Vec<String>,
    remove: Vec<String>,
}

impl Bundle {
    fn take(&mut self, step: Step) {
        match step {
            Step::Directory { .. } | Step::Netns { .. } | Step::File { .. } => self.made.push(step),
            Step::Veth { .. } => self.links.push(step),
            Step::BridgePort { .. } => self.ports.push(step),
            Step::Up { ns: Ns::Host, ref dev } if self.is_port(dev) => self.ports.push(step),
            Step::Announce { .. } => self.announced.push(step),
            Step::Elements { sets } => SetElements::gather(&mut self.elements, sets),
            Step::Swap { remove, add } => {
                SetElements::gather(&mut self.removed, remove);
                SetElements::gather(&mut self.added, add);
            }
            Step::Conntrack { flows, leaving } => {
                let [at_once, late] = &mut self.flows;
                (if leaving { late } else { at_once }).extend(flows);
            }
            Step::Lines { paths, add, remove } => {
                for path in paths {
                    let edit = self.files.entry(path).or_default();
                    edit.add.extend(add.iter().cloned());
                    edit.remove.extend(remove.iter().cloned());
                }
            }
            other => match other.place().clone() {
                Ns::Host => self.host.push(other),
                ns @ Ns::At { .. } => self.inside(ns, other),
            },
        }
    }

    fn is_port(&self, dev: &str) -> bool {
        let is_it = |port: &Step| matches!(port, Step::BridgePort { name } if name == dev);
        self.ports.last().is_some_and(is_it)
    }

    fn inside(&mut self, ns: Ns, step: Step) {
        let next = self.places.len();
        let at = *self.place_of.entry(ns).or_insert(next);
        match self.places.get_mut(at) {
            Some(place) => place.push(step),
            None => self.places.push(vec![step]),
        }
    }

    fn into_steps(self) -> Vec<Step> {
        let Bundle { mut made, host, links, ports, places, announced, .. } = self;
        let (elements, removed, added, mut files) =
            (self.elements, self.removed, self.added, self.files);
        for step in &mut made {
            // A file that is made is written whole.
            if let Step::File { path, text, .. } = step
                && let Some(edit) = files.remove(path)
            {
                *text = with_lines(text, &edit.add, &edit.remove);
            }
        }
        let [at_once, late] = self.flows;
        let forget = |flows: Vec<Flow>, leaving| {
            (!flows.is_empty()).then_some(Step::Conntrack { flows, leaving })
        };
        let swaps = !(removed.is_empty() && added.is_empty());
        let mut steps = made;
        // Undone last of what the host has, when nothing leads to the addresses any more.
        steps.extend(forget(late, true));
        steps.extend(host);
        steps.extend(links);
        steps.extend(ports);
        steps.extend(places.into_iter().flatten());
        steps.extend(announced);
        steps.extend((!elements.is_empty()).then_some(Step::Elements { sets: elements }));
        steps.extend(swaps.then_some(Step::Swap { remove: removed, add: added }));
        steps.extend(forget(at_once, false));
        let lines = |(path, Edit { add, remove })| Step::Lines { paths: vec![path], add, remove };
        steps.extend(files.into_iter().map(lines));
        steps
    }
}
