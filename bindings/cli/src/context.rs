//! What every command has at hand: the way to netberth, and the way to the reader.

use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::sync::Arc;

use netberth::{Config, Error, Kind, Level, Result};
use serde_json::Value;

use crate::arguments::{Color, Global};
use crate::client::Client;
use crate::document;
use crate::door::Door;
use crate::local::Local;
use crate::remote::Remote;
use crate::verb::{Change, Read};

/// A command's surroundings.
pub(crate) struct Context {
    door: Box<dyn Door>,
    /// Documents rather than tables.
    pub(crate) json: bool,
    /// Standard output understands colours.
    pub(crate) colored: bool,
    dry_run: bool,
    said: String,
}

impl Context {
    /// Opens the state directory, or makes ready to ask a server.
    ///
    /// # Errors
    /// Those of [`netberth::Netberth::open`].
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
        Ok(Context { door, json, colored, dry_run, said: String::new() })
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

    /// Changes each of several things, whatever becomes of the others, and says the name of each that
    /// is done; the error is that of the first.
    ///
    /// # Errors
    /// Those of the verb.
    pub(crate) fn each(&mut self, names: &[String], verb: impl Fn(&str) -> Change) -> Result<()> {
        let progress = crate::bulk::progress(names.len());
        let mut failed: Option<Error> = None;
        for name in names {
            match self.change(&verb(name)) {
                Ok(Some(_)) if !self.json => self.line(name),
                Ok(_) => {}
                Err(error) => {
                    failed = Some(match failed {
                        None => error,
                        Some(first) => {
                            progress.suspend(|| {
                                let _ = crate::show::error(&mut io::stderr(), &error, self.json);
                            });
                            first
                        }
                    });
                }
            }
            progress.inc(1);
        }
        progress.finish_and_clear();
        failed.map_or(Ok(()), |error| {
            // What was done has been done: it is said, too.
            self.flush()?;
            Err(error)
        })
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

fn door(global: &Global) -> Result<Box<dyn Door>> {
    if let Some(address) = &global.host {
        return Ok(Box::new(Remote::new(Client::new(address.clone())?)));
    }
    let default = Config::default();
    let local = Local::open(Config {
        state_dir: global.state_dir.clone().unwrap_or(default.state_dir),
        run_dir: global.run_dir.clone().unwrap_or(default.run_dir),
        netns_dir: global.netns_dir.clone(),
        lock_timeout: default.lock_timeout,
    })?;
    if global.verbose {
        local.netberth().set_log(Some(Arc::new(|level, message: &str| {
            let mark = match level {
                Level::Warning => "warning: ",
                Level::Info => "",
                Level::Debug => "  ",
            };
            let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("{mark}{message}\n"));
        })));
    }
    Ok(Box::new(local))
}
