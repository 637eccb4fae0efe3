//! What the lists of all nouns have in common.

use clap::Args;
use netberth::model::Filter;
use netberth::{Error, Kind, Result};
use serde_json::Value;

use crate::context::Context;
use crate::document::{members, text};
use crate::show::Table;
use crate::verb::Read;

/// The switches of a list.
#[derive(Args, Clone, Debug)]
pub(crate) struct Listing {
    /// Only ids
    #[arg(short, long, conflicts_with = "json")]
    pub(crate) quiet: bool,

    /// More columns; with --json, everything there is to know
    #[arg(short, long)]
    pub(crate) long: bool,

    /// Ids in full
    #[arg(long)]
    pub(crate) no_trunc: bool,

    /// Only those of this name, or whose id begins so: name=NAME or id=PREFIX
    #[arg(short, long, value_name = "WHAT=TEXT", value_parser = crate::arguments::pair)]
    filter: Option<(String, String)>,
}

impl Listing {
    /// What is wanted.
    ///
    /// # Errors
    /// `invalid` for another word than `name` and `id`.
    pub(crate) fn filter(&self, network: Option<String>) -> Result<Filter> {
        let mut filter = Filter { network, ..Filter::all() };
        match self.filter.clone() {
            None => {}
            Some((key, name)) if key == "name" => filter.name = Some(name),
            Some((key, prefix)) if key == "id" => filter.partial_id = Some(prefix),
            Some((key, _)) => {
                let what = format!("--filter {key}=…: give name=NAME or id=PREFIX");
                return Err(Error::new(Kind::Invalid, what));
            }
        }
        filter.check()
    }
}

/// Shows a list as the reader wants it: documents as they are, or of those that are `wanted` ids or a
/// table.
pub(crate) fn show(
    context: &mut Context,
    listing: &Listing,
    verb: impl Fn(bool) -> Read,
    wanted: impl Fn(&Value) -> bool,
    table: impl FnOnce(&[Value]) -> Table,
) -> Result<()> {
    if context.json {
        let all = context.ask(&verb(listing.long))?;
        context.line(&all);
        return Ok(());
    }
    let all = context.look(&verb(true))?;
    let all: Vec<Value> = members(&all).iter().filter(|one| wanted(one)).cloned().collect();
    if listing.quiet {
        for one in &all {
            context.line(text(one, "id"));
        }
        return Ok(());
    }
    let table = table(&all).text(context.colored);
    context.text(&table);
    Ok(())
}

/// Shows each of several things whole.
pub(crate) fn inspect(
    context: &mut Context,
    names: &[String],
    verb: impl Fn(&str) -> Read,
) -> Result<()> {
    for (index, name) in names.iter().enumerate() {
        let document = context.ask(&verb(name))?;
        if context.json {
            context.line(&document);
            continue;
        }
        if index > 0 {
            context.line("");
        }
        let text = crate::show::described(&crate::document::parse(&document)?);
        context.text(&text);
    }
    Ok(())
}
