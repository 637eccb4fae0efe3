//! A new boot: the records are there, and nothing of what they tell is in the kernel.
//!
//! Opening changes nothing of the host then either. It takes note of how the host is before anything of
//! netberth's is there: that is what deleting the last network goes back to. `gc` and `repair` do the
//! rest.

use super::locked::Locked;
use super::records::{self, Writes, boot_key, network_steps, sandbox_key};
use crate::error::Result;
use crate::model::{Ns, SandboxKind};
use crate::plan::{Ask, Done, Step};

/// Compares the boot with the one that is recorded.
pub(super) fn notice(locked: &Locked<'_>) -> Result<()> {
    let now = locked.kernel().facts(&Ask { boot: true, ..Ask::default() })?.boot;
    let Some(now) = now else { return Ok(()) };
    let known = records::text(locked.store(), &boot_key())?;
    if known.as_ref() == Some(&now) {
        return Ok(());
    }
    let writes = Writes::durable().set(boot_key(), now);
    // Records that know of no boot are of an earlier version, and of this boot as far as can be told.
    let writes = if known.is_some() { begun(locked, writes)? } else { writes };
    locked.store().commit(&writes.batch())
}

fn begun(locked: &Locked<'_>, mut writes: Writes) -> Result<Writes> {
    for network in records::networks(locked.store())? {
        let key = network_steps(&network.id);
        let steps = records::steps(locked.store(), &key)?;
        writes = writes.put_steps(key, &remembered_anew(locked, steps)?)?;
    }
    for mut sandbox in records::sandboxes(locked.store())? {
        if sandbox.kind == SandboxKind::Host {
            sandbox.ended = true;
            writes = writes.put(sandbox_key(&sandbox.container), &sandbox)?;
        }
    }
    Ok(writes)
}

/// The same steps, with the settings of the host as they are now for what to go back to.
fn remembered_anew(locked: &Locked<'_>, steps: Vec<Done>) -> Result<Vec<Done>> {
    let shared = |step: &Step| match step {
        Step::Sysctl { ns: Ns::Host, key, before: Some(_), .. } => Some(key.clone()),
        _ => None,
    };
    let sysctls = steps.iter().filter_map(|done| shared(&done.step)).collect();
    let now = locked.kernel().facts(&Ask { sysctls, ..Ask::default() })?.sysctls;
    let anew = |mut done: Done| {
        match &mut done.step {
            Step::Sysctl { ns: Ns::Host, key, value, before: Some(before) } => {
                if let Some(now) = now.get(key) {
                    done.held = now == value;
                    before.clone_from(now);
                }
            }
            Step::Table { .. } => done.held = false,
            _ => {}
        }
        done
    };
    Ok(steps.into_iter().map(anew).collect())
}
