//! A picture: published ports on the left, networks in the middle, containers on the right.

use std::fmt::Write;

use super::{Map, Network, Place};

const MARGIN: i64 = 24;
const PORT_WIDTH: i64 = 264;
const NETWORK_LEFT: i64 = MARGIN + PORT_WIDTH + 70;
const NETWORK_WIDTH: i64 = 400;
const CONTAINER_LEFT: i64 = NETWORK_LEFT + NETWORK_WIDTH + 120;
const CONTAINER_WIDTH: i64 = 264;
const WIDTH: i64 = CONTAINER_LEFT + CONTAINER_WIDTH + MARGIN;
/// Of a network's name and what is said about it.
const HEAD: i64 = 56;
/// Of one line of a place: two texts, or one port.
const ROW: i64 = 46;
const PORT_ROW: i64 = 30;
const GAP: i64 = 12;
/// Of a container's name, and of each line below it.
const CONTAINER_HEAD: i64 = 34;
const TIE: i64 = 18;

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
    network: &'a str,
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
    let cards = cards(map, &spots);
    // Lines first: what they lead to lies over their ends.
    for card in &cards {
        for (index, tie) in card.ties.iter().enumerate() {
            let from = (NETWORK_LEFT + NETWORK_WIDTH - 16, tie.from);
            curve(&mut body, from, (CONTAINER_LEFT, card.end(index)), tie.color);
        }
    }
    for spot in &spots {
        for (_, y) in ports(spot) {
            let from = (MARGIN + PORT_WIDTH, y + PORT_ROW / 2 - 3);
            curve(&mut body, from, (NETWORK_LEFT + 16, spot.middle()), spot.color);
        }
        draw(spot, &mut body);
    }
    for card in &cards {
        card.draw(&mut body);
        bottom = bottom.max(card.top + card.height() + MARGIN);
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
        let ports = count(place.ports.len());
        let height = ROW.max(ports * PORT_ROW + GAP);
        spots.push(Spot { network: &network.name, place, color, top: y, height });
        y += height + GAP;
    }
    boxed(body, (NETWORK_LEFT, top, NETWORK_WIDTH, y - top), fill, color, 10);
    label(body, NETWORK_LEFT + 16, top + 26, "head", &fitted(&network.name, 40));
    label(body, NETWORK_LEFT + 16, top + 44, "dim", &fitted(&network.about, 60));
    y
}

/// A container, with a line for each place that it is at.
struct Card<'a> {
    name: &'a str,
    ties: Vec<Tie<'a>>,
    top: i64,
}

/// What leads to a container.
struct Tie<'a> {
    from: i64,
    color: &'static str,
    network: &'a str,
    by: &'a str,
}

impl Card<'_> {
    fn height(&self) -> i64 {
        CONTAINER_HEAD + TIE * count(self.ties.len())
    }

    /// Where it would be without the others: beside the middle of what leads to it.
    fn wish(&self) -> i64 {
        let sum: i64 = self.ties.iter().map(|tie| tie.from).sum();
        sum / count(self.ties.len()).max(1) - self.height() / 2
    }

    /// Where the line of a tie ends.
    fn end(&self, index: usize) -> i64 {
        self.top + CONTAINER_HEAD + 4 + TIE * count(index)
    }

    fn draw(&self, body: &mut String) {
        let (x, width) = (CONTAINER_LEFT, CONTAINER_WIDTH);
        boxed(body, (x, self.top, width, self.height()), "#ffffff", "#1d2733", 6);
        label(body, x + 14, self.top + 22, "mono name", &fitted(self.name, 30));
        for (index, tie) in self.ties.iter().enumerate() {
            let (y, color) = (self.end(index), tie.color);
            let _ = writeln!(body, "<circle cx=\"{x}\" cy=\"{y}\" r=\"4\" fill=\"{color}\"/>");
            let words = format!("{}  {}", tie.network, tie.by);
            label(body, x + 14, y + 4, "dim", &fitted(words.trim_end(), 40));
        }
    }
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or_default()
}

/// The containers, each as near as can be to the places that it is at, none on another.
fn cards<'a>(map: &'a Map, spots: &[Spot<'a>]) -> Vec<Card<'a>> {
    let card = |name: &'a String| {
        let mut ties = Vec::new();
        for spot in spots {
            let here = spot.place.behind.iter().filter(|behind| behind.container == *name);
            ties.extend(here.map(|behind| Tie {
                from: spot.middle(),
                color: spot.color,
                network: spot.network,
                by: &behind.by,
            }));
        }
        Card { name, ties, top: 0 }
    };
    let mut cards: Vec<Card<'a>> = map.containers.iter().map(card).collect();
    cards.sort_by_key(Card::wish);
    let (mut free, mut late) = (MARGIN, 0);
    for card in &mut cards {
        card.top = card.wish().max(free);
        late += card.top - card.wish();
        free = card.top + card.height() + GAP;
    }
    // Each was only pushed down: all of them go up by what they are too low on the average.
    let room = cards.first().map_or(0, |first| first.top - MARGIN);
    let up = (late / count(cards.len()).max(1)).min(room);
    for card in &mut cards {
        card.top -= up;
    }
    cards
}

/// The ports of a place, each with its top.
fn ports<'a>(spot: &Spot<'a>) -> impl Iterator<Item = (&'a super::Port, i64)> {
    let first = spot.middle() - count(spot.place.ports.len()) * PORT_ROW / 2 + 3;
    spot.place.ports.iter().zip((0..).map(move |index| first + index * PORT_ROW))
}

fn draw(spot: &Spot<'_>, body: &mut String) {
    let Spot { place, color, top, height, .. } = spot;
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
            escaped(&fitted(&text, 36)),
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
            ["d&lt;b&quot;&amp;", ">front<", "*:8080 → 80/tcp", ">c3<", "10.1.0.5  draining<"]
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
        let cards = cards(&map, &spots);
        assert_eq!(cards.len(), 3);
        let apart = |two: &[Card<'_>]| two[1].top - two[0].top >= two[0].height() + GAP;
        assert!(cards.windows(2).all(apart) && cards[0].top >= MARGIN);
    }

    #[test]
    fn what_is_long_is_cut() {
        assert_eq!(fitted("abcdef", 4), "abc…");
        assert_eq!(fitted("äöü", 3), "äöü");
    }
}
