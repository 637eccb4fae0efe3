//! The command line.

use std::path::PathBuf;

use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::{Parser, ValueEnum};
use netberth::{Config, Error, Kind, Result};

use crate::limits::Limits;
use crate::listen::Address;
use crate::tls::Files;

const LISTEN: &str = "Where to listen: unix:///PATH or tcp://ADDRESS:PORT; repeatable. TCP beyond \
    loopback needs TLS. Plain TCP asks nobody who they are: every user of the host can reach it [default: the sockets of the \
    service manager, else unix:///run/netberth/netberthd.sock]";

fn seconds() -> RangedU64ValueParser {
    RangedU64ValueParser::new().range(1..=3600)
}

fn connections() -> RangedU64ValueParser {
    RangedU64ValueParser::new().range(1..=65_536)
}

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

    /// This server's certificate and those between it and a root, in PEM: TCP is TLS from here on
    #[arg(long, value_name = "FILE", requires_all = ["tlskey", "tlscacert"])]
    tlscert: Option<PathBuf>,

    /// The key of the certificate, in PEM
    #[arg(long, value_name = "FILE", requires_all = ["tlscert", "tlscacert"])]
    tlskey: Option<PathBuf>,

    /// Who must have signed the certificates of clients, in PEM: one without such is not served
    #[arg(long, value_name = "FILE", requires_all = ["tlscert", "tlskey"])]
    tlscacert: Option<PathBuf>,

    /// How long the head of a request may take, and the pause before it, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = seconds())]
    header_timeout: u64,

    /// How long the body of a request may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = seconds())]
    body_timeout: u64,

    /// How long a client may not read its answer, or not acknowledge it, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = seconds())]
    write_timeout: u64,

    /// Connections at once, of each listener; more wait
    #[arg(long, value_name = "NUMBER", default_value_t = 512, value_parser = connections())]
    max_connections: u64,

    /// Connections at once of one user, or of one address; more are answered by 503
    #[arg(long, value_name = "NUMBER", default_value_t = 256, value_parser = connections())]
    max_connections_per_peer: u64,

    /// Where requests are noted, one line each: a file, - for the log, or none
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) access_log: PathBuf,

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
    /// The three files of TLS, or none of them.
    pub(crate) fn tls(&self) -> Result<Option<Files>> {
        match (&self.tlscert, &self.tlskey, &self.tlscacert) {
            (Some(cert), Some(key), Some(ca)) => {
                Ok(Some(Files { cert: cert.clone(), key: key.clone(), ca: ca.clone() }))
            }
            (None, None, None) => Ok(None),
            // The command line does not let it come to this.
            _ => {
                let what = "give --tlscert, --tlskey and --tlscacert together";
                Err(Error::new(Kind::Invalid, what))
            }
        }
    }

    /// What no client may go beyond.
    pub(crate) fn limits(&self) -> Limits {
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Limits {
            header: Duration::from_secs(self.header_timeout),
            body: Duration::from_secs(self.body_timeout),
            write: Duration::from_secs(self.write_timeout),
            connections: count(self.max_connections),
            per_peer: count(self.max_connections_per_peer),
        }
    }

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
