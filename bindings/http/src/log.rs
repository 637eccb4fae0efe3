//! The log: standard error, one line for each event; requests may have a file of their own.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use netberth::error::Doing;
use netberth::{Level, Result};
use parking_lot::Mutex;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::arguments::{LogFormat, LogLevel};

/// What a request's line is marked with.
pub(crate) const ACCESS: &str = "access";

/// From here on what is said is written.
///
/// # Errors
/// Those of opening the file of requests.
pub(crate) fn begin(format: LogFormat, level: LogLevel, requests: &Path) -> Result<Access> {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warning => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let everything = Targets::new().with_default(level);
    let (access, rest) = match requests.to_str() {
        Some("-") => (Access(None), everything),
        // What failed on our side is said in any case.
        Some("none") => (Access(None), everything.with_target(ACCESS, LevelFilter::ERROR)),
        _ => {
            let access = Access(Some(Arc::new(Opened::open(requests)?)));
            (access, everything.with_target(ACCESS, LevelFilter::ERROR))
        }
    };
    let apart = access.0.clone().map(|opened| {
        let only = Targets::new().with_target(ACCESS, LevelFilter::INFO);
        lines(format, Apart(opened)).with_filter(only)
    });
    let main = lines(format, io::stderr).with_filter(rest);
    tracing_subscriber::registry().with(main).with(apart).init();
    Ok(access)
}

type Lines<S> = Box<dyn Layer<S> + Send + Sync>;

fn lines<S, W>(format: LogFormat, writer: W) -> Lines<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    match format {
        LogFormat::Text => lines.with_ansi(false).with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    }
}

/// The file of requests, if there is one.
#[derive(Clone)]
pub(crate) struct Access(Option<Arc<Opened>>);

struct Opened {
    path: PathBuf,
    file: Mutex<File>,
}

impl Opened {
    fn open(path: &Path) -> Result<Self> {
        Ok(Opened { path: path.to_owned(), file: Mutex::new(appended(path)?) })
    }
}

fn appended(path: &Path) -> Result<File> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.doing(|| format!("open the access log {}", path.display()))
}

impl Access {
    /// Opens the file by its name again: somebody may have moved it away.
    ///
    /// # Errors
    /// Those of opening it, and then lines go where they went.
    pub(crate) fn reopen(&self) -> Result<()> {
        if let Some(opened) = &self.0 {
            *opened.file.lock() = appended(&opened.path)?;
        }
        Ok(())
    }
}

/// Writes lines to the file of requests.
struct Apart(Arc<Opened>);

impl Write for &Opened {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Apart {
    type Writer = &'a Opened;

    fn make_writer(&'a self) -> Self::Writer {
        &self.0
    }
}

/// The core's messages.
pub(crate) fn of_core(level: Level, message: &str) {
    match level {
        Level::Warning => tracing::warn!(target: "netberth", "{message}"),
        Level::Info => tracing::info!(target: "netberth", "{message}"),
        Level::Debug => tracing::debug!(target: "netberth", "{message}"),
    }
}
