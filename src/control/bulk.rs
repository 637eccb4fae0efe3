//! Many joins as one: decided one by one on a stage, done together.

use std::sync::Arc;

use super::commit::{Ready, perform};
use super::locked::Locked;
use super::log::Level;
use super::rehearse::Rehearsal;
use super::{Netberth, endpoint, join, lookup};
use crate::error::{Doing, Error, Kind, Result};
use crate::model::{JoinRequest, Joined};
use crate::plan::bundled;
use crate::store::{Batch, Overlay, Store};

impl Netberth {
    /// Creates an endpoint for each request and joins its container to it, under one lock, with one
    /// batch of rules and one commit for all of them; the results are in the order of the requests.
    /// With `atomic`, all are done or none.
    ///
    /// Without it, those that can be done are, whatever becomes of the others: should the kernel
    /// refuse a step of one, what was done is undone, and each is done by itself.
    ///
    /// # Errors
    /// With `atomic` the first error, and nothing is left. Without it only those of the lock, of the
    /// records and of undoing: each request has a result of its own, with the errors of
    /// [`Netberth::endpoint_create`] and [`Netberth::join`].
    pub fn join_many(&self, requests: &[JoinRequest], atomic: bool) -> Result<Vec<Result<Joined>>> {
        let mut locked = self.lock()?;
        let doing = format!("join {} containers", requests.len());
        together(&mut locked, requests, atomic, &doing).doing(|| doing)
    }
}

fn together(
    locked: &mut Locked<'_>,
    requests: &[JoinRequest],
    atomic: bool,
    doing: &str,
) -> Result<Vec<Result<Joined>>> {
    let Staged { overlay, ready, results } = stage(locked, requests, atomic)?;
    let batch = Batch { changes: overlay.changes(), durable: true };
    match perform(locked, doing, bundle(ready), &batch) {
        Ok(()) => {
            let done = results.iter().filter(|result| result.is_ok()).count();
            locked.say(Level::Info, || format!("{done} containers joined"));
            Ok(results)
        }
        Err(error) if atomic || !error.cleanup().is_empty() => Err(error),
        Err(_) => Ok(one_by_one(locked, requests, results)),
    }
}

/// Verbs that were decided and not done.
struct Staged {
    overlay: Arc<Overlay<Arc<dyn Store>>>,
    ready: Vec<Ready>,
    results: Vec<Result<Joined>>,
}

fn stage(locked: &Locked<'_>, requests: &[JoinRequest], atomic: bool) -> Result<Staged> {
    let netberth = locked.netberth;
    let overlay = Arc::new(Overlay::over(netberth.store.clone()));
    let mut staged = Staged { overlay, ready: Vec::new(), results: Vec::new() };
    let kernel = Arc::new(Rehearsal::of(netberth.kernel.clone()));
    for (index, request) in requests.iter().enumerate() {
        // What one that is refused has written is forgotten with its own overlay.
        let beneath: Arc<dyn Store> = staged.overlay.clone();
        let own = Arc::new(Overlay::over(beneath));
        let (store, shared) = (own.clone(), netberth.shared.clone());
        let stage = Netberth { kernel: kernel.clone(), store, shared, silent: true };
        let mut on_stage = Locked::on_stage(&stage);
        let result = one(&mut on_stage, request).doing(|| format!("joins[{index}]"));
        match result {
            Ok(_) => {
                staged.overlay.absorb(&own.changes())?;
                let ready = on_stage.staged().map(std::mem::take).unwrap_or_default();
                kernel.note(ready.iter().map(|one| &one.done.step));
                staged.ready.extend(ready);
            }
            Err(error) if atomic => return Err(error),
            Err(_) => {}
        }
        staged.results.push(result);
    }
    Ok(staged)
}

/// An endpoint and its join.
fn one(locked: &mut Locked<'_>, request: &JoinRequest) -> Result<Joined> {
    let network = lookup::network(locked.store(), &request.network)?;
    let name = &request.endpoint.name;
    let doing = format!("create endpoint {name} on network {}", network.name);
    let id = endpoint::create(locked, network, &request.endpoint, &doing).doing(|| doing)?;
    // The first endpoint of `bridge` has changed the network.
    let network = lookup::network(locked.store(), &request.network)?;
    let endpoint = lookup::endpoint(locked.store(), &network, &id.to_string())?;
    let key = join::join_plain(locked, &network, endpoint, &request.container)?;
    Ok(Joined { endpoint: id, key })
}

/// Each by itself, but for those that were refused before anything was done.
fn one_by_one(
    locked: &mut Locked<'_>,
    requests: &[JoinRequest],
    decided: Vec<Result<Joined>>,
) -> Vec<Result<Joined>> {
    let mut results = Vec::new();
    for (index, (request, decided)) in requests.iter().zip(decided).enumerate() {
        results.push(decided.and_then(|_| {
            let doing = format!("join {}", request.container.container);
            let done = together(locked, std::slice::from_ref(request), true, &doing);
            let done = done.doing(|| format!("joins[{index}]"))?;
            let missing = || Err(Error::new(Kind::Bug, "a join has no result"));
            done.into_iter().next().unwrap_or_else(missing)
        }));
    }
    results
}

/// The same steps in an order in which the kernel takes many at once, and each file is written once.
/// What others need too is done where it was, and not undone.
fn bundle(ready: Vec<Ready>) -> Vec<Ready> {
    let (own, others): (Vec<Ready>, Vec<Ready>) =
        ready.into_iter().partition(|one| one.apply && one.undo);
    let steps = own.into_iter().map(|one| one.done.step).collect();
    others.into_iter().chain(bundled(steps).into_iter().map(Ready::transient)).collect()
}
