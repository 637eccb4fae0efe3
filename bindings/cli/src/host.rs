//! The host, and the program itself.

use std::fs;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use clap::CommandFactory;
use netberth::Result;
use netberth::error::Doing;
use serde_json::Value;

use crate::arguments::{Arguments, Global, Man};
use crate::context::Context;
use crate::document::{list, parse, text};
use crate::verb::{Change, Read};

/// What is not as it was made; exit status 1 if there is something.
pub(crate) fn verify(context: &mut Context) -> Result<ExitCode> {
    let document = context.ask(&Read::Verify)?;
    let found = parse(&document)?;
    let differences = list(&found, "differences");
    let status = if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if context.json {
        context.line(&document);
        return Ok(status);
    }
    if differences.is_empty() {
        context.line("everything is as it was made");
    }
    list_differences(context, differences);
    Ok(status)
}

/// Sets right what can be; exit status 1 if something cannot.
pub(crate) fn repair(context: &mut Context) -> Result<ExitCode> {
    let Some(document) = context.change(&Change::Repair)? else { return Ok(ExitCode::SUCCESS) };
    let done = parse(&document)?;
    let (repaired, left) = (list(&done, "repaired"), list(&done, "differences"));
    let status = if left.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if context.json {
        context.line(&document);
        return Ok(status);
    }
    for one in repaired {
        context.line(&format!("repaired {}: {}", whose(one), text(one, "object")));
    }
    match (repaired.len(), left.len()) {
        (0, 0) => context.line("everything is as it was made"),
        (_, 0) => {}
        (_, count) => context.line(&format!("{count} differences are left:")),
    }
    list_differences(context, left);
    Ok(status)
}

/// Removes what nobody needs, and says what and why.
pub(crate) fn collect(context: &mut Context) -> Result<()> {
    let Some(document) = context.change(&Change::Gc)? else { return Ok(()) };
    if context.json {
        context.line(&document);
        return Ok(());
    }
    let done = parse(&document)?;
    let collected = list(&done, "collected");
    if collected.is_empty() {
        context.line("nothing to collect");
    }
    for one in collected {
        // A sandbox has its container's id, all else a name.
        let name = if text(one, "id").is_empty() { text(one, "name") } else { text(one, "id") };
        let (kind, why) = (text(one, "kind"), text(one, "why"));
        context.line(&format!("collected {kind} {name}: {why}"));
    }
    Ok(())
}

/// `network web`, or `host`.
fn whose(difference: &Value) -> String {
    let owner = difference.get("owner").unwrap_or(&Value::Null);
    format!("{} {}", text(owner, "kind"), text(owner, "name")).trim_end().to_owned()
}

fn list_differences(context: &mut Context, differences: &[Value]) {
    let (bold, green, red) = if context.colored {
        (Style::new().bold(), AnsiColor::Green.on_default(), AnsiColor::Red.on_default())
    } else {
        (Style::new(), Style::new(), Style::new())
    };
    for one in differences {
        context.line(&format!("{bold}{}{bold:#}: {}", whose(one), text(one, "object")));
        context.line(&format!("  expected  {green}{}{green:#}", text(one, "expected")));
        context.line(&format!("  found     {red}{}{red:#}", text(one, "found")));
    }
}

/// The versions of everything that plays a part.
pub(crate) fn version(context: &mut Context, global: &Global) -> Result<()> {
    let document = context.ask(&Read::Version)?;
    if context.json {
        context.line(&document);
        return Ok(());
    }
    let found = parse(&document)?;
    let place = global.host.as_ref().map(|host| format!(", at {host}")).unwrap_or_default();
    let abi = found.get("abi").map(ToString::to_string).unwrap_or_default();
    context.line(&format!(
        "netberth {} ({}){place}",
        text(&found, "version"),
        text(&found, "commit")
    ));
    context.line(&format!("C interface {abi}, kernel {}", text(&found, "kernel")));
    Ok(())
}

/// Writes the manual pages: one for the program, and one for each command.
pub(crate) fn man(man: &Man) -> Result<()> {
    let directory = &man.directory;
    fs::create_dir_all(directory).doing(|| format!("mkdir -p {}", directory.display()))?;
    let command = Arguments::command();
    clap_mangen::generate_to(command, directory)
        .doing(|| format!("write manual pages to {}", directory.display()))
}
