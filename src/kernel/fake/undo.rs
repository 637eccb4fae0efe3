//! How each step is undone on the fake host; what is gone already is no error.

use super::world::{HOST, World};
use crate::error::{Kind, Result};
use crate::kernel::requests;
use crate::plan::{Step, with_lines};

impl World {
    /// Undoes a step.
    pub(super) fn undo(&mut self, step: &Step) -> Result<()> {
        match self.undo_strictly(step) {
            Err(error) if requests::is_gone(&error) || error.kind() == Kind::NotFound => Ok(()),
            result => result,
        }
    }

    fn undo_strictly(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Directory { path } => {
                let inside = |other: &std::path::Path| other != path && other.starts_with(path);
                let full = self.directories.iter().any(|other| inside(other))
                    || self.files.keys().any(|other| inside(other))
                    || self.mounts.keys().any(|other| inside(other));
                if !full {
                    self.directories.remove(path);
                }
            }
            Step::Netns { path, .. } => self.unmount(path),
            Step::Bridge { name, .. } | Step::Veth { name, .. } => self.remove_link(HOST, name),
            Step::BridgePort { .. }
            | Step::Link { .. }
            | Step::Announce { .. }
            | Step::Reload { .. }
            | Step::Conntrack { .. }
            | Step::Mode { .. }
            | Step::Owner { .. }
            | Step::Neighbour { .. } => {}
            Step::Up { ns, dev } => {
                let space = self.space_mut(ns)?;
                if let Some(link) = space.links.get_mut(dev) {
                    link.up = false;
                    space.drop_routes(dev);
                }
            }
            Step::Address { ns, dev, address, .. } => {
                let space = self.space_mut(ns)?;
                space.addresses.remove(&(dev.clone(), *address));
                space.routes.retain(|route| route.source != Some(address.addr()));
            }
            Step::Route { ns, destination, via, dev, .. } => {
                let destination = destination.trunc();
                self.space_mut(ns)?.routes.retain(|route| {
                    (route.destination, route.via, &route.dev) != (destination, *via, dev)
                });
            }
            Step::DefaultRoute { ns, ipv6, to, from } => {
                let space = self.space_mut(ns)?;
                if from.is_some() || space.defaults.get(ipv6) == to.as_ref() {
                    space.set_default(*ipv6, from.as_ref())?;
                }
            }
            Step::Sysctl { ns, key, before, .. } => {
                if let Some(before) = before {
                    self.write_sysctl(ns, key, before)?;
                }
            }
            Step::Table { name } => drop(self.tables.remove(name)),
            Step::Elements { sets } => self.delete_elements(sets),
            Step::Swap { remove, add } => self.swap(add, remove)?,
            Step::File { path, before, .. } => match before {
                Some(text) => self.write_file(path, text)?,
                None => drop(self.files.remove(path)),
            },
            Step::Lines { paths, add, remove } => {
                for path in paths {
                    if let Some(text) = self.files.get_mut(path) {
                        *text = with_lines(text, remove, add);
                    }
                }
            }
        }
        Ok(())
    }
}
