//! Requests that undo, sent together.

use super::call::Results;
use super::requests;
use super::route::link;
use super::space::Space;
use super::sys;
use crate::error::Result;
use crate::plan::Step;

/// What became of one step's request while the batch was made.
enum Made {
    /// There is nothing to send.
    Nothing,
    /// It has an answer of its own.
    Request,
    /// The link was put into the group that is deleted at the end.
    Grouped,
}

/// Undoes all steps, whatever becomes of each.
///
/// Deleting a link costs tens of milliseconds of RCU waits, and so does deleting a whole group of
/// them: several links are put into one group (a random number: nobody else's) and go at once. Those
/// whose namespace is about to go (`leaving`) are only unplugged: the kernel reaps them with it, in the
/// background.
pub(super) fn send(
    space: &mut Space<'_>,
    steps: &[&Step],
    leaving: impl Fn(&Step) -> bool,
) -> Results {
    let deleted = |step| deleted(step, &leaving);
    let links = steps.iter().filter(|step| deleted(step).is_some()).count();
    let group = if links > 1 { random_group() } else { None };
    let mut batch = Vec::with_capacity(steps.len() + 1);
    let made: Vec<Result<Made>> = steps
        .iter()
        .map(|step| {
            let (made, request) = match (group, deleted(step), step) {
                (_, None, Step::Veth { name, .. }) => (Made::Request, Some(link::unplug(name)?)),
                (Some(group), Some(name), _) => {
                    (Made::Grouped, Some(link::set_group(name, group)?))
                }
                _ => (Made::Request, requests::undoing(step, space)?),
            };
            let made = if request.is_some() { made } else { Made::Nothing };
            batch.extend(request);
            Ok(made)
        })
        .collect();
    batch.extend(group.map(link::delete_group));
    let mut answers = space.with(|socket| socket.exchange(batch));
    let grouped = match group.and_then(|_| answers.pop()) {
        Some(deleted) => deleted.map(drop),
        None => Ok(()),
    };
    let mut answers = answers.into_iter().map(|answer| answer.map(drop));
    let mut own = || answers.next().unwrap_or(Ok(()));
    let result = |made: Result<Made>| match made? {
        Made::Nothing => Ok(()),
        Made::Request => own(),
        Made::Grouped => own().and_then(|()| grouped.clone()),
    };
    let results: Results = made.into_iter().map(result).collect();
    let tolerant = |(result, step): (Result<()>, &&Step)| match result {
        Err(error) if !requests::is_gone(&error) => Err(error.doing(format!("undo {step}"))),
        _ => Ok(()),
    };
    results.into_iter().zip(steps).map(tolerant).collect()
}

/// The link that is deleted by undoing the step.
fn deleted<'s>(step: &'s Step, leaving: &impl Fn(&Step) -> bool) -> Option<&'s str> {
    if leaving(step) { None } else { requests::makes(step) }
}

/// Never 0, in which links are unless told. Without random bytes links are deleted one by one.
fn random_group() -> Option<u32> {
    let bytes = sys::random().ok()?;
    bytes.first_chunk().map(|chunk| u32::from_ne_bytes(*chunk) | 1 << 31)
}
