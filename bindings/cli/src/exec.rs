//! A command in a container's network, with its names: what `ip netns exec` is for namespaces that
//! `ip` made.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use clap::Args;
use netberth::error::Doing;
use netberth::{Error, Kind, Result};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};

use crate::context::Context;
use crate::document::text;
use crate::verb::Read;

const EXEC: &str = "\
Examples:
  netberth exec c1 -- ip address
  netberth exec c1 -- curl http://front/

It runs on this host's files, with the network, the names and the resolver of the container. The exit
status is that of the command, and signals reach it; 127 if there is none of that name, 126 if it
cannot be run.";

#[derive(Args, Debug)]
#[command(after_help = EXEC)]
pub(crate) struct Exec {
    /// The container's id, or its first four characters or more
    container: String,

    /// The command and its arguments
    #[arg(required = true, last = true)]
    command: Vec<OsString>,
}

/// Becomes the command: it returns only if that fails.
pub(crate) fn run(context: &mut Context, exec: &Exec) -> Result<()> {
    if !context.is_local() {
        let what = "a namespace can only be entered on its own machine: use a unix socket, or none";
        return Err(Error::new(Kind::Unsupported, what));
    }
    let container = context.container(&exec.container)?;
    let sandbox = context.look(&Read::Sandbox { container })?;
    let Some((program, arguments)) = exec.command.split_first() else { return Ok(()) };
    enter(Path::new(text(&sandbox, "key")))?;
    for (file, place) in [("hosts_path", "/etc/hosts"), ("resolv_conf_path", "/etc/resolv.conf")] {
        cover(Path::new(text(&sandbox, file)), Path::new(place))?;
    }
    let error = Command::new(program).args(arguments).exec();
    let _ = crate::show::error(
        &mut std::io::stderr(),
        &Error::io(&error).doing(format!("run {}", program.display())),
        context.json,
    );
    // As shells have it.
    let missing = error.kind() == std::io::ErrorKind::NotFound;
    std::process::exit(if missing { 127 } else { 126 });
}

fn enter(key: &Path) -> Result<()> {
    let doing = || format!("enter {}", key.display());
    let namespace = File::open(key).doing(doing)?;
    setns(namespace, CloneFlags::CLONE_NEWNET).doing(doing)?;
    unshare(CloneFlags::CLONE_NEWNS).doing(|| "unshare --mount")?;
    let none: Option<&str> = None;
    // What is mounted from here on is for the command alone.
    let flags = MsFlags::MS_SLAVE | MsFlags::MS_REC;
    mount(none, "/", none, flags, none).doing(|| "mount --make-rslave /")?;
    // /sys/class/net is that of the namespace in which sysfs was mounted. A host where that is not
    // allowed keeps its own view: all else works.
    let _ = mount(Some("sysfs"), "/sys", Some("sysfs"), MsFlags::empty(), none);
    Ok(())
}

/// Lets a file stand where another is; where there is none, none is expected.
fn cover(file: &Path, place: &Path) -> Result<()> {
    if !file.is_file() || !place.exists() {
        return Ok(());
    }
    let none: Option<&str> = None;
    let line = || format!("mount --bind {} {}", file.display(), place.display());
    mount(Some(file), place, none, MsFlags::MS_BIND, none).doing(line)
}
