//! Through a server: each verb is one request of its HTTP interface.

use bytes::Bytes;
use hyper::Method;
use netberth::{Error, Kind, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::client::Client;
use crate::door::Door;
use crate::verb::{Change, Read};

/// RFC 3986, 2.3: these need no escape; all others have one, so that no name is taken for a path.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');

/// A server, by its address.
pub(crate) struct Remote {
    client: Client,
}

/// A request's method, path with query, and body.
type Request = (Method, String, String);

impl Remote {
    pub(crate) fn new(client: Client) -> Self {
        Remote { client }
    }

    fn send(&self, (method, target, body): Request) -> Result<String> {
        let (status, body) = self.client.send(method, &target, Bytes::from(body))?;
        let text = String::from_utf8_lossy(&body).trim_end_matches('\n').to_owned();
        if status.is_success() { Ok(text) } else { Err(refusal(status.as_u16(), &text)) }
    }
}

fn path(segments: &[&str]) -> String {
    let encoded = segments.iter().map(|one| utf8_percent_encode(one, ESCAPED).to_string());
    encoded.fold(String::new(), |path, segment| path + "/" + &segment)
}

/// The query, of what is given.
fn query(parameters: &[(&str, Option<&str>)]) -> String {
    let given = parameters.iter().filter_map(|(key, value)| Some((key, (*value)?)));
    let pairs: Vec<String> = given
        .map(|(key, value)| format!("{key}={}", utf8_percent_encode(value, ESCAPED)))
        .collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

fn on(switch: bool) -> Option<&'static str> {
    switch.then_some("1")
}

fn request(verb: &Read) -> Request {
    let (list, switches) = match verb {
        Read::Networks { filter, verbose }
        | Read::Endpoints { filter, verbose, .. }
        | Read::Services { filter, verbose } => (Some(filter), *verbose),
        Read::Network { verbose, .. }
        | Read::Endpoint { verbose, .. }
        | Read::Service { verbose, .. }
        | Read::Backends { verbose, .. } => (None, *verbose),
        Read::Sandboxes | Read::Sandbox { .. } | Read::Verify | Read::Version => (None, false),
    };
    let path = match verb {
        Read::Networks { .. } => path(&["networks"]),
        Read::Network { network, .. } => path(&["networks", network]),
        Read::Endpoints { network, .. } => path(&["networks", network, "endpoints"]),
        Read::Endpoint { network, endpoint, .. } => {
            path(&["networks", network, "endpoints", endpoint])
        }
        Read::Services { .. } => path(&["services"]),
        Read::Service { service, .. } => path(&["services", service]),
        Read::Backends { service, .. } => path(&["services", service, "backend"]),
        Read::Sandboxes => path(&["sandboxes"]),
        Read::Sandbox { container } => path(&["sandboxes", container]),
        Read::Verify => path(&["verify"]),
        Read::Version => path(&["version"]),
    };
    let filter = |of: fn(&netberth::model::Filter) -> &Option<String>| {
        list.and_then(|filter| of(filter).as_deref())
    };
    let query = query(&[
        ("name", filter(|filter| &filter.name)),
        ("partial-id", filter(|filter| &filter.partial_id)),
        ("network", filter(|filter| &filter.network)),
        ("verbose", on(switches)),
    ]);
    let method = if matches!(verb, Read::Verify) { Method::POST } else { Method::GET };
    (method, path + &query, String::new())
}

fn order(verb: &Change, dry_run: bool) -> Request {
    let (method, path, body) = match verb {
        Change::NetworkCreate { request } => (Method::POST, path(&["networks"]), Some(request)),
        Change::NetworkDelete { network } => (Method::DELETE, path(&["networks", network]), None),
        Change::EndpointCreate { network, request } => {
            (Method::POST, path(&["networks", network, "endpoints"]), Some(request))
        }
        Change::EndpointDelete { network, endpoint, .. } => {
            (Method::DELETE, path(&["networks", network, "endpoints", endpoint]), None)
        }
        Change::Join { network, endpoint, request } => {
            let path = path(&["networks", network, "endpoints", endpoint, "containers"]);
            (Method::POST, path, Some(request))
        }
        Change::JoinMany { request, .. } => (Method::POST, path(&["joins"]), Some(request)),
        Change::Detach { network, endpoint, container } => {
            let path = path(&["networks", network, "endpoints", endpoint, "containers", container]);
            (Method::DELETE, path, None)
        }
        Change::ServicePublish { request } => (Method::POST, path(&["services"]), Some(request)),
        Change::ServiceUnpublish { service, .. } => {
            (Method::DELETE, path(&["services", service]), None)
        }
        Change::ServiceAttach { service, request } => {
            (Method::POST, path(&["services", service, "backend"]), Some(request))
        }
        Change::ServiceDetach { service, container, .. } => {
            (Method::DELETE, path(&["services", service, "backend", container]), None)
        }
        Change::SandboxDelete { container } => {
            (Method::DELETE, path(&["sandboxes", container]), None)
        }
        Change::Repair => (Method::POST, path(&["repair"]), None),
        Change::Gc => (Method::POST, path(&["gc"]), None),
    };
    let (force, drain, atomic) = match verb {
        Change::EndpointDelete { force, .. } | Change::ServiceUnpublish { force, .. } => {
            (*force, false, false)
        }
        Change::ServiceDetach { drain, .. } => (false, *drain, false),
        Change::JoinMany { atomic, .. } => (false, false, *atomic),
        _ => (false, false, false),
    };
    let query = query(&[
        ("force", on(force)),
        ("drain", on(drain)),
        ("atomic", on(atomic)),
        ("dry_run", on(dry_run)),
    ]);
    (method, path + &query, body.cloned().unwrap_or_default())
}

impl Door for Remote {
    fn read(&self, verb: &Read) -> Result<String> {
        self.send(request(verb))
    }

    fn change(&self, verb: &Change) -> Result<String> {
        self.send(order(verb, false))
    }

    fn plan(&self, verb: &Change) -> Result<String> {
        self.send(order(verb, true))
    }

    fn is_local(&self) -> bool {
        self.client.is_local()
    }
}

/// The error that the server's document tells of, as the library would have returned it.
fn refusal(status: u16, text: &str) -> Error {
    let foreign = || {
        let line = text.lines().next().unwrap_or("nothing").escape_debug().to_string();
        let what = format!("the server answered {status} with `{line}`: is it netberthd?");
        Error::new(Kind::Invalid, what)
    };
    serde_json::from_str(text).ok().and_then(|document| error(&document)).unwrap_or_else(foreign)
}

fn error(document: &Value) -> Option<Error> {
    let name = document.get("kind")?.as_str()?;
    let kind = Kind::all().find(|kind| kind.name() == name).unwrap_or(Kind::Bug);
    let texts = |key: &str| -> Vec<&str> {
        let list = document.get(key).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let doing = texts("doing");
    // The message is what was being done, in order, and then what was found.
    let mut what = document.get("message")?.as_str()?;
    for one in &doing {
        what = what.strip_prefix(one).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(what);
    }
    let mut error = Error::new(kind, what);
    if let Some(errno) = document.get("errno").and_then(Value::as_i64) {
        error = error.with_errno(i32::try_from(errno).unwrap_or_default());
    }
    error = doing.iter().rev().fold(error, |error, one| error.doing(*one));
    let failed = texts("cleanup").into_iter().map(|text| Error::new(kind, text));
    Some(failed.fold(error, Error::and_while_undoing))
}

#[cfg(test)]
mod tests {
    use netberth::model::Filter;

    use super::*;

    #[test]
    fn names_are_never_paths() {
        let verb =
            Read::Endpoint { network: "a/b".into(), endpoint: "/c ü?".into(), verbose: true };
        let (method, target, _) = request(&verb);
        assert_eq!(method, Method::GET);
        assert_eq!(target, "/networks/a%2Fb/endpoints/%2Fc%20%C3%BC%3F?verbose=1");
        let filter = Filter { name: Some("a&b".into()), ..Filter::all() };
        let (_, target, _) = request(&Read::Services { filter, verbose: false });
        assert_eq!(target, "/services?name=a%26b");
    }

    #[test]
    fn switches_are_parameters() {
        let verb =
            Change::ServiceDetach { service: "web".into(), container: "c1".into(), drain: true };
        let expected = "/services/web/backend/c1?drain=1&dry_run=1";
        assert_eq!(order(&verb, true), (Method::DELETE, expected.into(), String::new()));
        let expected = "/repair?dry_run=1";
        assert_eq!(order(&Change::Repair, true), (Method::POST, expected.into(), String::new()));
        assert_eq!(order(&Change::Gc, false), (Method::POST, "/gc".into(), String::new()));
    }

    #[test]
    fn an_error_comes_back_as_it_was() {
        let error = Error::os(16)
            .doing("ip link add nb-1 type bridge")
            .doing("create network a")
            .and_while_undoing(Error::new(Kind::Kernel, "nft delete table: busy"));
        let text = error.to_json().to_string();
        let back = refusal(500, &text);
        assert_eq!(back.to_json(), error.to_json());
        assert_eq!((back.kind(), back.to_string()), (error.kind(), error.to_string()));
        let foreign = refusal(404, "<html>\n");
        assert!(foreign.to_string().contains("404 with `<html>`"), "{foreign}");
    }
}
