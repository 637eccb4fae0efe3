//! The log: standard error, one line for each event.

use netberth::Level;
use tracing::level_filters::LevelFilter;

use crate::arguments::{LogFormat, LogLevel};

/// From here on what is said is written.
pub(crate) fn begin(format: LogFormat, level: LogLevel) {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warning => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let lines = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => lines.with_ansi(false).with_target(false).init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
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
