//! Verbs as data, and what is compared before and after them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must say so")]

use std::collections::BTreeMap;
use std::path::Path;

use netberth::model::{EndpointSpec, Filter, JoinRequest, JoinSpec, NetworkSpec, ServiceSpec};
use netberth::store::{Select, Store, Table};
use netberth::{Netberth, Result};
use serde_json::Value;

/// A verb with its arguments; `@` in a document is the test's directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// A document.
    Network(&'static str),
    NetworkDelete(&'static str),
    /// Network, document.
    Endpoint(&'static str, &'static str),
    /// Network, endpoint.
    EndpointDelete(&'static str, &'static str),
    /// The same with force.
    EndpointForce(&'static str, &'static str),
    /// Network, endpoint, document.
    Join(&'static str, &'static str, &'static str),
    /// A document, all or none.
    JoinMany(&'static str),
    /// Network, endpoint, container.
    Detach(&'static str, &'static str, &'static str),
    SandboxDelete(&'static str),
    /// A document.
    Publish(&'static str),
    /// Service, document.
    Attach(&'static str, &'static str),
    /// Service, container.
    ServiceDetach(&'static str, &'static str),
    /// The same with drain.
    Drain(&'static str, &'static str),
    Unpublish(&'static str),
    /// The same with force.
    UnpublishForce(&'static str),
}

impl Verb {
    /// Whether a failure of the verb must leave nothing.
    pub fn builds(self) -> bool {
        use Verb::{Attach, Endpoint, Join, JoinMany, Network, Publish};
        matches!(self, Network(_) | Endpoint(..) | Join(..) | JoinMany(_) | Publish(_) | Attach(..))
    }

    /// Does it.
    pub fn run(self, netberth: &Netberth, directory: &Path) -> Result<()> {
        let text = |json: &str| json.replace('@', &directory.display().to_string());
        match self {
            Verb::Network(json) => {
                let spec = NetworkSpec::from_json(text(json).as_bytes())?;
                netberth.network_create(&spec).map(drop)
            }
            Verb::NetworkDelete(network) => netberth.network_delete(network),
            Verb::Endpoint(network, json) => {
                let spec = EndpointSpec::from_json(text(json).as_bytes())?;
                netberth.endpoint_create(network, &spec).map(drop)
            }
            Verb::EndpointDelete(network, endpoint) => {
                netberth.endpoint_delete(network, endpoint, false)
            }
            Verb::EndpointForce(network, endpoint) => {
                netberth.endpoint_delete(network, endpoint, true)
            }
            Verb::JoinMany(json) => {
                let requests = JoinRequest::list_from_json(text(json).as_bytes())?;
                netberth.join_many(&requests, true).map(drop)
            }
            Verb::Join(network, endpoint, json) => {
                let spec = JoinSpec::from_json(text(json).as_bytes())?;
                netberth.join(network, endpoint, &spec).map(drop)
            }
            Verb::Detach(network, endpoint, container) => {
                netberth.detach(network, endpoint, container)
            }
            Verb::SandboxDelete(container) => netberth.sandbox_delete(container),
            Verb::Publish(json) => {
                let spec = ServiceSpec::from_json(text(json).as_bytes())?;
                netberth.service_publish(&spec).map(drop)
            }
            Verb::Attach(service, json) => {
                let spec = JoinSpec::from_json(text(json).as_bytes())?;
                netberth.service_attach(service, &spec).map(drop)
            }
            Verb::ServiceDetach(service, container) => {
                netberth.service_detach(service, container, false)
            }
            Verb::Drain(service, container) => netberth.service_detach(service, container, true),
            Verb::Unpublish(service) => netberth.service_unpublish(service, false),
            Verb::UnpublishForce(service) => netberth.service_unpublish(service, true),
        }
    }
}

/// Takes everything down that there is.
pub fn tear_down(netberth: &Netberth) -> Result<()> {
    for sandbox in netberth.sandboxes()? {
        netberth.sandbox_delete(&sandbox.container_id)?;
    }
    for network in netberth.networks(&Filter::all(), false)? {
        for endpoint in netberth.endpoints(&network.id, &Filter::all(), false)? {
            netberth.endpoint_delete(&network.id, &endpoint.id, false)?;
        }
        if !["none", "host", "bridge"].contains(&network.name.as_str()) {
            netberth.network_delete(&network.id)?;
        }
    }
    Ok(())
}

/// Every record, sorted; without revisions, the hour of creation, and what goes to link-local
/// addresses, which the kernel gives late.
pub fn dump(store: &dyn Store) -> String {
    let mut lines = Vec::new();
    for table in Table::ALL {
        for record in store.list(&Select::all(table)).unwrap() {
            let text = match serde_json::from_str(&record.text) {
                Ok(mut json) => {
                    forget_chance(&mut json);
                    json.to_string()
                }
                Err(_) => record.text,
            };
            lines.push(format!("{} {text}", record.key));
        }
    }
    lines.extend(store.intended().unwrap().map(|text| format!("intent/current {text}")));
    lines.sort();
    lines.join("\n")
}

fn forget_chance(json: &mut Value) {
    match json {
        Value::Object(map) => {
            map.remove("created");
            map.values_mut().for_each(forget_chance);
        }
        Value::Array(list) => {
            let is_link_local = |flow: &Value| {
                flow.get("address")
                    .and_then(Value::as_str)
                    .is_some_and(|ip| ip.starts_with("fe80:"))
            };
            list.retain(|one| !is_link_local(one));
            list.iter_mut().for_each(forget_chance);
        }
        _ => {}
    }
}

/// Lines that only one of two texts has, or has more often.
pub fn difference(expected: &str, found: &str) -> String {
    let mut counts: BTreeMap<&str, i32> = BTreeMap::new();
    for line in expected.lines() {
        *counts.entry(line).or_default() -= 1;
    }
    for line in found.lines() {
        *counts.entry(line).or_default() += 1;
    }
    let differ = counts.into_iter().filter(|(_, count)| *count != 0);
    differ.fold(String::new(), |text, (line, count)| format!("{text}{count:+} {line}\n"))
}
