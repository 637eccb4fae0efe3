//! A drawing of what there is: networks, endpoints, services, containers, published ports.

mod dot;
mod svg;
mod tree;

use std::fs;

use clap::Args;
use netberth::Result;
use netberth::error::Doing;
use netberth::model::Filter;
use serde_json::Value;

use crate::context::Context;
use crate::document::{list, members, text};
use crate::verb::Read;
use crate::{endpoint, network, port};

const TOPOLOGY: &str = "\
Examples:
  netberth topology
  netberth topology --svg network.svg
  netberth topology --dot - | dot -Tpdf >network.pdf";

#[derive(Args, Debug)]
#[command(after_help = TOPOLOGY)]
pub(crate) struct Topology {
    /// Networks without endpoints, too
    #[arg(short, long)]
    all: bool,

    /// Draw into an SVG file; - is standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dot", "json"])]
    svg: Option<String>,

    /// Write a graph for Graphviz; - is standard output
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    dot: Option<String>,
}

/// Everything that is drawn, in order of creation.
#[derive(Debug, PartialEq, Eq)]
struct Map {
    networks: Vec<Network>,
    /// Each container once, in the order in which the networks have them.
    containers: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct Network {
    name: String,
    /// Driver, subnets, and in what it is not like others.
    about: String,
    places: Vec<Place>,
}

/// An endpoint or a service.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    name: String,
    addresses: String,
    /// How a service spreads connections; an endpoint does not.
    balance: Option<String>,
    ports: Vec<Port>,
    behind: Vec<Behind>,
}

#[derive(Debug, PartialEq, Eq)]
struct Port {
    host: String,
    inside: String,
}

/// A container, as it is at its place.
#[derive(Debug, PartialEq, Eq)]
struct Behind {
    container: String,
    /// Its interface, or its own address behind a service.
    by: String,
}

pub(crate) fn run(context: &mut Context, drawing: &Topology) -> Result<()> {
    let all = Filter::all;
    let networks = context.look(&Read::Networks { filter: all(), verbose: true })?;
    let places = context.look(&Read::Services { filter: all(), verbose: true })?;
    if context.json {
        let both = serde_json::json!({ "networks": networks, "endpoints": places });
        context.line(&both.to_string());
        return Ok(());
    }
    let map = map(&networks, &places, drawing.all);
    let (file, text) = match (&drawing.svg, &drawing.dot) {
        (Some(file), _) => (Some(file), svg::drawing(&map)),
        (None, Some(file)) => (Some(file), dot::graph(&map)),
        (None, None) => (None, tree::drawing(&map, context.colored)),
    };
    if let Some(file) = file.filter(|file| *file != "-") {
        return fs::write(file, text).doing(|| format!("write {file}"));
    }
    context.text(&text);
    Ok(())
}

fn map(networks: &Value, places: &Value, empty: bool) -> Map {
    let all = members(networks).iter().map(|found| {
        let name = text(found, "name");
        let here = members(places).iter().filter(|place| text(place, "network") == name);
        let options = found.get("options").unwrap_or(&Value::Null);
        let about =
            [text(found, "type"), &network::subnets(options), &network::peculiarities(options)];
        let about: Vec<&str> = about.into_iter().filter(|word| !word.is_empty()).collect();
        Network {
            name: name.to_owned(),
            about: about.join("  "),
            places: here.map(place).collect(),
        }
    });
    let networks: Vec<Network> =
        all.filter(|network| empty || !network.places.is_empty()).collect();
    let mut containers: Vec<String> = Vec::new();
    let places = networks.iter().flat_map(|network| &network.places);
    for behind in places.flat_map(|place| &place.behind) {
        if !containers.contains(&behind.container) {
            containers.push(behind.container.clone());
        }
    }
    Map { networks, containers }
}

fn place(found: &Value) -> Place {
    let port = |row: port::Row<'_>| Port {
        host: row.host(),
        inside: format!("{}/{}", row.inside(), row.proto()),
    };
    let behind = match found.get("backends") {
        Some(_) => list(found, "backends").iter().map(backend).collect(),
        None => port::containers(found)
            .into_iter()
            .map(|container| Behind {
                container: container.to_owned(),
                by: text(found, "interface").to_owned(),
            })
            .collect(),
    };
    Place {
        name: text(found, "name").to_owned(),
        addresses: endpoint::addresses(found).replace(',', "  "),
        balance: found.get("balance").and_then(Value::as_str).map(str::to_owned),
        ports: port::rows(found).map(port).collect(),
        behind,
    }
}

fn backend(found: &Value) -> Behind {
    let state = text(found, "state");
    let addresses = endpoint::addresses(found).replace(',', "  ");
    let by = if state == "attached" { addresses } else { format!("{addresses}  {state}") };
    Behind { container: text(found, "id").to_owned(), by }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Two networks, a service, a container on both, names that are trouble to every language.
    pub(super) fn sample() -> Map {
        let networks = json!([
            {"name": "none", "type": "null"},
            {"name": "web", "type": "bridge", "options": {"subnets": [{"subnet": "10.1.0.0/24"},
                {"subnet": "fd00:1::/64"}], "internal": false, "icc": true, "masquerade": true}},
            {"name": "d<b\"&", "type": "bridge", "options": {"subnets": [{"subnet": "10.2.0.0/24"}],
                "internal": true, "icc": false, "masquerade": true}},
        ]);
        let places = json!([
            {"name": "front", "network": "web", "addresses": ["10.1.0.2/24", "fd00:1::2/64"],
             "container": "c1", "interface": "eth0", "port_mapping": [
                {"proto": 6, "port": 80, "host_port": 8080},
                {"proto": 17, "port": 90, "port_end": 99, "host_port": 90, "host_ip": "::1"}]},
            {"name": "api", "network": "web", "addresses": ["10.1.0.3/24"], "balance": "round-robin",
             "port_mapping": [], "backends": [
                {"id": "c2", "addresses": ["10.1.0.4/24"], "state": "attached"},
                {"id": "c3", "addresses": ["10.1.0.5/24"], "state": "draining"}]},
            {"name": "idle", "network": "web", "addresses": ["10.1.0.6/24"], "port_mapping": []},
            {"name": "replica", "network": "d<b\"&", "addresses": ["10.2.0.2/24"], "container": "c1",
             "interface": "eth1", "port_mapping": []},
        ]);
        map(&networks, &places, false)
    }

    #[test]
    fn what_is_empty_is_left_out_unless_asked_for() {
        let map = sample();
        let names: Vec<&str> = map.networks.iter().map(|network| network.name.as_str()).collect();
        assert_eq!(names, ["web", "d<b\"&"]);
        assert_eq!(map.containers, ["c1", "c2", "c3"]);
    }
}
