//! For Graphviz.

use std::collections::HashMap;
use std::fmt::Write;

use super::{Map, Network, Place};

pub(super) fn graph(map: &Map) -> String {
    let mut text = String::from(
        "graph netberth {\n  rankdir=LR;\n  node [fontname=\"sans-serif\", fontsize=11];\n  \
         edge [fontname=\"sans-serif\", fontsize=9];\n",
    );
    let numbers: HashMap<&str, usize> =
        map.containers.iter().enumerate().map(|(number, name)| (name.as_str(), number)).collect();
    for (number, network) in map.networks.iter().enumerate() {
        cluster(number, network, &mut text);
    }
    for (number, container) in map.containers.iter().enumerate() {
        let label = quoted(container);
        let _ = writeln!(text, "  c{number} [label={label}, shape=box, style=rounded];");
    }
    for (network, found) in map.networks.iter().enumerate() {
        for (at, place) in found.places.iter().enumerate() {
            edges(&format!("n{network}e{at}"), place, &numbers, &mut text);
        }
    }
    text.push_str("}\n");
    text
}

fn cluster(number: usize, network: &Network, text: &mut String) {
    let label = quoted(&format!("{}\n{}", network.name, network.about));
    let _ = writeln!(text, "  subgraph cluster{number} {{\n    label={label};");
    if network.places.is_empty() {
        // Graphviz draws no cluster that has no node.
        let _ = writeln!(text, "    n{number} [style=invis];");
    }
    for (at, place) in network.places.iter().enumerate() {
        let kind = place.balance.as_ref().map(|balance| format!("\nservice, {balance}"));
        let kind = kind.unwrap_or_default();
        let label = quoted(&format!("{}{kind}\n{}", place.name, place.addresses));
        let shape = if place.balance.is_some() { "hexagon" } else { "ellipse" };
        let _ = writeln!(text, "    n{number}e{at} [label={label}, shape={shape}];");
    }
    text.push_str("  }\n");
}

fn edges(node: &str, place: &Place, numbers: &HashMap<&str, usize>, text: &mut String) {
    for (at, port) in place.ports.iter().enumerate() {
        let (host, inside) = (quoted(&port.host), quoted(&port.inside));
        let _ = writeln!(text, "  {node}p{at} [label={host}, shape=plaintext];");
        let _ = writeln!(text, "  {node}p{at} -- {node} [label={inside}, dir=forward];");
    }
    for behind in &place.behind {
        let Some(number) = numbers.get(behind.container.as_str()) else { continue };
        let _ = writeln!(text, "  {node} -- c{number} [label={}];", quoted(&behind.by));
    }
}

/// A string of the language: line ends are those of a label.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;

    #[test]
    fn a_graph() {
        let text = graph(&sample());
        for line in [
            "  subgraph cluster1 {",
            "    label=\"d<b\\\"&\\nbridge  10.2.0.0/24  internal,no-icc\";",
            "    n0e1 [label=\"api\\nservice, round-robin\\n10.1.0.3\", shape=hexagon];",
            "  n0e0p1 -- n0e0 [label=\"90-99/udp\", dir=forward];",
            "  n0e0 -- c0 [label=\"eth0\"];",
            "  n1e0 -- c0 [label=\"eth1\"];",
            "  c2 [label=\"c3\", shape=box, style=rounded];",
        ] {
            assert!(text.lines().any(|there| there == line), "{line}\n{text}");
        }
        assert_eq!(text.matches('{').count(), text.matches('}').count());
    }
}
