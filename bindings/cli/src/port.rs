//! Ports: how they are written, and which are published.

use std::net::IpAddr;
use std::str::FromStr;

use clap::{Args, Subcommand};
use netberth::Result;
use netberth::model::Filter;
use serde_json::{Value, json};

use crate::context::Context;
use crate::document::{Request, list, members, text};
use crate::show::Table;
use crate::verb::Read;

/// How a published port is written, for the help of every command that takes one.
pub(crate) const PUBLISH: &str = "\
Publish a port: [HOST_ADDRESS:][HOST_PORT:]PORT[/tcp|udp|sctp]; without a host port, or with none \
between two colons, one is chosen. 8000-8010:80 takes a free one of the span, 8000-8010:80-90 \
publishes the span. IPv6 addresses stand in brackets. Repeatable";

/// A port that is to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Publish {
    address: Option<IpAddr>,
    host: Option<Span>,
    container: Span,
    proto: Proto,
}

/// A port that a container says it serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expose {
    port: u16,
    proto: Proto,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    first: u16,
    last: u16,
}

impl Span {
    fn is_one(self) -> bool {
        self.first == self.last
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Proto(u8);

impl FromStr for Proto {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = NAMES.iter().find(|(name, _)| *name == text).map(|(_, number)| *number);
        number.map(Proto).ok_or_else(|| format!("`{text}` is not one of tcp, udp, sctp"))
    }
}

/// Names and IANA numbers.
const NAMES: [(&str, u8); 3] = [("tcp", 6), ("udp", 17), ("sctp", 132)];

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let port = |text: &str| match text.parse::<u16>() {
            // What Rust takes for a number, and nobody for a port.
            _ if text.starts_with('+') => Err(format!("`{text}` is not a port, 1 to 65535")),
            Ok(0) | Err(_) => Err(format!("`{text}` is not a port, 1 to 65535")),
            Ok(port) => Ok(port),
        };
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let span = Span { first: port(first)?, last: port(last)? };
        if span.last < span.first {
            return Err(format!("`{text}` ends before it begins"));
        }
        Ok(span)
    }
}

/// The port and the protocol behind it.
fn with_proto(text: &str) -> Result<(&str, Proto), String> {
    match text.split_once('/') {
        Some((port, proto)) => Ok((port, proto.to_ascii_lowercase().parse()?)),
        None => Ok((text, Proto(6))),
    }
}

impl FromStr for Expose {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (port, proto) = with_proto(text)?;
        let span: Span = port.parse()?;
        if !span.is_one() {
            return Err("expected one port: PORT[/PROTO]".to_owned());
        }
        Ok(Expose { port: span.first, proto })
    }
}

impl FromStr for Publish {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (rest, proto) = with_proto(text)?;
        let (address, rest) = address(rest)?;
        let (host, container) = match rest.split_once(':') {
            None if address.is_some() && !rest.contains(':') => (None, rest),
            None => (None, rest),
            Some(("", container)) if address.is_some() => (None, container),
            Some((host, container)) => (Some(host.parse::<Span>()?), container),
        };
        let container: Span = container.parse()?;
        if !container.is_one() {
            let host = host.unwrap_or(container);
            if host.last - host.first != container.last - container.first {
                return Err("the two spans are not equally long".to_owned());
            }
            return Ok(Publish { address, host: Some(host), container, proto });
        }
        Ok(Publish { address, host, container, proto })
    }
}

/// The address in front, if there is one: it has a colon behind it, and a dot or brackets in it.
fn address(text: &str) -> Result<(Option<IpAddr>, &str), String> {
    let (address, rest) = if let Some(inner) = text.strip_prefix('[') {
        inner.split_once("]:").ok_or("after `[` an IPv6 address and `]:` are expected")?
    } else {
        match text.split_once(':') {
            Some((front, rest)) if front.contains('.') => (front, rest),
            _ => return Ok((None, text)),
        }
    };
    let parsed = address.parse().map_err(|_| format!("`{address}` is not an address"))?;
    Ok((Some(parsed), rest))
}

impl From<Publish> for Value {
    fn from(port: Publish) -> Value {
        let Publish { address, host, container, proto } = port;
        let end = |span: Span| (!span.is_one()).then_some(span.last);
        // A span on the host before one port of the container is a choice.
        let choice = host.filter(|_| container.is_one()).and_then(end);
        Request::default()
            .with("proto", proto.0)
            .with("port", container.first)
            .maybe("port_end", end(container))
            .maybe("host_ip", address.map(|ip| ip.to_string()))
            .maybe("host_port", host.map(|host| host.first))
            .maybe("host_port_end", choice)
            .value()
    }
}

impl From<Expose> for Value {
    fn from(Expose { port, proto }: Expose) -> Value {
        json!({ "proto": proto.0, "port": port })
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List published ports, and which container they lead to
    #[command(
        after_help = "Examples:\n  netberth port ls\n  netberth port ls web --json\n\nA port is live while a container is there to take connections."
    )]
    Ls(Listing),
}

#[derive(Args, Debug)]
pub(crate) struct Listing {
    /// Only those of this network's endpoints
    network: Option<String>,
}

pub(crate) fn run(context: &mut Context, command: &Command) -> Result<()> {
    let Command::Ls(Listing { network }) = command;
    let verb = match network.clone() {
        Some(network) => Read::Endpoints { network, filter: Filter::all(), verbose: true },
        None => Read::Services { filter: Filter::all(), verbose: true },
    };
    let all = context.look(&verb)?;
    let rows: Vec<Row<'_>> = members(&all).iter().flat_map(rows).collect();
    if context.json {
        let rows: Vec<Value> = rows.iter().map(Row::document).collect();
        context.line(&Value::from(rows).to_string());
        return Ok(());
    }
    let table = table(&rows).text(context.colored);
    context.text(&table);
    Ok(())
}

fn table(rows: &[Row<'_>]) -> Table {
    let mut table = Table::new(&[
        "HOST",
        "PROTO",
        "CONTAINER PORT",
        "NETWORK",
        "ENDPOINT",
        "LEADS TO",
        "STATE",
    ]);
    for row in rows {
        table.row(vec![
            row.host(),
            row.proto().to_owned(),
            row.inside(),
            text(row.endpoint, "network").to_owned(),
            text(row.endpoint, "name").to_owned(),
            row.containers().join(","),
            if row.is_live() { "live" } else { "waiting" }.to_owned(),
        ]);
    }
    table
}

/// A published port of an endpoint.
pub(crate) struct Row<'a> {
    pub(crate) endpoint: &'a Value,
    mapping: &'a Value,
}

/// The published ports of an endpoint's document.
pub(crate) fn rows(endpoint: &Value) -> impl Iterator<Item = Row<'_>> {
    list(endpoint, "port_mapping").iter().map(move |mapping| Row { endpoint, mapping })
}

impl Row<'_> {
    fn number(&self, key: &str) -> u64 {
        self.mapping.get(key).and_then(Value::as_u64).unwrap_or_default()
    }

    fn span(&self, first: u64) -> String {
        let (port, end) = (self.number("port"), self.number("port_end"));
        match end.saturating_sub(port) {
            0 => first.to_string(),
            extent => format!("{first}-{}", first + extent),
        }
    }

    /// `*:8080`, `127.0.0.1:8080` or `[::1]:8080-8090`.
    pub(crate) fn host(&self) -> String {
        let port = self.span(self.number("host_port"));
        match text(self.mapping, "host_ip") {
            "" => format!("*:{port}"),
            v6 if v6.contains(':') => format!("[{v6}]:{port}"),
            v4 => format!("{v4}:{port}"),
        }
    }

    pub(crate) fn inside(&self) -> String {
        self.span(self.number("port"))
    }

    pub(crate) fn proto(&self) -> &'static str {
        let number = self.number("proto");
        NAMES.iter().find(|(_, known)| u64::from(*known) == number).map_or("-", |(name, _)| name)
    }

    fn containers(&self) -> Vec<&str> {
        containers(self.endpoint)
    }

    /// Whether a container takes new connections.
    fn is_live(&self) -> bool {
        match self.endpoint.get("backends") {
            Some(_) => {
                let mut backends = list(self.endpoint, "backends").iter();
                backends.any(|backend| text(backend, "state") == "attached")
            }
            None => self.endpoint.get("container").is_some(),
        }
    }

    fn document(&self) -> Value {
        json!({
            "network": text(self.endpoint, "network"),
            "endpoint": text(self.endpoint, "name"),
            "endpoint_id": text(self.endpoint, "id"),
            "containers": self.containers(),
            "live": self.is_live(),
            "mapping": self.mapping,
        })
    }
}

/// The containers at an endpoint or behind a service.
pub(crate) fn containers(endpoint: &Value) -> Vec<&str> {
    match endpoint.get("backends") {
        Some(_) => list(endpoint, "backends").iter().map(|backend| text(backend, "id")).collect(),
        None => endpoint.get("container").and_then(Value::as_str).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(text: &str) -> String {
        Value::from(text.parse::<Publish>().unwrap()).to_string()
    }

    #[test]
    fn ports_as_they_are_written() {
        for (text, document) in [
            ("80", r#"{"port":80,"proto":6}"#),
            ("53/udp", r#"{"port":53,"proto":17}"#),
            ("8080:80", r#"{"host_port":8080,"port":80,"proto":6}"#),
            ("8080:80/SCTP", r#"{"host_port":8080,"port":80,"proto":132}"#),
            (
                "127.0.0.1:8080:80",
                r#"{"host_ip":"127.0.0.1","host_port":8080,"port":80,"proto":6}"#,
            ),
            ("127.0.0.1::80", r#"{"host_ip":"127.0.0.1","port":80,"proto":6}"#),
            ("127.0.0.1:80", r#"{"host_ip":"127.0.0.1","port":80,"proto":6}"#),
            ("[::1]:8080:80/udp", r#"{"host_ip":"::1","host_port":8080,"port":80,"proto":17}"#),
            ("8000-8010:80", r#"{"host_port":8000,"host_port_end":8010,"port":80,"proto":6}"#),
            ("8000-8010:80-90", r#"{"host_port":8000,"port":80,"port_end":90,"proto":6}"#),
            ("80-90", r#"{"host_port":80,"port":80,"port_end":90,"proto":6}"#),
        ] {
            assert_eq!(published(text), document, "{text}");
        }
        let expose: Expose = "53/udp".parse().unwrap();
        assert_eq!(Value::from(expose).to_string(), r#"{"port":53,"proto":17}"#);
    }

    #[test]
    fn each_published_port_has_its_line_and_says_whether_somebody_is_there() {
        let endpoints = json!([
            {"name": "front", "network": "web", "id": "1", "container": "c1", "port_mapping": [
                {"proto": 6, "port": 80, "host_port": 8080},
                {"proto": 17, "port": 50, "port_end": 52, "host_ip": "127.0.0.1", "host_port": 60}]},
            {"name": "idle", "network": "web", "port_mapping": [
                {"proto": 132, "port": 81, "host_ip": "::1", "host_port": 8081}]},
            {"name": "api", "network": "db", "port_mapping": [{"proto": 6, "port": 1, "host_port": 2}],
             "backends": [{"id": "c2", "state": "draining"}, {"id": "c3", "state": "attached"}]},
            {"name": "old", "network": "db", "port_mapping": [{"proto": 6, "port": 1, "host_port": 3}],
             "backends": [{"id": "c2", "state": "draining"}]},
        ]);
        let rows: Vec<Row<'_>> = members(&endpoints).iter().flat_map(rows).collect();
        let expected = "\
HOST             PROTO  CONTAINER PORT  NETWORK  ENDPOINT  LEADS TO  STATE
*:8080           tcp    80              web      front     c1        live
127.0.0.1:60-62  udp    50-52           web      front     c1        live
[::1]:8081       sctp   81              web      idle      -         waiting
*:2              tcp    1               db       api       c2,c3     live
*:3              tcp    1               db       old       c2        waiting
";
        assert_eq!(table(&rows).text(false), expected);
        assert_eq!(rows[0].document()["live"], true);
    }

    #[test]
    fn what_is_no_port() {
        for (text, why) in [
            ("", "not a port"),
            ("0", "not a port"),
            ("65536", "not a port"),
            ("+80", "not a port"),
            ("a:80", "`a` is not a port"),
            (":80", "not a port"),
            ("80:", "not a port"),
            ("8080:80/icmp", "not one of tcp, udp, sctp"),
            ("90-80", "ends before it begins"),
            ("8000-8010:80-91", "not equally long"),
            ("8080:80-90", "not equally long"),
            ("1.2.3:80:80", "`1.2.3` is not an address"),
            ("[::1]8080:80", "]:"),
            ("[::g]:8080:80", "`::g` is not an address"),
            ("::1:8080:80", "not a port"),
        ] {
            let error = text.parse::<Publish>().unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        assert!("80-90".parse::<Expose>().is_err());
    }
}
