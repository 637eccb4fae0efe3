//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::client::Address;
use crate::{endpoint, exec, join, network, port, sandbox, service, topology};

const EXAMPLES: &str = "\
Examples:
  netberth network create web --subnet 10.88.0.0/24
  netberth endpoint create web front -p 8080:80
  netberth join web front c1                 # prints the path of the container's namespace
  netberth exec c1 -- ip address
  netberth plan join web back c2             # the ip and nft lines; nothing is done
  netberth topology
  netberth sandbox rm c1 && netberth endpoint rm web front && netberth network rm web

Exit status: 0, or that of the kind of failure: 2 invalid, 3 not found, 4 exists, 5 in use,
6 exhausted, 7 denied, 8 unsupported, 9 kernel, 10 store, 11 busy, 12 timeout, 13 a bug. With --json
the error is a document, too, on standard error.";

const HOST: &str = "Ask the server at unix:///PATH or tcp://HOST:PORT instead of doing it in this \
    process";
const COLOR: &str = "When to use colours; NO_COLOR is honoured";

/// Networks for containers: in this process, without a daemon
#[derive(Debug, Parser)]
#[command(name = "netberth", version = netberth::VERSION, after_help = EXAMPLES)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Args, Debug)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    #[arg(short = 'H', long, global = true, value_name = "SERVER", env = "NETBERTH_HOST")]
    #[arg(hide_env_values = true, help = HOST)]
    pub(crate) host: Option<Address>,

    /// Who signed the server's certificate, in PEM
    #[arg(long, global = true, value_name = "FILE", env = "NETBERTH_TLSCACERT")]
    #[arg(hide_env_values = true, hide_short_help = true, requires_all = ["tlscert", "tlskey"])]
    pub(crate) tlscacert: Option<PathBuf>,

    /// Our certificate, in PEM
    #[arg(long, global = true, value_name = "FILE", env = "NETBERTH_TLSCERT")]
    #[arg(hide_env_values = true, hide_short_help = true, requires_all = ["tlscacert", "tlskey"])]
    pub(crate) tlscert: Option<PathBuf>,

    /// Our private key, in PEM
    #[arg(long, global = true, value_name = "FILE", env = "NETBERTH_TLSKEY")]
    #[arg(hide_env_values = true, hide_short_help = true, requires_all = ["tlscacert", "tlscert"])]
    pub(crate) tlskey: Option<PathBuf>,

    /// Records, and the containers' files [default: /var/lib/netberth]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        conflicts_with = "host",
        hide_short_help = true
    )]
    pub(crate) state_dir: Option<PathBuf>,

    /// What does not outlive a boot [default: /run/netberth]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        conflicts_with = "host",
        hide_short_help = true
    )]
    pub(crate) run_dir: Option<PathBuf>,

    /// Where the namespaces are mounted [default: netns below the run directory]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        conflicts_with = "host",
        hide_short_help = true
    )]
    pub(crate) netns_dir: Option<PathBuf>,

    /// Print the JSON documents of the HTTP interface, one a line
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Print what a change would do, as ip, nft and sysctl lines, and do nothing
    #[arg(long, global = true)]
    pub(crate) dry_run: bool,

    /// Say on standard error what is done, line by line
    #[arg(short, long, global = true, conflicts_with = "host")]
    pub(crate) verbose: bool,

    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help = COLOR)]
    pub(crate) color: Color,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create, list, inspect and delete networks
    #[command(subcommand, visible_alias = "net")]
    Network(network::Command),
    /// Create, list, inspect and delete endpoints
    #[command(subcommand, visible_alias = "ep")]
    Endpoint(endpoint::Command),
    /// Join a container to an endpoint, or many at once
    Join(join::Join),
    /// Detach a container from an endpoint
    Detach(join::Detach),
    /// Publish services, and attach and detach what is behind them
    #[command(subcommand, visible_alias = "svc")]
    Service(service::Command),
    /// List, inspect and delete sandboxes
    #[command(subcommand)]
    Sandbox(sandbox::Command),
    /// List published ports
    #[command(subcommand)]
    Port(port::Command),
    /// Print the ip, nft and sysctl lines of a changing command, and do nothing
    Plan(Plan),
    /// Compare what was made with what the host has
    #[command(
        after_help = "Example:\n  netberth verify\n\nExit status 1 if there are differences. Nothing is changed."
    )]
    Verify,
    /// Set right what is not as it was made; what is right is not touched
    #[command(
        after_help = "Examples:\n  netberth repair\n  netberth plan repair\n\nExit status 1 if differences are left."
    )]
    Repair,
    /// Remove what nobody needs any more: what is left of containers that are gone
    #[command(after_help = "Examples:\n  netberth gc\n  netberth gc --dry-run")]
    Gc,
    /// Run a command in a container's network
    Exec(exec::Exec),
    /// Draw networks, endpoints, services and containers
    Topology(topology::Topology),
    /// Print the versions of everything that plays a part
    #[command(after_help = "Example:\n  netberth version\n\nWith -H, those of the server.")]
    Version,
    /// Print completions for a shell
    Completion(Completion),
    /// Write the manual pages into a directory
    #[command(hide = true)]
    Man(Man),
}

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  netberth plan network create web --ipv6")]
pub(crate) struct Plan {
    /// The command, without `netberth`
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    #[arg(value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Plan {
    /// The command line of which this is short.
    pub(crate) fn again(self, global: &Global) -> Vec<OsString> {
        let mut all: Vec<OsString> = vec!["netberth".into(), "--dry-run".into()];
        let mut option = |name: &str, value: Option<OsString>| {
            if let Some(value) = value {
                all.extend([name.into(), value]);
            }
        };
        let path = |path: &Option<PathBuf>| path.clone().map(OsString::from);
        option("--host", global.host.as_ref().map(|host| host.to_string().into()));
        option("--tlscacert", path(&global.tlscacert));
        option("--tlscert", path(&global.tlscert));
        option("--tlskey", path(&global.tlskey));
        option("--state-dir", path(&global.state_dir));
        option("--run-dir", path(&global.run_dir));
        option("--netns-dir", path(&global.netns_dir));
        for (on, name) in [(global.json, "--json"), (global.verbose, "--verbose")] {
            all.extend(on.then(|| OsString::from(name)));
        }
        all.extend(self.command);
        all
    }
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  netberth completion bash > /etc/bash_completion.d/netberth\n  \
    netberth completion zsh > ~/.zfunc/_netberth\n  \
    netberth completion fish > ~/.config/fish/completions/netberth.fish"
)]
pub(crate) struct Completion {
    pub(crate) shell: Shell,
}

#[derive(Args, Debug)]
pub(crate) struct Man {
    pub(crate) directory: PathBuf,
}

/// A `KEY=VALUE` argument.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    /// Every command that is no group of others, with the words that lead to it.
    fn leaves(command: &clap::Command, path: &str, found: &mut Vec<(String, clap::Command)>) {
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
            let path = format!("{path} {}", sub.get_name());
            if sub.has_subcommands() {
                leaves(sub, &path, found);
            } else {
                found.push((path, sub.clone()));
            }
        }
    }

    #[test]
    fn every_command_says_what_it_is_and_has_an_example_that_parses() {
        let mut found = Vec::new();
        leaves(&Arguments::command(), "netberth", &mut found);
        assert!(found.len() > 25, "{}", found.len());
        for (path, command) in found {
            assert!(command.get_about().is_some(), "{path} says nothing");
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let lines = help.lines().map(str::trim).filter(|line| line.starts_with(&path));
            let lines: Vec<&str> = lines.collect();
            assert!(!lines.is_empty(), "{path} has no example");
            for line in lines {
                // What the shell keeps for itself.
                let words = line.split(['#', '|', '>']).next().unwrap().replace('\'', "");
                let parsed = Arguments::try_parse_from(words.split_whitespace());
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
            }
        }
    }

    #[test]
    fn a_plan_is_the_command_rehearsed() {
        let line = [
            "netberth",
            "--state-dir",
            "/s",
            "--json",
            "plan",
            "join",
            "web",
            "a",
            "c",
            "--pid",
            "7",
        ];
        let Arguments { global, command } = Arguments::parse_from(line);
        let Command::Plan(plan) = command else { panic!("no plan: {command:?}") };
        let again = Arguments::parse_from(plan.again(&global));
        assert!(again.global.dry_run && again.global.json);
        assert_eq!(again.global.state_dir, Some("/s".into()));
        assert!(matches!(again.command, Command::Join(_)));
    }
}
