//! Verbs of sandboxes.

use super::commit::take_down;
use super::detach::marked;
use super::locked::Locked;
use super::log::Level;
use super::names;
use super::records::{
    self, Writes, endpoint_key, join_steps, netns_key, sandbox_key, sandbox_steps,
};
use super::route::{Leg, legs};
use super::{Netberth, backend, endpoint, lookup, network};
use crate::error::{Doing, Kind, Result};
use crate::model::view::SandboxView;
use crate::model::{Role, Sandbox, SandboxKind};
use crate::plan::{Ask, Step};
use crate::store::Store;

impl Netberth {
    /// The sandbox of a container.
    ///
    /// # Errors
    /// `not_found`; `invalid` for an id that no container can have.
    pub fn sandbox(&self, container: &str) -> Result<SandboxView> {
        view(&*self.store, &lookup::sandbox(&*self.store, container)?)
    }

    /// All sandboxes in order of creation.
    pub fn sandboxes(&self) -> Result<Vec<SandboxView>> {
        let sandboxes = records::sandboxes(&*self.store)?;
        sandboxes.iter().map(|sandbox| view(&*self.store, sandbox)).collect()
    }

    /// Detaches everything from a container, forgets it, and destroys its namespace if netberth
    /// made it.
    ///
    /// # Errors
    /// `not_found`. If the kernel refuses a part, the rest is gone all the same and the call can be
    /// repeated.
    pub fn sandbox_delete(&self, container: &str) -> Result<()> {
        let mut locked = self.lock()?;
        let sandbox = lookup::sandbox(locked.store(), container)?;
        let doing = format!("delete sandbox {container}");
        delete(&mut locked, sandbox, &doing).doing(|| doing)
    }
}

pub(super) fn delete(locked: &mut Locked<'_>, sandbox: Sandbox, doing: &str) -> Result<()> {
    let container = sandbox.container.clone();
    let own_steps = sandbox_steps(&container);
    let mut remove = records::steps(locked.store(), &own_steps)?;
    if is_edited(locked, &sandbox)? {
        let theirs =
            |step: &Step| matches!(step, Step::File { path, .. } if *path == sandbox.resolv_conf);
        remove.retain(|done| !theirs(&done.step));
    }
    let (mut adjust, mut gone, mut left) = (Vec::new(), Writes::new(), Writes::new());
    let mut left_services = Vec::new();
    for Leg { network, mut endpoint, .. } in legs(locked.store(), &sandbox)? {
        let key = join_steps(&endpoint.id, &container);
        remove.extend(records::steps(locked.store(), &key)?);
        let endpoints = records::endpoints(locked.store(), &network.id)?;
        let services = backend::behind(&endpoints, &endpoint.id, &container);
        let behind = Some(&endpoint).filter(|_| !services.is_empty());
        let leaving = backend::leave(&network, &endpoints, &services, &container, behind);
        adjust.extend(leaving.adjust);
        adjust.extend(names::of_detached(&network, &endpoint, &endpoints, &container));
        gone = backend::put_all(gone, &leaving.gone)?;
        left_services.extend(leaving.left);
        let id = endpoint_key(&network.id, &endpoint.id);
        left = left.put(id, &marked(&endpoint, &container))?.delete(key.clone());
        endpoint.attachments.retain(|attachment| attachment.container != container);
        gone = endpoint::left(gone, &endpoint)?.delete(key);
    }
    gone = gone.delete(sandbox_key(&container)).delete(own_steps.clone());
    if let Some(name) = claimed(&sandbox) {
        gone = gone.delete(netns_key(&name));
    }
    let owners = std::slice::from_ref(&own_steps);
    take_down(locked, doing, owners, &adjust, remove, &gone.batch(), |remains| {
        // It stays joined, so that those who know its names are told again.
        let marked = Sandbox { deleting: true, ..sandbox };
        let services = if remains.unswapped { &[][..] } else { &left_services };
        let left = backend::put_all(left, services)?.put(sandbox_key(&container), &marked)?;
        Ok(left.put_steps(own_steps.clone(), &remains.steps)?.batch())
    })?;
    locked.say(Level::Info, || doing.to_owned());
    Ok(())
}

/// Whether a `resolv.conf` that the caller named is no longer as netberth wrote it: then it is left
/// alone. One in netberth's own directory goes with that.
fn is_edited(locked: &Locked<'_>, sandbox: &Sandbox) -> Result<bool> {
    let own = locked.netberth.config().sandbox_dir(sandbox.container.as_str());
    if sandbox.resolv_conf.starts_with(own) {
        return Ok(false);
    }
    let ask = Ask { files: vec![sandbox.resolv_conf.clone()], ..Ask::default() };
    match locked.kernel().facts(&ask) {
        Ok(facts) => Ok(facts.files.get(&sandbox.resolv_conf) != Some(&sandbox.resolv_conf_text)),
        // What is no text file, or not ours to read, is not what netberth wrote.
        Err(error) if matches!(error.kind(), Kind::Denied | Kind::Invalid) => Ok(true),
        Err(error) => Err(error),
    }
}

/// The file name in the directory of namespaces that this sandbox has taken.
fn claimed(sandbox: &Sandbox) -> Option<String> {
    let name = sandbox.key.file_name()?.to_str()?;
    (sandbox.kind == SandboxKind::Own).then(|| name.to_owned())
}

/// What is behind services is shown as these.
fn view(store: &dyn Store, sandbox: &Sandbox) -> Result<SandboxView> {
    let mut views = Vec::new();
    for Leg { network, endpoint, .. } in legs(store, sandbox)? {
        if endpoint.role != Role::Member {
            views.push(network::endpoint_view(store, &network, &endpoint, false)?);
        }
        let endpoints = records::endpoints(store, &network.id)?;
        for service in backend::behind(&endpoints, &endpoint.id, &sandbox.container) {
            views.push(network::endpoint_view(store, &network, service, false)?);
        }
    }
    Ok(SandboxView::new(sandbox, views))
}
