//! Networks.

use clap::{Args, Subcommand};
use ipnet::IpNet;
use netberth::model::Filter;
use netberth::{Error, Kind, Result};
use serde_json::{Value, json};

use crate::context::Context;
use crate::document::{self, Request, list, text};
use crate::list::{self as lists, Listing};
use crate::show::{self, Table};
use crate::verb::{Change, Read};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a network and print its id
    Create(Create),
    /// List networks
    #[command(
        after_help = "Examples:\n  netberth network ls\n  netberth network ls -q\n  netberth network ls --long --filter name=web"
    )]
    Ls(Listing),
    /// Show networks whole
    #[command(
        after_help = "Examples:\n  netberth network inspect web\n  netberth network inspect 3f2a --json"
    )]
    Inspect(Inspect),
    /// Delete networks
    #[command(
        after_help = "Examples:\n  netberth network rm web db\n  netberth network rm --force web\n\nEach that is gone is named; the exit status is that of the first that is not."
    )]
    Rm(Remove),
}

const CREATE: &str = "\
Examples:
  netberth network create web
  netberth network create db --internal --subnet 10.88.0.0/24 --gateway 10.88.0.254
  netberth network create six --ipv6 --subnet fd00:88::/64 --no-icc
  netberth network create web --request '{\"options\":{\"mtu\":1400}}'";

#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "switches, each an option")]
#[command(after_help = CREATE)]
pub(crate) struct Create {
    /// Its name, 1 to 255 bytes without dots
    name: String,

    /// The driver
    #[arg(long = "type", value_name = "TYPE", default_value = "bridge")]
    kind: String,

    /// A subnet, IPv4 or IPv6; repeatable [default: the first free /24 of 172.17.0.0/16 and on]
    #[arg(long, value_name = "CIDR")]
    subnet: Vec<IpNet>,

    /// The gateway of the subnet that has the address; repeatable [default: its first address]
    #[arg(long, value_name = "ADDRESS")]
    gateway: Vec<std::net::IpAddr>,

    /// Give out addresses of this part of a subnet only; repeatable
    #[arg(long, value_name = "CIDR")]
    range: Vec<IpNet>,

    /// Never give out this address; repeatable
    #[arg(long, value_name = "ADDRESS")]
    reserve: Vec<std::net::IpAddr>,

    /// With IPv6, of a subnet that is chosen unless one is given
    #[arg(long)]
    ipv6: bool,

    /// No way out and no way in
    #[arg(long)]
    internal: bool,

    /// Its containers do not reach each other
    #[arg(long)]
    no_icc: bool,

    /// Containers go out with their own addresses
    #[arg(long)]
    no_masquerade: bool,

    /// In bytes [default: that of the host's default route]
    #[arg(long, value_name = "BYTES")]
    mtu: Option<u32>,

    /// The name of the bridge device
    #[arg(long, value_name = "DEVICE")]
    bridge: Option<String>,

    /// Where ports are published that name no address
    #[arg(long, value_name = "ADDRESS")]
    host_binding: Option<std::net::IpAddr>,

    /// A label; repeatable
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = crate::arguments::pair)]
    label: Vec<(String, String)>,

    /// The request as the document of the HTTP interface, or @FILE, or - for standard input; the name
    /// is added
    #[arg(long, value_name = "JSON", conflicts_with_all = ["kind", "subnet", "gateway", "range",
        "reserve", "ipv6", "internal", "no_icc", "no_masquerade", "mtu", "bridge", "host_binding",
        "label"])]
    request: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Inspect {
    /// Names, ids or id prefixes
    #[arg(required = true, value_name = "NETWORK")]
    networks: Vec<String>,

    /// Only what identifies it, and its endpoints
    #[arg(long)]
    brief: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Remove {
    /// Names, ids or id prefixes
    #[arg(required = true, value_name = "NETWORK")]
    networks: Vec<String>,

    /// Delete its endpoints first, and detach what is joined to them
    #[arg(short, long, conflicts_with = "dry_run")]
    force: bool,
}

pub(crate) fn run(context: &mut Context, command: Command) -> Result<()> {
    match command {
        Command::Create(create) => {
            let request = create.request()?;
            context.make(&Change::NetworkCreate { request })
        }
        Command::Ls(listing) => {
            let filter = listing.filter(None)?;
            let verb = |verbose| Read::Networks { filter: filter.clone(), verbose };
            lists::show(context, &listing, verb, |_| true, |all| table(all, &listing))
        }
        Command::Inspect(Inspect { networks, brief }) => {
            lists::inspect(context, &networks, |name| Read::Network {
                network: name.to_owned(),
                verbose: !brief,
            })
        }
        Command::Rm(Remove { networks, force }) => context.each(&networks, |context, network| {
            let mut verbs = if force { emptied(context, network)? } else { Vec::new() };
            verbs.push(Change::NetworkDelete { network: network.to_owned() });
            Ok(verbs)
        }),
    }
}

/// What deletes the endpoints of a network.
fn emptied(context: &Context, network: &str) -> Result<Vec<Change>> {
    let verb =
        Read::Endpoints { network: network.to_owned(), filter: Filter::all(), verbose: false };
    let all = context.look(&verb)?;
    let delete = |endpoint: &Value| Change::EndpointDelete {
        network: network.to_owned(),
        endpoint: text(endpoint, "id").to_owned(),
        force: true,
    };
    Ok(document::members(&all).iter().map(delete).collect())
}

impl Create {
    fn request(self) -> Result<String> {
        if let Some(source) = &self.request {
            return named(&document::given(source)?, &self.name);
        }
        let subnets = self.subnets()?;
        let options = Request::default()
            .list("subnets", subnets)
            .switch("ipv6", self.ipv6)
            .switch("internal", self.internal)
            .maybe("icc", self.no_icc.then_some(false))
            .maybe("masquerade", self.no_masquerade.then_some(false))
            .maybe("mtu", self.mtu)
            .maybe("bridge", self.bridge)
            .maybe("host_binding", self.host_binding.map(|ip| ip.to_string()))
            .pairs("labels", self.label)
            .value();
        let request = Request::default().with("name", self.name).with("network_type", self.kind);
        Ok(request.with("options", options).text())
    }

    /// Each subnet with what of the gateways, ranges and reserved addresses lies in it.
    fn subnets(&self) -> Result<Vec<Value>> {
        let homeless = |what: String| {
            Error::new(Kind::Invalid, format!("{what} is in none of the subnets: give --subnet"))
        };
        let home = |net: IpNet| self.subnet.iter().any(|subnet| subnet.contains(&net));
        for (option, ip) in [("--gateway", &self.gateway), ("--reserve", &self.reserve)] {
            if let Some(ip) = ip.iter().find(|ip| !home(IpNet::from(**ip))) {
                return Err(homeless(format!("{option} {ip}")));
            }
        }
        if let Some(range) = self.range.iter().find(|range| !home(**range)) {
            return Err(homeless(format!("--range {range}")));
        }
        let one = |subnet: &IpNet| {
            let inside = |ip: &&std::net::IpAddr| subnet.contains(*ip);
            let reserved = self.reserve.iter().filter(inside).map(ToString::to_string);
            Request::default()
                .with("subnet", subnet.to_string())
                .maybe("gateway", self.gateway.iter().find(inside).map(ToString::to_string))
                .maybe(
                    "range",
                    self.range.iter().find(|r| subnet.contains(*r)).map(ToString::to_string),
                )
                .list("reserved", reserved.collect())
                .value()
        };
        Ok(self.subnet.iter().map(one).collect())
    }
}

/// The document with the name that was given beside it.
///
/// # Errors
/// `invalid` for what is no object, or names another.
pub(crate) fn named(request: &str, name: &str) -> Result<String> {
    let invalid = |what: String| Error::new(Kind::Invalid, what).doing("--request");
    let mut document: Value =
        serde_json::from_str(request).map_err(|error| invalid(error.to_string()))?;
    let Some(members) = document.as_object_mut() else {
        return Err(invalid("expected an object, {…}".to_owned()));
    };
    match members.get("name") {
        Some(other) if *other != json!(name) => {
            Err(invalid(format!("its name {other} is not `{name}`: leave one of them out")))
        }
        _ => {
            members.insert("name".to_owned(), name.into());
            Ok(document.to_string())
        }
    }
}

fn table(networks: &[Value], listing: &Listing) -> Table {
    let mut columns = vec!["NAME", "TYPE", "ID", "SUBNETS", "ENDPOINTS"];
    if listing.long {
        columns.extend(["BRIDGE", "MTU", "OPTIONS", "CREATED"]);
    }
    let mut table = Table::new(&columns);
    for network in networks {
        let options = network.get("options").unwrap_or(&Value::Null);
        let mut row = vec![
            text(network, "name").to_owned(),
            text(network, "type").to_owned(),
            show::id(text(network, "id"), listing.no_trunc),
            subnets(options),
            list(network, "endpoints").len().to_string(),
        ];
        if listing.long {
            let mtu = options.get("mtu").and_then(Value::as_u64).filter(|mtu| *mtu != 0);
            row.push(text(options, "bridge").to_owned());
            row.push(mtu.map(|mtu| mtu.to_string()).unwrap_or_default());
            row.push(peculiarities(options));
            row.push(text(network, "created").to_owned());
        }
        table.row(row);
    }
    table
}

/// The subnets of a network's options.
pub(crate) fn subnets(options: &Value) -> String {
    let all = list(options, "subnets").iter().map(|subnet| text(subnet, "subnet"));
    all.collect::<Vec<_>>().join(",")
}

/// In what a network is not like others.
pub(crate) fn peculiarities(options: &Value) -> String {
    let is = |key: &str, value: bool| options.get(key) == Some(&Value::Bool(value));
    let words = [
        (is("internal", true), "internal"),
        (is("icc", false) && !subnets(options).is_empty(), "no-icc"),
        (is("masquerade", false) && !subnets(options).is_empty(), "no-masquerade"),
    ];
    let words: Vec<&str> = words.iter().filter(|(so, _)| *so).map(|(_, word)| *word).collect();
    words.join(",")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        create: Create,
    }

    fn request(line: &[&str]) -> Result<String> {
        Line::parse_from([&["x"], line].concat()).create.request()
    }

    #[test]
    fn options_become_the_document() {
        let line = [
            "web",
            "--subnet",
            "10.88.0.0/24",
            "--subnet",
            "fd00::/64",
            "--gateway",
            "fd00::1",
            "--range",
            "10.88.0.128/25",
            "--reserve",
            "10.88.0.9",
            "--no-icc",
            "--mtu",
            "1400",
            "-l",
            "a=b=c",
        ];
        let expected = json!({"name": "web", "network_type": "bridge", "options": {
            "subnets": [
                {"subnet": "10.88.0.0/24", "range": "10.88.0.128/25", "reserved": ["10.88.0.9"]},
                {"subnet": "fd00::/64", "gateway": "fd00::1"}],
            "icc": false, "mtu": 1400, "labels": {"a": "b=c"}}});
        assert_eq!(request(&line).unwrap(), expected.to_string());
    }

    #[test]
    fn what_belongs_to_no_subnet_is_refused() {
        let error =
            request(&["web", "--subnet", "10.0.0.0/24", "--gateway", "10.0.1.1"]).unwrap_err();
        assert!(error.to_string().contains("--gateway 10.0.1.1 is in none"), "{error}");
        assert!(request(&["web", "--range", "10.0.0.0/24"]).is_err());
    }

    #[test]
    fn a_document_gets_the_name() {
        let text = request(&["web", "--request", "{\"options\":{\"mtu\":1}}"]).unwrap();
        assert_eq!(text, r#"{"name":"web","options":{"mtu":1}}"#);
        assert!(request(&["web", "--request", "{\"name\":\"other\"}"]).is_err());
        assert!(request(&["web", "--request", "[]"]).is_err());
    }
}
