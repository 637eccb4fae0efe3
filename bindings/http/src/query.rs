//! What stands after the `?`: filters of lists, and the switches of netberth.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use netberth::model::Filter;
use netberth::{Error, Kind, Result};

use crate::answer::Refusal;
use crate::path::decoded;

/// The parameters that any route knows; every other is ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "switches, each a word of the API")]
pub(crate) struct Query {
    name: Option<String>,
    partial_id: Option<String>,
    network: Option<String>,
    /// Answer with everything.
    pub(crate) verbose: bool,
    /// Detach first.
    pub(crate) force: bool,
    /// Keep what is connected.
    pub(crate) drain: bool,
    /// All or none.
    pub(crate) atomic: bool,
    /// Only say what would be done.
    pub(crate) dry_run: bool,
}

/// The network that `?name=` means.
const DEFAULT_NETWORK: &str = "bridge";

impl Query {
    /// Reads the raw text.
    ///
    /// # Errors
    /// `invalid` for a parameter that is known and given twice, cannot be decoded, or is a switch
    /// and neither on nor off: a `dry_run` that was not understood must not change anything.
    pub(crate) fn parse(raw: &str) -> Result<Self> {
        let mut query = Query::default();
        let mut seen: Vec<String> = Vec::new();
        for pair in raw.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            // What cannot be decoded is no parameter that we know.
            let Ok(key) = decoded(key, true) else { continue };
            if !query.set(&key, value).map_err(|error| error.doing(format!("?{key}")))? {
                continue;
            }
            if seen.contains(&key) {
                let what = format!("unsupported query: {key} is given twice");
                return Err(Error::new(Kind::Invalid, what));
            }
            seen.push(key);
        }
        Ok(query)
    }

    /// Whether the key is known.
    fn set(&mut self, key: &str, value: &str) -> Result<bool> {
        match key {
            "name" => self.name = Some(decoded(value, true)?),
            "partial-id" => self.partial_id = Some(decoded(value, true)?),
            "network" => self.network = Some(decoded(value, true)?),
            "verbose" => self.verbose = switch(value)?,
            "force" => self.force = switch(value)?,
            "drain" => self.drain = switch(value)?,
            "atomic" => self.atomic = switch(value)?,
            "dry_run" => self.dry_run = switch(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// For `/networks`, where an empty name is the default network's.
    pub(crate) fn of_networks(self) -> Result<Filter> {
        let default =
            |name: String| if name.is_empty() { DEFAULT_NETWORK.to_owned() } else { name };
        let name = self.name.map(default);
        Filter { name, partial_id: given(self.partial_id), network: None }.check()
    }

    /// For the endpoints of a network.
    pub(crate) fn of_endpoints(self) -> Result<Filter> {
        let (name, partial_id) = (given(self.name), given(self.partial_id));
        Filter { name, partial_id, network: None }.check()
    }

    /// For `/services`.
    pub(crate) fn of_services(self) -> Result<Filter> {
        let (name, partial_id) = (given(self.name), given(self.partial_id));
        Filter { name, partial_id, network: given(self.network) }.check()
    }
}

fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn switch(value: &str) -> Result<bool> {
    match value {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        other => {
            let what = format!("`{}` is neither 1 nor 0", other.escape_debug());
            Err(Error::new(Kind::Invalid, what))
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Query::parse(parts.uri.query().unwrap_or_default()).map_err(Refusal::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(raw: &str) -> Result<Filter> {
        Query::parse(raw)?.of_networks()
    }

    #[test]
    fn filters_of_each_list() {
        assert_eq!(networks("").unwrap(), Filter::all());
        assert_eq!(networks("name=").unwrap().name.as_deref(), Some("bridge"));
        assert_eq!(networks("name").unwrap().name.as_deref(), Some("bridge"));
        assert_eq!(networks("name=a%20b").unwrap().name.as_deref(), Some("a b"));
        assert_eq!(networks("name=a+b").unwrap().name.as_deref(), Some("a b"));
        assert_eq!(networks("p%61rtial-id=ab").unwrap().partial_id.as_deref(), Some("ab"));
        assert_eq!(networks("partial-id=&network=x").unwrap(), Filter::all());
        let services = Query::parse("name=&network=x").unwrap().of_services().unwrap();
        assert_eq!((services.name, services.network.as_deref()), (None, Some("x")));
        let endpoints = Query::parse("name=%2Fa&network=x").unwrap().of_endpoints().unwrap();
        assert_eq!((endpoints.name.as_deref(), endpoints.network), (Some("/a"), None));
    }

    #[test]
    fn what_is_refused() {
        let endpoints = |raw| Query::parse(raw).and_then(Query::of_endpoints);
        let services = |raw| Query::parse(raw).and_then(Query::of_services);
        for refused in [
            networks("name=a&partial-id=b"),
            networks("name=&partial-id=b"),
            networks("name=a&name=a"),
            networks("name=%zz"),
            networks("name=%ff"),
            endpoints("name=a&partial-id=b"),
            services("name=a&network=b"),
            services("partial-id=a&network=b"),
        ] {
            assert_eq!(refused.unwrap_err().kind(), Kind::Invalid);
        }
        for bad in ["dry_run", "dry_run=", "dry_run=yes", "verbose=2", "force=TRUE"] {
            assert!(Query::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_unknown_is_ignored() {
        assert_eq!(Query::parse("a=%zz&%ff=1&&=&Name=x&b=1&b=2").unwrap(), Query::default());
        let all = Query::parse("verbose=1&force=true&dry_run=0").unwrap();
        assert_eq!((all.verbose, all.force, all.dry_run), (true, true, false));
    }
}
