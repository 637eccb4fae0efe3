//! Many at once.

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use netberth::{Kind, Result};
use serde_json::Value;

use crate::context::Context;
use crate::document::{members, parse, text};
use crate::verb::Change;

/// From how many on it is worth while to show how far it is.
const MANY: usize = 8;

/// A bar on standard error, where somebody sees it.
pub(crate) fn progress(count: usize) -> ProgressBar {
    if count < MANY || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::try_from(count).unwrap_or(u64::MAX));
    ProgressStyle::with_template("{bar:40} {pos}/{len} {eta}")
        .map_or(bar.clone(), |style| bar.with_style(style))
}

/// One change takes as long as it takes; a sign of life.
fn waiting(what: String) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let sign = ProgressBar::new_spinner().with_message(what);
    sign.enable_steady_tick(Duration::from_millis(100));
    sign
}

/// Joins all that a document asks for: the keys are printed in order, refusals on standard error.
pub(crate) fn join(context: &mut Context, request: &str, atomic: bool) -> Result<ExitCode> {
    let asked: Option<Value> = serde_json::from_str(request).ok();
    let count = asked.as_ref().map(members).unwrap_or_default().len();
    let verb = Change::JoinMany { request: request.to_owned(), atomic };
    let sign = waiting(format!("joining {count} containers"));
    let answer = context.change(&verb);
    sign.finish_and_clear();
    let Some(answer) = answer? else { return Ok(ExitCode::SUCCESS) };
    let results = parse(&answer)?;
    let mut status = ExitCode::SUCCESS;
    let refusals = members(&results).iter().filter_map(|one| one.get("error"));
    for (index, refusal) in refusals.enumerate() {
        if index == 0 {
            let kind = Kind::all().find(|kind| kind.name() == text(refusal, "kind"));
            status = ExitCode::from(kind.unwrap_or(Kind::Bug).exit());
        }
        if !context.json {
            let _ = io::Write::write_fmt(
                &mut io::stderr(),
                format_args!("error: {}\n", text(refusal, "message")),
            );
        }
    }
    if context.json {
        context.line(&answer);
        return Ok(status);
    }
    for one in members(&results).iter().filter(|one| one.get("error").is_none()) {
        context.line(text(one, "key"));
    }
    Ok(status)
}
