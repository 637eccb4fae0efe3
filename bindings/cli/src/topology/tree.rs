//! For a terminal.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::{Behind, Map, Network, Place};

/// The styles; none where nobody sees them.
struct Look {
    network: Style,
    service: Style,
    port: Style,
    dim: Style,
}

pub(super) fn drawing(map: &Map, colored: bool) -> String {
    let look = if colored {
        Look {
            network: Style::new().bold(),
            service: AnsiColor::Cyan.on_default(),
            port: AnsiColor::Green.on_default(),
            dim: Style::new().dimmed(),
        }
    } else {
        let plain = Style::new();
        Look { network: plain, service: plain, port: plain, dim: plain }
    };
    let mut text = String::new();
    if map.networks.is_empty() {
        text.push_str("no network has an endpoint\n");
    }
    for network in &map.networks {
        draw(network, &look, &mut text);
    }
    several(map, &look, &mut text);
    text
}

fn draw(network: &Network, look: &Look, text: &mut String) {
    let (bold, dim) = (look.network, look.dim);
    let _ = writeln!(text, "{bold}{}{bold:#}  {dim}{}{dim:#}", network.name, network.about);
    let last = network.places.len().saturating_sub(1);
    for (index, place) in network.places.iter().enumerate() {
        let (branch, below) = if index == last { ("└─", "   ") } else { ("├─", "│  ") };
        let _ = writeln!(text, "{branch} {}", headline(place, look));
        let last = place.behind.len().saturating_sub(1);
        for (index, Behind { container, by }) in place.behind.iter().enumerate() {
            let branch = if index == last { "└─" } else { "├─" };
            let line = format!("{below}{branch} {container}  {dim}{by}{dim:#}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
}

fn headline(place: &Place, look: &Look) -> String {
    let Look { service, port: green, .. } = look;
    let mut line = match &place.balance {
        Some(balance) => format!("{service}{}{service:#}  service, {balance}", place.name),
        None => place.name.clone(),
    };
    if !place.addresses.is_empty() {
        let _ = write!(line, "  {}", place.addresses);
    }
    for port in &place.ports {
        let _ = write!(line, "  {green}{}{green:#} → {}", port.host, port.inside);
    }
    line
}

/// Containers that are in more than one place: a tree shows each as many times.
fn several(map: &Map, look: &Look, text: &mut String) {
    let mut first = true;
    for container in &map.containers {
        let mut at = Vec::new();
        for network in &map.networks {
            let is_there =
                |place: &&Place| place.behind.iter().any(|one| one.container == *container);
            let places = network.places.iter().filter(is_there);
            at.extend(places.map(|place| format!("{}/{}", network.name, place.name)));
        }
        if at.len() < 2 {
            continue;
        }
        if std::mem::take(&mut first) {
            text.push('\n');
        }
        let dim = look.dim;
        let _ = writeln!(text, "{container}  {dim}on{dim:#} {}", at.join(", "));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;

    #[test]
    fn a_tree() {
        let expected = "\
web  bridge  10.1.0.0/24,fd00:1::/64
├─ front  10.1.0.2  fd00:1::2  *:8080 → 80/tcp  [::1]:90-99 → 90-99/udp
│  └─ c1  eth0
├─ api  service, round-robin  10.1.0.3
│  ├─ c2  10.1.0.4
│  └─ c3  10.1.0.5  draining
└─ idle  10.1.0.6
d<b\"&  bridge  10.2.0.0/24  internal,no-icc
└─ replica  10.2.0.2
   └─ c1  eth1

c1  on web/front, d<b\"&/replica
";
        assert_eq!(drawing(&sample(), false), expected);
    }

    #[test]
    fn colours_change_nothing_else() {
        let (plain, colored) = (drawing(&sample(), false), drawing(&sample(), true));
        assert!(colored.contains("\u{1b}["));
        let mut stripped = String::new();
        let mut parts = colored.split('\u{1b}');
        stripped.push_str(parts.next().unwrap());
        parts.for_each(|part| stripped.push_str(part.split_once('m').unwrap().1));
        assert_eq!(plain, stripped);
    }
}
