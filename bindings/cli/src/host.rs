//! The host, and the program itself.

use std::fs;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use clap::CommandFactory;
use netberth::Result;
use netberth::error::Doing;

use crate::arguments::{Arguments, Global, Man};
use crate::context::Context;
use crate::document::{list, parse, text};
use crate::verb::Read;

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
    let (bold, green, red) = if context.colored {
        (Style::new().bold(), AnsiColor::Green.on_default(), AnsiColor::Red.on_default())
    } else {
        (Style::new(), Style::new(), Style::new())
    };
    for one in differences {
        let owner = one.get("owner").unwrap_or(&serde_json::Value::Null);
        let (kind, name) = (text(owner, "kind"), text(owner, "name"));
        let whose = if name.is_empty() { kind.to_owned() } else { format!("{kind} {name}") };
        context.line(&format!("{bold}{whose}{bold:#}: {}", text(one, "object")));
        context.line(&format!("  expected  {green}{}{green:#}", text(one, "expected")));
        context.line(&format!("  found     {red}{}{red:#}", text(one, "found")));
    }
    Ok(status)
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
