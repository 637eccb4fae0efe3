//! `netberth`: container networks from the command line, in this process or through a server.

mod arguments;
mod bulk;
mod client;
mod context;
mod document;
mod door;
mod endpoint;
mod exec;
mod host;
mod join;
mod list;
mod local;
mod network;
mod port;
mod remote;
mod sandbox;
mod service;
mod show;
mod tls;
mod topology;
mod verb;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use netberth::{Kind, Result};

use crate::arguments::{Arguments, Command, Global};
use crate::context::Context;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let json = arguments.global.json;
    match run(arguments) {
        Ok(status) => status,
        Err(error) => {
            // A reader that has gone wants no more, not even this.
            let _ = show::error(&mut io::stderr().lock(), &error, json);
            ExitCode::from(error.kind().exit())
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode> {
    let Arguments { global, command } = arguments;
    match command {
        Command::Plan(plan) => {
            let again = Arguments::parse_from(plan.again(&global));
            return run(again);
        }
        Command::Completion(completion) => {
            let mut command = Arguments::command();
            // Into a pipe that nobody reads it would panic.
            let mut script = Vec::new();
            clap_complete::generate(completion.shell, &mut command, "netberth", &mut script);
            return write(&String::from_utf8_lossy(&script)).map(|()| ExitCode::SUCCESS);
        }
        Command::Man(man) => return host::man(&man).map(|()| ExitCode::SUCCESS),
        _ => {}
    }
    let mut context = Context::open(&global)?;
    let status = dispatch(&mut context, &global, command)?;
    context.flush()?;
    Ok(status)
}

fn dispatch(context: &mut Context, global: &Global, command: Command) -> Result<ExitCode> {
    match command {
        Command::Network(command) => network::run(context, command)?,
        Command::Endpoint(command) => endpoint::run(context, command)?,
        Command::Join(join) => return join::join(context, join),
        Command::Detach(detach) => join::detach(context, detach)?,
        Command::Service(command) => service::run(context, command)?,
        Command::Sandbox(command) => sandbox::run(context, command)?,
        Command::Port(command) => port::run(context, &command)?,
        Command::Verify => return host::verify(context),
        Command::Repair => return host::repair(context),
        Command::Gc => host::collect(context)?,
        Command::Exec(exec) => exec::run(context, &exec)?,
        Command::Topology(drawing) => topology::run(context, &drawing)?,
        Command::Version => host::version(context, global)?,
        Command::Plan(_) | Command::Completion(_) | Command::Man(_) => {}
    }
    Ok(context.status)
}

/// Writes what a command has to say; a reader that has gone is content with what it got.
fn write(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(netberth::Error::io(&error).with_kind(Kind::Kernel).doing("write the output"))
        }
        _ => Ok(()),
    }
}
