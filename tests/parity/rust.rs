//! The Rust door of tests/parity: verbs as JSON lines come in, answers as JSON lines go out.

#![allow(clippy::indexing_slicing, reason = "what a JSON value has not is null")]

use std::io::{BufRead, Write};
use std::path::PathBuf;

use netberth::model::{
    EndpointSpec, Filter, JoinRequest, JoinSpec, Joined, NetworkSpec, ServiceSpec,
};
use netberth::{Config, Error, Kind, Netberth, Result};
use serde_json::{Value, json};

fn main() -> Result<()> {
    let home = PathBuf::from(std::env::args().nth(1).unwrap_or_default());
    let (state_dir, run_dir) = (home.join("state"), home.join("run"));
    let netberth = Netberth::open(Config { state_dir, run_dir, ..Config::default() })?;
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| Error::io(&error))?;
        let step: Value = serde_json::from_str(&line)
            .map_err(|error| Error::new(Kind::Invalid, error.to_string()))?;
        let result = if step["dry"] == true {
            let plan = netberth.rehearse(|stage| call(stage, &step));
            plan.map(|(_, lines)| json!({ "plan": lines }))
        } else {
            call(&netberth, &step)
        };
        let answer = match result {
            Ok(answer) => json!({ "ok": answer }),
            Err(error) => json!({ "error": error.to_json() }),
        };
        writeln!(out, "{answer}").map_err(|error| Error::io(&error))?;
    }
    Ok(())
}

fn document(value: impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn call(core: &Netberth, step: &Value) -> Result<Value> {
    let text = |key: &str| step[key].as_str().unwrap_or_default();
    let is = |key: &str| step[key] == true;
    let request = match step["raw"].as_str() {
        Some(raw) => raw.to_owned(),
        None => step["request"].to_string(),
    };
    let request = request.as_bytes();
    let given = |key: &str| step["filter"][key].as_str().map(str::to_owned);
    let filter = || {
        let (name, partial_id, network) = (given("name"), given("partial_id"), given("network"));
        Filter { name, partial_id, network }.check()
    };
    let (network, endpoint, service) = (text("network"), text("endpoint"), text("service"));
    let (container, verbose) = (text("container"), is("verbose"));
    Ok(match text("verb") {
        "network_create" => document(core.network_create(&NetworkSpec::from_json(request)?)?),
        "network_get" => document(core.network(network, verbose)?),
        "network_list" => document(core.networks(&filter()?, verbose)?),
        "network_delete" => document(core.network_delete(network)?),
        "endpoint_create" => {
            document(core.endpoint_create(network, &EndpointSpec::from_json(request)?)?)
        }
        "endpoint_get" => document(core.endpoint(network, endpoint, verbose)?),
        "endpoint_list" => document(core.endpoints(network, &filter()?, verbose)?),
        "endpoint_delete" => document(core.endpoint_delete(network, endpoint, is("force"))?),
        "join" => document(core.join(network, endpoint, &JoinSpec::from_json(request)?)?),
        "join_many" => {
            let requests = JoinRequest::list_from_json(request)?;
            Joined::list_to_json(&core.join_many(&requests, is("atomic"))?)
        }
        "detach" => document(core.detach(network, endpoint, container)?),
        "sandbox_get" => document(core.sandbox(container)?),
        "sandbox_list" => document(core.sandboxes()?),
        "sandbox_delete" => document(core.sandbox_delete(container)?),
        "service_publish" => document(core.service_publish(&ServiceSpec::from_json(request)?)?),
        "service_get" => document(core.service(service, verbose)?),
        "service_list" => document(core.services(&filter()?, verbose)?),
        "service_unpublish" => document(core.service_unpublish(service, is("force"))?),
        "service_attach" => document(core.service_attach(service, &JoinSpec::from_json(request)?)?),
        "service_backends" => document(core.service_backends(service, verbose)?),
        "service_detach" => document(core.service_detach(service, container, is("drain"))?),
        "verify" => document(core.verify()?),
        "repair" => document(core.repair()?),
        "gc" => document(core.gc()?),
        other => return Err(Error::new(Kind::Bug, format!("no verb {other}"))),
    })
}
