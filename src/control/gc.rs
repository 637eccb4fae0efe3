//! Collecting what nobody needs any more.

use super::locked::Locked;
use super::log::Level;
use super::{Netberth, records, sandbox};
use crate::error::{Doing, Result};
use crate::model::{Collected, Collection, Ns, Sandbox, SandboxKind};
use crate::plan::Ask;

impl Netberth {
    /// Removes what nobody needs any more, and tells what it was: sandboxes whose namespace is gone.
    ///
    /// # Errors
    /// The first that is met; what was collected before it stays collected.
    pub fn gc(&self) -> Result<Collection> {
        let mut locked = self.lock()?;
        collect(&mut locked).doing(|| "gc")
    }
}

fn collect(locked: &mut Locked<'_>) -> Result<Collection> {
    let mut collected = Vec::new();
    for sandbox in records::sandboxes(locked.store())? {
        let Some(why) = gone(locked, &sandbox)? else { continue };
        let id = sandbox.container.to_string();
        let doing = format!("delete sandbox {id}");
        sandbox::delete(locked, sandbox, &doing).doing(|| doing.clone())?;
        locked.say(Level::Info, || format!("collected sandbox {id}: {why}"));
        collected.push(Collected { kind: "sandbox".to_owned(), id: Some(id), name: None, why });
    }
    Ok(Collection { collected })
}

/// Why the namespace of a sandbox is no more, if it is so.
fn gone(locked: &Locked<'_>, sandbox: &Sandbox) -> Result<Option<String>> {
    let Ns::At { path, cookie } = &sandbox.ns else { return Ok(None) };
    let ask = Ask { namespace: Some(sandbox.ns.clone()), ..Ask::default() };
    let found = locked.kernel().facts(&ask)?.cookie;
    let at = path.display();
    Ok(match (found, cookie) {
        (None, _) if sandbox.kind == SandboxKind::Own => {
            Some(format!("no namespace is mounted at {at}"))
        }
        (None, _) => Some(format!("{at} leads to no namespace any more")),
        (Some(found), Some(meant)) if found != *meant => {
            Some(format!("{at} leads to another namespace"))
        }
        _ => None,
    })
}
