//! A picture: published ports on the left, networks in the middle, containers on the right.

use std::fmt::Write;

use super::{Map, Network, Place};

const MARGIN: i64 = 24;
const PORT_WIDTH: i64 = 190;
const NETWORK_LEFT: i64 = MARGIN + PORT_WIDTH + 90;
const NETWORK_WIDTH: i64 = 400;
const CONTAINER_LEFT: i64 = NETWORK_LEFT + NETWORK_WIDTH + 150;
const CONTAINER_WIDTH: i64 = 190;
const WIDTH: i64 = CONTAINER_LEFT + CONTAINER_WIDTH + MARGIN;
/// Of a network's name and what is said about it.
const HEAD: i64 = 56;
/// Of one line of a place: two texts, or one port.
const ROW: i64 = 46;
const PORT_ROW: i64 = 30;
const GAP: i64 = 12;
const CONTAINER_HEIGHT: i64 = 36;

/// Border and background of each network in turn: far apart, and told apart without red and green.
const COLORS: [(&str, &str); 6] = [
    ("#2f6fb3", "#eef4fb"),
    ("#b3652f", "#fbf3ec"),
    ("#3f8f5f", "#eef8f1"),
    ("#7a4fb0", "#f4effb"),
    ("#a83f74", "#fbeef4"),
    ("#5f6b78", "#f1f3f5"),
];

const STYLE: &str = "text{font-family:system-ui,'DejaVu Sans',sans-serif;font-size:13px;fill:#1d2733}\
    .name{font-weight:600}.head{font-weight:700;font-size:15px}.dim{fill:#5f6b78;font-size:11.5px}\
    .mono{font-family:ui-monospace,'DejaVu Sans Mono',monospace;font-size:12px}\
    path{fill:none;stroke-width:1.6}";

/// A place, where it is drawn.
struct Spot<'a> {
    place: &'a Place,
    color: &'static str,
    top: i64,
    height: i64,
}

impl Spot<'_> {
    fn middle(&self) -> i64 {
        self.top + self.height / 2
    }
}

pub(super) fn drawing(map: &Map) -> String {
    let (mut body, mut spots, mut bottom) = (String::new(), Vec::new(), MARGIN);
    for (index, network) in map.networks.iter().enumerate() {
        bottom = frame(network, index, bottom, &mut body, &mut spots) + MARGIN;
    }
    let tops = container_tops(map, &spots);
    for spot in &spots {
        lines_out(spot, map, &tops, &mut body);
    }
    for spot in &spots {
        draw(spot, &mut body);
    }
    for (container, top) in map.containers.iter().zip(&tops) {
        let (x, width, height) = (CONTAINER_LEFT, CONTAINER_WIDTH, CONTAINER_HEIGHT);
        boxed(&mut body, (x, *top, width, height), "#ffffff", "#1d2733", 6);
        label(&mut body, x + 12, top + 23, "mono", &fitted(container, 22));
        bottom = bottom.max(top + height + MARGIN);
    }
    if map.networks.is_empty() {
        label(&mut body, MARGIN, MARGIN + 16, "dim", "no network has an endpoint");
        bottom += MARGIN + 16;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{bottom}\" \
         viewBox=\"0 0 {WIDTH} {bottom}\">\n<style>{STYLE}</style>\n\
         <rect width=\"{WIDTH}\" height=\"{bottom}\" fill=\"#ffffff\"/>\n{body}</svg>\n"
    )
}

/// The box of a network; returns where it ends, and notes where its places are.
fn frame<'a>(
    network: &'a Network,
    index: usize,
    top: i64,
    body: &mut String,
    spots: &mut Vec<Spot<'a>>,
) -> i64 {
    let at = index % COLORS.len();
    let (color, fill) = COLORS.get(at).copied().unwrap_or(("#000000", "#ffffff"));
    let mut y = top + HEAD;
    for place in &network.places {
        let ports = i64::try_from(place.ports.len()).unwrap_or_default();
        let height = ROW.max(ports * PORT_ROW + GAP);
        spots.push(Spot { place, color, top: y, height });
        y += height + GAP;
    }
    boxed(body, (NETWORK_LEFT, top, NETWORK_WIDTH, y - top), fill, color, 10);
    label(body, NETWORK_LEFT + 16, top + 26, "head", &fitted(&network.name, 40));
    label(body, NETWORK_LEFT + 16, top + 44, "dim", &fitted(&network.about, 60));
    y
}

/// Each container is as high as the places that it is at, and below the one before.
fn container_tops(map: &Map, spots: &[Spot<'_>]) -> Vec<i64> {
    let wanted = |container: &String| {
        let here = spots
            .iter()
            .filter(|spot| spot.place.behind.iter().any(|behind| behind.container == *container));
        let middles: Vec<i64> = here.map(Spot::middle).collect();
        let count = i64::try_from(middles.len()).unwrap_or(1).max(1);
        middles.iter().sum::<i64>() / count - CONTAINER_HEIGHT / 2
    };
    let mut order: Vec<(i64, usize)> =
        map.containers.iter().map(wanted).enumerate().map(|(index, y)| (y, index)).collect();
    order.sort_unstable();
    let (mut tops, mut free) = (vec![0; order.len()], MARGIN);
    for (y, index) in order {
        let top = y.max(free);
        if let Some(slot) = tops.get_mut(index) {
            *slot = top;
        }
        free = top + CONTAINER_HEIGHT + GAP;
    }
    tops
}

/// From a place to its containers, and from its ports to it.
fn lines_out(spot: &Spot<'_>, map: &Map, tops: &[i64], body: &mut String) {
    let from = (NETWORK_LEFT + NETWORK_WIDTH - 16, spot.middle());
    for behind in &spot.place.behind {
        let index = map.containers.iter().position(|name| *name == behind.container);
        let Some(top) = index.and_then(|index| tops.get(index)) else { continue };
        let to = (CONTAINER_LEFT, top + CONTAINER_HEIGHT / 2);
        curve(body, from, to, spot.color);
        // Beside the container: there the lines are apart.
        let _ = writeln!(
            body,
            "<text class=\"dim\" text-anchor=\"end\" x=\"{}\" y=\"{}\">{}</text>",
            to.0 - 10,
            to.1 - 6,
            escaped(&fitted(&behind.by, 22)),
        );
    }
    for (_, y) in ports(spot) {
        let from = (MARGIN + PORT_WIDTH, y + PORT_ROW / 2 - 3);
        curve(body, from, (NETWORK_LEFT + 16, spot.middle()), spot.color);
    }
}

/// The ports of a place, each with its top.
fn ports<'a>(spot: &Spot<'a>) -> impl Iterator<Item = (&'a super::Port, i64)> {
    let count = i64::try_from(spot.place.ports.len()).unwrap_or_default();
    let first = spot.middle() - count * PORT_ROW / 2 + 3;
    spot.place.ports.iter().zip((0..).map(move |index| first + index * PORT_ROW))
}

fn draw(spot: &Spot<'_>, body: &mut String) {
    let Spot { place, color, top, height } = spot;
    let (x, width) = (NETWORK_LEFT + 16, NETWORK_WIDTH - 32);
    // A service is many, seen as one.
    if place.balance.is_some() {
        boxed(body, (x + 4, top + 4, width, *height), "#ffffff", color, 6);
    }
    boxed(body, (x, *top, width, *height), "#ffffff", color, 6);
    let y = spot.middle();
    label(body, x + 12, y - 3, "name", &fitted(&place.name, 40));
    let kind = place.balance.as_ref().map(|balance| format!("service, {balance}  "));
    let below = kind.unwrap_or_default() + &place.addresses;
    label(body, x + 12, y + 14, "dim", &fitted(&below, 54));
    for (port, y) in ports(spot) {
        boxed(body, (MARGIN, y, PORT_WIDTH, PORT_ROW - 6), "#1d2733", "#1d2733", 12);
        let text = format!("{} → {}", port.host, port.inside);
        let _ = writeln!(
            body,
            "<text class=\"mono\" style=\"fill:#ffffff;font-size:11px\" x=\"{}\" y=\"{}\">{}</text>",
            MARGIN + 12,
            y + 16,
            escaped(&fitted(&text, 26)),
        );
    }
}

fn boxed(
    body: &mut String,
    (x, y, width, height): (i64, i64, i64, i64),
    fill: &str,
    stroke: &str,
    round: i64,
) {
    let _ = writeln!(
        body,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{round}\" \
         fill=\"{fill}\" stroke=\"{stroke}\"/>"
    );
}

fn label(body: &mut String, x: i64, y: i64, class: &str, text: &str) {
    let text = escaped(text);
    let _ = writeln!(body, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{text}</text>");
}

fn curve(body: &mut String, (x1, y1): (i64, i64), (x2, y2): (i64, i64), color: &str) {
    let bend = (x2 - x1) / 2;
    let (c1, c2) = (x1 + bend, x2 - bend);
    let _ = writeln!(
        body,
        "<path d=\"M{x1} {y1} C{c1} {y1} {c2} {y2} {x2} {y2}\" stroke=\"{color}\"/>"
    );
}

/// As much as there is room for.
fn fitted(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// XML 1.0, 2.4; control characters have no place in a name.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;

    #[test]
    fn everything_is_in_the_picture_and_nothing_breaks_it() {
        let text = drawing(&sample());
        for part in
            ["d&lt;b&quot;&amp;", ">front<", "*:8080 → 80/tcp", ">c3<", "10.1.0.5  draining"]
        {
            assert!(text.contains(part), "{part}\n{text}");
        }
        // c1 is at two places, c2 and c3 behind the service, two ports lead in.
        assert_eq!(text.matches("<path ").count(), 2 + 2 + 2);
        assert_eq!(text.matches("<text").count(), text.matches("</text>").count());
    }

    #[test]
    fn containers_do_not_lie_on_each_other() {
        let map = sample();
        let (mut body, mut spots) = (String::new(), Vec::new());
        frame(&map.networks[0], 0, MARGIN, &mut body, &mut spots);
        let mut tops = container_tops(&map, &spots);
        tops.sort_unstable();
        assert!(tops.windows(2).all(|two| two[1] - two[0] >= CONTAINER_HEIGHT + GAP), "{tops:?}");
    }

    #[test]
    fn what_is_long_is_cut() {
        assert_eq!(fitted("abcdef", 4), "abc…");
        assert_eq!(fitted("äöü", 3), "äöü");
    }
}
