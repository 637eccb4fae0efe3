//! The namespaces as they are seen, and what is known by another name or not at all.

use std::collections::{HashMap, HashSet};

use super::Known;
use crate::plan::{Look, Ns, Seen, SeenLink};

/// What a step may find where it was done.
pub(super) struct View<'a> {
    spaces: HashMap<&'a Ns, &'a Seen>,
    /// Devices that somebody renamed: name of the moment by namespace and recorded name.
    renamed: HashMap<(&'a Ns, &'a str), String>,
    /// Devices that are missing, down, or not what they should be: what hangs on them follows.
    broken: HashSet<(&'a Ns, &'a str)>,
}

impl<'a> View<'a> {
    pub(super) fn of(known: &Known<'a>) -> Self {
        let seen = known.looks.iter().zip(&known.facts.spaces);
        let spaces = seen.filter_map(|(Look { ns, .. }, seen)| Some((ns, seen.as_ref()?)));
        View { spaces: spaces.collect(), renamed: HashMap::new(), broken: HashSet::new() }
    }

    /// A namespace; none where it is gone.
    pub(super) fn space(&self, ns: &Ns) -> Option<&'a Seen> {
        self.spaces.get(ns).copied()
    }

    /// A device by its recorded name, whatever it is called.
    pub(super) fn link(&self, ns: &'a Ns, name: &'a str) -> Option<&'a SeenLink> {
        let name = self.renamed.get(&(ns, name)).map_or(name, String::as_str);
        self.space(ns)?.link(name)
    }

    pub(super) fn rename(&mut self, ns: &'a Ns, name: &'a str, found: &str) {
        self.renamed.insert((ns, name), found.to_owned());
    }

    pub(super) fn is_renamed(&self, ns: &'a Ns, name: &'a str) -> bool {
        self.renamed.contains_key(&(ns, name))
    }

    pub(super) fn breaks(&mut self, ns: &'a Ns, name: &'a str) {
        self.broken.insert((ns, name));
    }

    pub(super) fn is_broken(&self, ns: &'a Ns, name: &'a str) -> bool {
        self.broken.contains(&(ns, name))
    }
}
