//! Many at once.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use netberth::model::JoinRequest;
use netberth::{Kind, Result};
use serde_json::Value;

use crate::context::Context;
use crate::document::{members, parse, text};
use crate::show::Table;
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

/// Joins all that a document asks for, and says in order what became of each.
pub(crate) fn join(context: &mut Context, request: &str, atomic: bool) -> Result<ExitCode> {
    // Read here too: the names are shown beside the results.
    let joins = JoinRequest::list_from_json(request.as_bytes())?;
    let verb = Change::JoinMany { request: request.to_owned(), atomic };
    let sign = waiting(format!("joining {} containers", joins.len()));
    let answer = context.change(&verb);
    sign.finish_and_clear();
    let Some(answer) = answer? else { return Ok(ExitCode::SUCCESS) };
    let results = parse(&answer)?;
    let refusals: Vec<&Value> =
        members(&results).iter().filter_map(|one| one.get("error")).collect();
    let status = refusals.first().map_or(ExitCode::SUCCESS, |refusal| {
        let kind = Kind::all().find(|kind| kind.name() == text(refusal, "kind"));
        ExitCode::from(kind.unwrap_or(Kind::Bug).exit())
    });
    if context.json {
        context.line(&answer);
        return Ok(status);
    }
    let table = table(&joins, members(&results)).text(context.colored);
    context.text(&table);
    if !refusals.is_empty() {
        context.flush()?;
        let refused = format!("error: {} of {} were refused\n", refusals.len(), joins.len());
        let _ = io::stderr().write_all(refused.as_bytes());
    }
    Ok(status)
}

/// What became of each, its names in front.
fn table(joins: &[JoinRequest], results: &[Value]) -> Table {
    let mut table = Table::new(&["NETWORK", "ENDPOINT", "CONTAINER", "NAMESPACE OR REFUSAL"]);
    for (join, result) in joins.iter().zip(results) {
        let outcome = match result.get("error") {
            Some(refusal) => text(refusal, "message"),
            None => text(result, "key"),
        };
        table.row(vec![
            join.network.clone(),
            join.endpoint.name.to_string(),
            join.container.container.to_string(),
            outcome.to_owned(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_join_has_its_line() {
        let joins =
            br#"[{"network":"web","endpoint":{"name":"a"},"container":{"container_id":"c1"}},
            {"network":"web","endpoint":{"name":"b"},"container":{"container_id":"c2"}}]"#;
        let joins = JoinRequest::list_from_json(joins).unwrap();
        let results = [
            json!({"endpoint": "0", "key": "/run/netberth/netns/c1"}),
            json!({"error": {"kind": "exists", "message": "joins[1]: taken"}}),
        ];
        let expected = "\
NETWORK  ENDPOINT  CONTAINER  NAMESPACE OR REFUSAL
web      a         c1         /run/netberth/netns/c1
web      b         c2         joins[1]: taken
";
        assert_eq!(table(&joins, &results).text(false), expected);
    }
}
