//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use netberth::Config;

use crate::listen::Address;

const LISTEN: &str = "Where to listen: unix:///PATH or tcp://LOOPBACK:PORT; repeatable. Plain TCP \
    asks nobody who they are: every user of the host can reach it [default: the sockets of the \
    service manager, else unix:///run/netberth/netberthd.sock]";

/// Serves container networks over HTTP: Docker's experimental networking API of June 2015.
#[derive(Debug, Parser)]
#[command(name = "netberthd", version = netberth::VERSION)]
pub(crate) struct Arguments {
    #[arg(long, value_name = "ADDRESS", help = LISTEN)]
    pub(crate) listen: Vec<Address>,

    /// Records, and the containers' files
    #[arg(long, value_name = "DIR")]
    state_dir: Option<String>,

    /// What does not outlive a boot
    #[arg(long, value_name = "DIR")]
    run_dir: Option<String>,

    /// Where the namespaces are mounted [default: netns below the run directory]
    #[arg(long, value_name = "DIR")]
    netns_dir: Option<String>,

    /// The group that may use the unix sockets [default: that of the process]
    #[arg(long, value_name = "NAME")]
    pub(crate) group: Option<String>,

    /// How log lines are written to standard error
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,

    /// The least that is logged
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub(crate) log_level: LogLevel,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One object a line
    Json,
}

/// The least that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    /// What failed on our side
    Error,
    /// And what could not be cleaned up
    Warning,
    /// And every request and change
    Info,
    /// And every step of a change, as an ip, nft or sysctl line
    Debug,
}

impl Arguments {
    /// What the core is opened with.
    pub(crate) fn config(&self) -> Config {
        let default = Config::default();
        let path = |text: &Option<String>| text.as_ref().map(PathBuf::from);
        Config {
            state_dir: path(&self.state_dir).unwrap_or(default.state_dir),
            run_dir: path(&self.run_dir).unwrap_or(default.run_dir),
            netns_dir: path(&self.netns_dir),
            lock_timeout: default.lock_timeout,
        }
    }
}
