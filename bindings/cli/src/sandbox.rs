//! Sandboxes.

use clap::{Args, Subcommand};
use netberth::Result;

use crate::context::Context;
use crate::document::{list, members, text};
use crate::list as lists;
use crate::show::Table;
use crate::verb::{Change, Read};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List sandboxes
    #[command(after_help = "Examples:\n  netberth sandbox ls\n  netberth sandbox ls -q")]
    Ls(List),
    /// Show sandboxes whole
    #[command(after_help = "Example:\n  netberth sandbox inspect c1")]
    Inspect(Containers),
    /// Detach everything from containers, forget them, and destroy the namespaces that netberth made
    #[command(
        after_help = "Examples:\n  netberth sandbox rm c1 c2\n  netberth sandbox rm --dry-run c1"
    )]
    Rm(Containers),
}

#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only the ids of the containers
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Containers {
    /// The containers' ids, or their first four characters or more
    #[arg(required = true, value_name = "CONTAINER")]
    containers: Vec<String>,
}

pub(crate) fn run(context: &mut Context, command: Command) -> Result<()> {
    match command {
        Command::Ls(List { quiet }) => show(context, quiet),
        Command::Inspect(Containers { containers }) => {
            let resolve = |container: &String| context.container(container);
            let containers: Vec<String> = containers.iter().map(resolve).collect::<Result<_>>()?;
            lists::inspect(context, &containers, |container| Read::Sandbox {
                container: container.to_owned(),
            })
        }
        Command::Rm(Containers { containers }) => context.each(&containers, |context, given| {
            Ok(vec![Change::SandboxDelete { container: context.container(given)? }])
        }),
    }
}

fn show(context: &mut Context, quiet: bool) -> Result<()> {
    let document = context.ask(&Read::Sandboxes)?;
    if context.json {
        context.line(&document);
        return Ok(());
    }
    let all = crate::document::parse(&document)?;
    if quiet {
        for one in members(&all) {
            context.line(text(one, "container_id"));
        }
        return Ok(());
    }
    let mut table = Table::new(&["CONTAINER", "NAMESPACE", "MADE BY", "JOINED TO"]);
    for one in members(&all) {
        let owned = one.get("owned").and_then(serde_json::Value::as_bool).unwrap_or_default();
        let place =
            |at: &serde_json::Value| format!("{}/{}", text(at, "network"), text(at, "name"));
        table.row(vec![
            text(one, "container_id").to_owned(),
            text(one, "key").to_owned(),
            if owned { "netberth" } else { "others" }.to_owned(),
            list(one, "endpoints").iter().map(place).collect::<Vec<_>>().join(","),
        ]);
    }
    let table = table.text(context.colored);
    context.text(&table);
    Ok(())
}
