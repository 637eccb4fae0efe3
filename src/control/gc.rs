//! Collecting what nobody has any more.

use std::path::{Path, PathBuf};

use super::locked::Locked;
use super::verify::{Sight, look};
use super::{Netberth, records, sandbox};
use crate::error::{Doing, Result};
use crate::model::{Collected, Collection, Ns, Sandbox};
use crate::plan::{Ask, Look, Seen, Step};

impl Netberth {
    /// Collects what containers left that ended without a word: sandboxes whose namespaces are gone, with
    /// everything of theirs; the files of sandboxes that nobody knows; namespaces that are mounted for
    /// nobody. Endpoints stay, with their addresses and ports: they can be joined again.
    ///
    /// # Errors
    /// Those of [`Netberth::verify`], and the first of deleting: what cannot go now is collected by the
    /// next call.
    pub fn gc(&self) -> Result<Collection> {
        let mut locked = self.lock()?;
        collect(&mut locked).doing(|| "gc")
    }
}

fn collect(locked: &mut Locked<'_>) -> Result<Collection> {
    let mut collected = Vec::new();
    let sight = look(locked)?;
    // Before the links by which such a namespace is known.
    let strays = strays(locked, &sight)?;
    let dead: Vec<Sandbox> = sight.dead().cloned().collect();
    for sandbox in dead {
        let name = sandbox.container.to_string();
        let why = if sandbox.ended {
            "its container was of an earlier boot".to_owned()
        } else {
            format!("its namespace {} is gone", sandbox.ns)
        };
        let doing = format!("delete sandbox {name}");
        sandbox::delete(locked, sandbox, &doing).doing(|| doing)?;
        collected.push(Collected { kind: "sandbox".to_owned(), id: Some(name), name: None, why });
    }
    for link in sight.leaked()? {
        let Step::Veth { name, bridge, .. } = &link else { continue };
        let (name, why) = (Some(name.clone()), format!("a port of {bridge} that no container has"));
        locked.kernel().undo(std::slice::from_ref(&link)).into_iter().collect::<Result<()>>()?;
        collected.push(Collected { kind: "link".to_owned(), id: None, name, why });
    }
    for (path, why) in strays {
        remove(locked, &path)?;
        let name = Some(path.display().to_string());
        collected.push(Collected { kind: "file".to_owned(), id: None, name, why });
    }
    Ok(Collection { collected })
}

/// What is in netberth's own directories, and of no container that is known.
///
/// Others may keep namespaces in the same directory, `ip netns` or another state directory: one that is
/// mounted is left alone unless it hangs on a bridge of ours.
fn strays(locked: &Locked<'_>, sight: &Sight) -> Result<Vec<(PathBuf, String)>> {
    let sandboxes = sight.sandboxes();
    let config = locked.netberth.config();
    let (files, mounts) = (config.sandboxes_dir(), config.netns_dir());
    let ask = Ask { directories: vec![files.clone(), mounts.clone()], ..Ask::default() };
    let found = locked.kernel().facts(&ask)?.directories;
    let names = |directory: &Path| found.get(directory).cloned().unwrap_or_default();
    let mut strays = Vec::new();
    for name in names(&files) {
        let path = files.join(&name);
        let uses = |sandbox: &Sandbox| {
            sandbox.container.as_str() == name
                || sandbox.hosts.starts_with(&path)
                || sandbox.resolv_conf.starts_with(&path)
        };
        if !sandboxes.iter().any(uses) {
            strays.push((path, "the files of a container that nobody knows".to_owned()));
        }
    }
    for name in names(&mounts) {
        let path = mounts.join(&name);
        let uses = |sandbox: &Sandbox| sandbox.key == path;
        let claimed = records::text(locked.store(), &records::netns_key(&name))?.is_some();
        if claimed || sandboxes.iter().any(uses) {
            continue;
        }
        match mounted(locked, &path)? {
            None => strays.push((path, "nothing is mounted there, for nobody".to_owned())),
            Some(seen) if sight.hangs_on_ours(&seen) => {
                strays.push((path, "a namespace that is mounted for nobody".to_owned()));
            }
            Some(_) => {}
        }
    }
    Ok(strays)
}

fn mounted(locked: &Locked<'_>, path: &Path) -> Result<Option<Seen>> {
    let ns = Ns::At { path: path.to_owned(), cookie: None };
    let ask = Ask { spaces: vec![Look { ns, sysctls: Vec::new() }], ..Ask::default() };
    Ok(locked.kernel().facts(&ask)?.spaces.pop().flatten())
}

/// Only what netberth itself puts there: a namespace's file, or a directory with the two files.
fn remove(locked: &Locked<'_>, path: &Path) -> Result<()> {
    let file = |name: &str| Step::File { path: path.join(name), text: String::new(), before: None };
    let steps = if path.starts_with(locked.netberth.config().sandboxes_dir()) {
        let path = path.to_owned();
        vec![Step::Directory { path }, file("hosts"), file("resolv.conf")]
    } else {
        vec![Step::Netns { path: path.to_owned(), of: None }]
    };
    locked.kernel().undo(&steps).into_iter().collect()
}
