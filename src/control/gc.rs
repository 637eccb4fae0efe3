//! Collecting what nobody has any more.

use std::path::{Path, PathBuf};
use std::time::Duration;

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
    for Stray { steps, path, why } in strays {
        locked.kernel().undo(&steps).into_iter().collect::<Result<()>>()?;
        let name = Some(path.display().to_string());
        collected.push(Collected { kind: "file".to_owned(), id: None, name, why: why.to_owned() });
    }
    Ok(Collection { collected })
}

/// Something in netberth's own directories that no container has.
struct Stray {
    /// Their undoing takes it away.
    steps: Vec<Step>,
    path: PathBuf,
    why: &'static str,
}

/// A file that becomes a namespace is empty between two system calls of whoever makes it, who may be
/// another program or keep another state directory: our lock says nothing of them. After a minute
/// nobody is in between.
const MAKING: Duration = Duration::from_mins(1);

/// What is in netberth's own directories, and of no container that is known.
fn strays(locked: &Locked<'_>, sight: &Sight) -> Result<Vec<Stray>> {
    let config = locked.netberth.config();
    let (files, mounts) = (config.sandboxes_dir(), config.netns_dir());
    let ask = Ask { directories: vec![files.clone(), mounts.clone()], ..Ask::default() };
    let found = locked.kernel().facts(&ask)?.directories;
    let below = |directory: &Path| -> Vec<PathBuf> {
        let names = found.get(directory).into_iter().flatten();
        names.map(|name| directory.join(name)).collect()
    };
    let mut strays = stray_files(locked, sight, below(&files))?;
    strays.extend(stray_mounts(locked, sight, below(&mounts))?);
    Ok(strays)
}

/// Directories of containers that nobody knows, and of those in which a stranger's files are, what is
/// netberth's in them.
fn stray_files(
    locked: &Locked<'_>,
    sight: &Sight,
    mut directories: Vec<PathBuf>,
) -> Result<Vec<Stray>> {
    let used = |path: &PathBuf| {
        sight.sandboxes().iter().any(|sandbox| {
            path.file_name().is_some_and(|name| name == sandbox.container.as_str())
                || sandbox.hosts.starts_with(path)
                || sandbox.resolv_conf.starts_with(path)
        })
    };
    directories.retain(|path| !used(path));
    let ask = Ask { directories, ..Ask::default() };
    let mut strays = Vec::new();
    for (path, names) in locked.kernel().facts(&ask)?.directories {
        let ours = |name: &&String| matches!(name.as_str(), "hosts" | "resolv.conf");
        let file = |path: PathBuf| Step::File { path, text: String::new(), before: None };
        let files = names.iter().filter(ours).map(|name| path.join(name));
        if names.iter().all(|name| ours(&name)) {
            let directory = Step::Directory { path: path.clone() };
            let steps = std::iter::once(directory).chain(files.map(file)).collect();
            let why = "the files of a container that nobody knows";
            strays.push(Stray { steps, path, why });
        } else {
            let why = "a file of a container that nobody knows";
            let stray = |path: PathBuf| Stray { steps: vec![file(path.clone())], path, why };
            strays.extend(files.map(stray));
        }
    }
    Ok(strays)
}

/// Others may keep namespaces in the same directory, `ip netns` or another state directory: one that is
/// mounted is left alone unless it hangs on a bridge of ours.
fn stray_mounts(locked: &Locked<'_>, sight: &Sight, mut paths: Vec<PathBuf>) -> Result<Vec<Stray>> {
    let used = |path: &PathBuf| sight.sandboxes().iter().any(|sandbox| sandbox.key == *path);
    paths.retain(|path| !used(path));
    let ask = Ask { inodes: paths.clone(), ..Ask::default() };
    let inodes = locked.kernel().facts(&ask)?.inodes;
    let stale = |path: &PathBuf| {
        let found = inodes.get(path);
        found.is_none_or(|one| one.file && one.length == 0 && one.age >= MAKING)
    };
    let mut strays = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if records::text(locked.store(), &records::netns_key(&name))?.is_some() {
            continue;
        }
        let why = match mounted(locked, &path)? {
            None if stale(&path) => "nothing is mounted there, for nobody",
            Some(seen) if sight.hangs_on_ours(&seen) => "a namespace that is mounted for nobody",
            _ => continue,
        };
        let steps = vec![Step::Netns { path: path.clone(), of: None }];
        strays.push(Stray { steps, path, why });
    }
    Ok(strays)
}

fn mounted(locked: &Locked<'_>, path: &Path) -> Result<Option<Seen>> {
    let ns = Ns::At { path: path.to_owned(), cookie: None };
    let ask = Ask { spaces: vec![Look { ns, sysctls: Vec::new() }], ..Ask::default() };
    Ok(locked.kernel().facts(&ask)?.spaces.pop().flatten())
}
