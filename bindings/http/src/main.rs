//! The HTTP server over netberth: Docker's experimental networking API of June 2015, and what
//! netberth adds to it.

mod answer;
mod arguments;
mod body;
mod bulk;
mod door;
mod endpoint;
mod gate;
mod host;
mod limits;
mod listen;
mod log;
mod network;
mod path;
mod peer;
mod query;
mod routes;
mod sandbox;
mod schema;
mod serve;
mod service;
mod tls;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use netberth::error::Doing;
use netberth::{Netberth, Result};

use crate::arguments::Arguments;
use crate::door::Door;
use crate::serve::Reload;
use crate::tls::Tls;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match log::begin(arguments.log_format, arguments.log_level, &arguments.access_log)
        .and_then(|access| run(&arguments, access))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::from(error.kind().exit())
        }
    }
}

/// Everything that needs a single thread (the file mode mask, the environment) comes before the
/// runtime.
fn run(arguments: &Arguments, access: log::Access) -> Result<()> {
    let tls = arguments.tls()?.map(Tls::load).transpose()?;
    let listeners = listen::all(&arguments.listen, arguments.group.as_deref(), tls.is_some())?;
    let reload = Reload { tls, access };
    let netberth = Netberth::open(arguments.config())?;
    netberth.set_log(Some(Arc::new(log::of_core)));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(door::THREADS)
        .enable_all()
        .build()
        .doing(|| "start the runtime")?;
    let outcome =
        runtime.block_on(serve::run(listeners, Door::new(netberth), arguments.limits(), reload));
    // What was under way had its time; a thread that still waits for the core's lock is left.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}
