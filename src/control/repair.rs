//! Making it as it was made: exactly what differs, and nothing else.

use super::Netberth;
use super::locked::Locked;
use super::log::Level;
use super::verify::{Sight, look};
use crate::error::{Doing, Error, Result};
use crate::model::{Difference, Repair};
use crate::plan::Step;
use crate::services::checks::{self, Finding, Mend};

impl Netberth {
    /// Mends what [`Netberth::verify`] tells of, as far as netberth can: what is right is not touched.
    /// After a reboot, networks come back by it.
    ///
    /// What cannot be mended is left: rules of other programs, settings of the host, containers whose
    /// namespaces are gone ([`Netberth::gc`]). Each mending stands by itself, and none needs to be
    /// undone if the process dies: what it has not come to is a difference still.
    ///
    /// # Errors
    /// Those of [`Netberth::verify`]. A mending that the kernel refuses is no error: the difference
    /// stays, and says why.
    pub fn repair(&self) -> Result<Repair> {
        let mut locked = self.lock()?;
        repair(&mut locked).doing(|| "repair")
    }
}

fn repair(locked: &mut Locked<'_>) -> Result<Repair> {
    let before = look(locked)?;
    let findings = before.findings()?;
    let told = checks::told(&findings);
    let refusals = mend(locked, &before, &findings);
    let after = checks::told(&look(locked)?.findings()?);
    let same = |one: &Difference, other: &Difference| {
        (&one.owner, &one.object, &one.expected) == (&other.owner, &other.object, &other.expected)
    };
    let left = |one: &Difference| after.iter().any(|other| same(one, other));
    let repaired: Vec<Difference> = told.into_iter().filter(|one| !left(one)).collect();
    for one in &repaired {
        locked.say(Level::Info, || format!("repaired {}: {}", one.object, one.expected));
    }
    let differences = after.into_iter().map(|one| with_reason(one, &refusals)).collect();
    Ok(Repair { repaired, differences })
}

/// Why a difference could not be mended.
type Refusal = (Difference, Error);

fn with_reason(mut difference: Difference, refusals: &[Refusal]) -> Difference {
    let of = refusals.iter().find(|(refused, _)| {
        (&refused.owner, &refused.object) == (&difference.owner, &difference.object)
    });
    if let Some((_, error)) = of {
        difference.found = format!("{}: cannot be mended: {error}", difference.found);
    }
    difference
}

/// The table first: its elements are added to what is there then. Each mending is tried, whatever
/// becomes of the others.
fn mend(locked: &mut Locked<'_>, before: &Sight, findings: &[Finding]) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let anew = findings.iter().find(|finding| finding.mends.contains(&Mend::Table));
    if let Some(finding) = anew
        && let Err(error) = table(locked, before)
    {
        refusals.push((finding.difference.clone(), error));
    }
    for finding in findings {
        for mend in &finding.mends {
            let result = match mend {
                Mend::Table => Ok(()),
                Mend::Apply(step) => apply(locked, step),
                Mend::Undo(step) => undo(locked, step),
            };
            if let Err(error) = result {
                refusals.push((finding.difference.clone(), error));
                break;
            }
        }
    }
    refusals
}

fn apply(locked: &mut Locked<'_>, step: &Step) -> Result<()> {
    let outcome = locked.kernel().apply(std::slice::from_ref(step));
    match outcome.failed {
        Some((_, error)) => Err(error),
        None => {
            locked.say(Level::Debug, || step.to_string());
            Ok(())
        }
    }
}

fn undo(locked: &mut Locked<'_>, step: &Step) -> Result<()> {
    let result = locked.kernel().undo(std::slice::from_ref(step)).pop().unwrap_or(Ok(()));
    if result.is_ok() {
        locked.say(Level::Debug, || format!("undone: {step}"));
    }
    result
}

/// Whatever is there under its name goes, and the table is made with every element that is recorded.
/// In between there is none, for the time of two requests.
fn table(locked: &mut Locked<'_>, before: &Sight) -> Result<()> {
    let step = Step::Table { name: checks::TABLE.to_owned() };
    if locked.kernel().holds(&step)? {
        undo(locked, &step)?;
    }
    apply(locked, &step)?;
    let add = checks::every_element(&before.records);
    apply(locked, &Step::Swap { remove: Vec::new(), add })
}
