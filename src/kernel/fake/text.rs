//! The fake host as text, in an order that depends on nothing but what there is.

use std::fmt::Write;

use super::space::Space;
use super::world::World;

/// Everything, one line each.
pub(super) fn of(world: &World) -> String {
    let mut lines = Vec::new();
    for (id, space) in &world.spaces {
        // Numbers differ from run to run of the same plan; paths do not.
        let paths: Vec<String> = world
            .mounts
            .iter()
            .filter(|(_, mounted)| *mounted == id)
            .map(|(path, _)| path.display().to_string())
            .collect();
        let name = if *id == super::world::HOST { "host".into() } else { paths.join("=") };
        lines.push(format!("netns {name}"));
        lines.extend(namespace(&name, space));
    }
    lines.extend(world.directories.iter().map(|path| format!("directory {}", path.display())));
    lines
        .extend(world.files.iter().map(|(path, text)| format!("file {} {text:?}", path.display())));
    for (table, sets) in &world.tables {
        lines.push(format!("table {table}"));
        for (set, elements) in sets {
            let elements = elements.values();
            lines.extend(elements.map(|element| format!("element {table} {set} {element}")));
        }
    }
    lines.iter().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{line}");
        text
    })
}

fn namespace(name: &str, space: &Space) -> Vec<String> {
    let mut lines = Vec::new();
    for (dev, link) in &space.links {
        let state = if link.up { "up" } else { "down" };
        let mut line = format!("{name}: link {dev} {} {state} mtu {}", link.kind, link.mtu);
        if !link.mac.is_empty() {
            let _ = write!(line, " mac {}", link.mac);
        }
        if let Some(master) = &link.master {
            let _ = write!(line, " master {master}");
        }
        if link.hairpin {
            line.push_str(" hairpin");
        }
        if let Some((_, peer)) = &link.peer {
            let _ = write!(line, " peer {peer}");
        }
        lines.push(line);
    }
    for ((dev, address), bare) in &space.addresses {
        let bare = if *bare { " noprefixroute" } else { "" };
        lines.push(format!("{name}: address {address} dev {dev}{bare}"));
    }
    for route in &space.routes {
        let via = route.via.map(|via| format!(" via {via}")).unwrap_or_default();
        let source = route.source.map(|source| format!(" src {source}")).unwrap_or_default();
        let (destination, dev) = (route.destination, &route.dev);
        lines.push(format!("{name}: route {destination}{via} dev {dev}{source}"));
    }
    for (ipv6, hop) in &space.defaults {
        let family = if *ipv6 { "ipv6" } else { "ipv4" };
        lines.push(format!("{name}: default {family} via {} dev {}", hop.via, hop.dev));
    }
    lines.extend(space.sysctls.iter().map(|(key, value)| format!("{name}: sysctl {key}={value}")));
    lines
}
