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
mod listen;
mod log;
mod network;
mod path;
mod query;
mod routes;
mod sandbox;
mod schema;
mod serve;
mod service;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use netberth::error::Doing;
use netberth::{Netberth, Result};

use crate::arguments::Arguments;
use crate::door::Door;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log::begin(arguments.log_format, arguments.log_level);
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::from(error.kind().exit())
        }
    }
}

/// Everything that needs a single thread (the file mode mask, the environment) comes before the
/// runtime.
fn run(arguments: &Arguments) -> Result<()> {
    let listeners = listen::all(&arguments.listen, arguments.group.as_deref())?;
    let netberth = Netberth::open(arguments.config())?;
    netberth.set_log(Some(Arc::new(log::of_core)));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(door::THREADS)
        .enable_all()
        .build()
        .doing(|| "start the runtime")?;
    let outcome = runtime.block_on(serve::run(listeners, Door::new(netberth)));
    // What was under way had its time; a thread that still waits for the core's lock is left.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}
