//! From what a caller writes to the noun that is meant: a full id, an exact name, or an id prefix of
//! at least four digits that only one has.

use super::records;
use crate::error::{Error, Kind, Result};
use crate::model::{ContainerId, Endpoint, Id, Network, Role, Sandbox};
use crate::store::{Select, Store, Table};

/// The shortest prefix that selects anything.
const LEAST_PREFIX: usize = 4;

fn not_found(what: &str, selector: &str) -> Error {
    Error::new(Kind::NotFound, format!("{what} {} not found", selector.escape_debug()))
}

fn ambiguous(what: &str, selector: &str, count: usize) -> Error {
    let text = format!("{what} {selector} is ambiguous: {count} match, give more of the id");
    Error::new(Kind::Invalid, text)
}

fn is_prefix(selector: &str) -> bool {
    let digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    (LEAST_PREFIX..64).contains(&selector.len()) && selector.bytes().all(digit)
}

/// The only one, or why there is none.
fn only<T>(what: &str, selector: &str, mut found: Vec<T>) -> Result<T> {
    match (found.pop(), found.len()) {
        (Some(one), 0) => Ok(one),
        (Some(_), others) => Err(ambiguous(what, selector, others + 1)),
        (None, _) => Err(not_found(what, selector)),
    }
}

pub(super) fn network(store: &dyn Store, selector: &str) -> Result<Network> {
    if let Ok(id) = selector.parse::<Id>() {
        let found = records::network(store, &id)?;
        return found.ok_or_else(|| not_found("network", selector));
    }
    if let Some(id) = records::text(store, &records::name_key(None, selector))? {
        let found = records::network(store, &id.parse()?)?;
        return found.ok_or_else(|| not_found("network", selector));
    }
    if !is_prefix(selector) {
        return Err(not_found("network", selector));
    }
    let matching = |network: &Network| network.id.to_string().starts_with(selector);
    only("network", selector, records::networks(store)?.into_iter().filter(matching).collect())
}

pub(super) fn endpoint(store: &dyn Store, network: &Network, selector: &str) -> Result<Endpoint> {
    let missing = || not_found("endpoint", selector).because(&format!("network {}", network.name));
    if let Ok(id) = selector.parse::<Id>() {
        let found = records::endpoint(store, &network.id, &id)?.filter(is_selectable);
        return found.ok_or_else(missing);
    }
    let name = records::name_key(Some(&network.id), selector);
    if let Some(id) = records::text(store, &name)? {
        return records::endpoint(store, &network.id, &id.parse()?)?.ok_or_else(missing);
    }
    if !is_prefix(selector) {
        return Err(missing());
    }
    let all = records::endpoints_by_id(store, selector)?;
    let of_network =
        |endpoint: &Endpoint| endpoint.network == network.id && is_selectable(endpoint);
    only("endpoint", selector, all.into_iter().filter(of_network).collect())
}

/// The places of back ends are nobody's to select.
fn is_selectable(endpoint: &Endpoint) -> bool {
    endpoint.role != Role::Member
}

/// An endpoint or service of any network.
pub(super) fn service(store: &dyn Store, selector: &str) -> Result<Endpoint> {
    if selector.parse::<Id>().is_ok() || is_prefix(selector) {
        let mut found = records::endpoints_by_id(store, selector)?;
        found.retain(is_selectable);
        if !found.is_empty() && selector.len() == 64 {
            return only("service", selector, found);
        }
        let named = by_name(store, selector)?;
        let all = if named.is_empty() { found } else { named };
        return only("service", selector, all);
    }
    only("service", selector, by_name(store, selector)?)
}

fn by_name(store: &dyn Store, name: &str) -> Result<Vec<Endpoint>> {
    let select = Select { table: Table::Name, parent: None, prefix: name };
    let mut found = Vec::new();
    for record in store.list(&select)? {
        let Ok(network) = record.key.parent.parse::<Id>() else { continue };
        if record.key.id == name {
            found.extend(records::endpoint(store, &network, &record.text.parse()?)?);
        }
    }
    Ok(found)
}

pub(super) fn sandbox(store: &dyn Store, container: &str) -> Result<Sandbox> {
    let id = ContainerId::new(container)?;
    records::sandbox(store, &id)?.ok_or_else(|| not_found("sandbox", container))
}

/// The network that an endpoint belongs to.
pub(super) fn network_of(store: &dyn Store, endpoint: &Endpoint) -> Result<Network> {
    records::network(store, &endpoint.network)?.ok_or_else(|| {
        let what = format!("endpoint {} belongs to no network", endpoint.name);
        Error::new(Kind::Store, what)
    })
}
