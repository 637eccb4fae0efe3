//! What every command has at hand: the way to netberth, and the way to the reader.

use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use netberth::error::Doing;
use netberth::{Config, Error, Kind, Result};
use serde_json::Value;

use crate::arguments::{Color, Global};
use crate::client::{Address, Client};
use crate::document;
use crate::door::Door;
use crate::local::Local;
use crate::remote::Remote;
use crate::tls::{self, Credentials};
use crate::verb::{Change, Read};

/// The shortest beginning of an id that stands for it, as for every noun.
const LEAST_PREFIX: usize = 4;

/// A command's surroundings.
pub(crate) struct Context {
    door: Box<dyn Door>,
    /// Documents rather than tables.
    pub(crate) json: bool,
    /// Standard output understands colours.
    pub(crate) colored: bool,
    dry_run: bool,
    said: String,
    /// Of several things that were to be done, that of the first that failed.
    pub(crate) status: ExitCode,
}

impl Context {
    /// Makes ready to open the state directory, or to ask a server.
    ///
    /// # Errors
    /// `invalid` for credentials that are none, or that are missing.
    pub(crate) fn open(global: &Global) -> Result<Self> {
        let colored = match global.color {
            Color::Always => true,
            Color::Never => false,
            // https://no-color.org
            Color::Auto => {
                std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                    && io::stdout().is_terminal()
            }
        };
        let door = door(global)?;
        let (json, dry_run) = (global.json, global.dry_run);
        Ok(Context { door, json, colored, dry_run, said: String::new(), status: ExitCode::SUCCESS })
    }

    /// Asks, and returns the document as it came.
    ///
    /// # Errors
    /// Those of the verb; `invalid` with `--dry-run`, of which nothing comes here.
    pub(crate) fn ask(&self, verb: &Read) -> Result<String> {
        if self.dry_run {
            let what = "--dry-run: this command changes nothing: leave it out";
            return Err(Error::new(Kind::Invalid, what));
        }
        self.door.read(verb)
    }

    /// Asks for what a change needs to know, also of one that is only rehearsed.
    ///
    /// # Errors
    /// Those of the verb.
    pub(crate) fn look_before(&self, verb: &Read) -> Result<Value> {
        document::parse(&self.door.read(verb)?)
    }

    /// Asks, for a table.
    ///
    /// # Errors
    /// Those of [`Context::ask`].
    pub(crate) fn look(&self, verb: &Read) -> Result<Value> {
        document::parse(&self.ask(verb)?)
    }

    /// Changes something and returns the answer, or with `--dry-run` says what it would do and returns
    /// nothing.
    ///
    /// # Errors
    /// Those of the verb.
    pub(crate) fn change(&mut self, verb: &Change) -> Result<Option<String>> {
        if !self.dry_run {
            return self.door.change(verb).map(Some);
        }
        let plan = self.door.plan(verb)?;
        if self.json {
            self.line(&plan);
            return Ok(None);
        }
        let lines = document::parse(&plan)?;
        for line in document::texts(&lines, "plan") {
            self.line(line);
        }
        Ok(None)
    }

    /// Changes something that has an id or a path for an answer, and says that.
    ///
    /// # Errors
    /// Those of the verb.
    pub(crate) fn make(&mut self, verb: &Change) -> Result<()> {
        let Some(answer) = self.change(verb)? else { return Ok(()) };
        if self.json {
            self.line(&answer);
        } else {
            let text = document::parse(&answer)?;
            self.line(text.as_str().unwrap_or(&answer));
        }
        Ok(())
    }

    /// One after the other, up to the first that fails.
    fn all(&mut self, verbs: &[Change]) -> Result<()> {
        verbs.iter().try_for_each(|verb| self.change(verb).map(drop))
    }

    /// Changes each of several things, whatever becomes of the others, and says the name of each that
    /// is done and the error of each that is not; the exit status is that of the first of these.
    ///
    /// # Errors
    /// Those of standard output.
    pub(crate) fn each(
        &mut self,
        names: &[String],
        verbs: impl Fn(&Context, &str) -> Result<Vec<Change>>,
    ) -> Result<()> {
        let progress = crate::bulk::progress(names.len());
        let mut failed = false;
        for name in names {
            match verbs(self, name).and_then(|verbs| self.all(&verbs)) {
                Ok(()) if !self.json && !self.dry_run => self.line(name),
                Ok(()) => {}
                Err(error) => {
                    progress
                        .suspend(|| crate::show::error(&mut io::stderr(), &error, self.json))
                        .unwrap_or_default();
                    if !std::mem::replace(&mut failed, true) {
                        self.status = ExitCode::from(error.kind().exit());
                    }
                }
            }
            // What is done is said when it is done: it may be long until the last.
            progress.suspend(|| self.flush())?;
            progress.inc(1);
        }
        progress.finish_and_clear();
        Ok(())
    }

    /// The id of a container from the beginning of it that only one has; what is no beginning is
    /// left to the verb to refuse.
    ///
    /// # Errors
    /// `invalid` for one that several have.
    pub(crate) fn container(&self, given: &str) -> Result<String> {
        match self.door.read(&Read::Sandbox { container: given.to_owned() }) {
            Err(error) if error.kind() == Kind::NotFound && given.len() >= LEAST_PREFIX => {}
            _ => return Ok(given.to_owned()),
        }
        let all = self.look_before(&Read::Sandboxes)?;
        let ids: Vec<&str> = document::members(&all)
            .iter()
            .map(|sandbox| document::text(sandbox, "container_id"))
            .filter(|id| id.starts_with(given))
            .collect();
        match ids.as_slice() {
            [only] => Ok((*only).to_owned()),
            [] => Ok(given.to_owned()),
            several => {
                let count = several.len();
                let what =
                    format!("container {given} is ambiguous: {count} match, give more of it");
                Err(Error::new(Kind::Invalid, what))
            }
        }
    }

    /// Whether namespaces and files of the answers are on this machine.
    pub(crate) fn is_local(&self) -> bool {
        self.door.is_local()
    }

    /// Says a line.
    pub(crate) fn line(&mut self, line: &str) {
        let _ = writeln!(self.said, "{line}");
    }

    /// Says lines that end already.
    pub(crate) fn text(&mut self, text: &str) {
        self.said.push_str(text);
    }

    /// Writes what was said.
    ///
    /// # Errors
    /// Those of standard output.
    pub(crate) fn flush(&mut self) -> Result<()> {
        crate::write(&std::mem::take(&mut self.said))
    }
}

fn client(global: &Global, address: &Address) -> Result<Client> {
    let files = (global.tlscacert.as_deref(), global.tlscert.as_deref(), global.tlskey.as_deref());
    match files {
        (Some(authority), Some(certificate), Some(key)) => {
            let config = tls::config(&Credentials { authority, certificate, key })?;
            Client::new(address.clone(), Some(config))
        }
        _ => Client::new(address.clone(), None),
    }
}

fn door(global: &Global) -> Result<Box<dyn Door>> {
    if let Some(address) = &global.host {
        return Ok(Box::new(Remote::new(client(global, address)?)));
    }
    let default = Config::default();
    let config = Config {
        state_dir: absolute(global.state_dir.as_deref())?.unwrap_or(default.state_dir),
        run_dir: absolute(global.run_dir.as_deref())?.unwrap_or(default.run_dir),
        netns_dir: absolute(global.netns_dir.as_deref())?,
        lock_timeout: default.lock_timeout,
    };
    Ok(Box::new(Local::new(config, global.verbose)))
}

/// Records keep such paths, and the next command is typed elsewhere.
fn absolute(path: Option<&Path>) -> Result<Option<PathBuf>> {
    path.map(std::path::absolute).transpose().doing(|| "find the current directory")
}
