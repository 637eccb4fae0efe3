//! Endpoints.

use clap::{Args, Subcommand};
use netberth::Result;
use serde_json::Value;

use crate::context::Context;
use crate::document::{self, Request, text, texts};
use crate::list::{self as lists, Listing};
use crate::network::named;
use crate::port::{self, Expose, PUBLISH, Publish};
use crate::show::{self, Table};
use crate::verb::{Change, Read};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create an endpoint on a network and print its id
    Create(Create),
    /// List endpoints, of one network or of all
    #[command(after_help = "Examples:\n  netberth endpoint ls\n  netberth endpoint ls web")]
    Ls(List),
    /// Show endpoints whole
    #[command(after_help = "Example:\n  netberth endpoint inspect web front")]
    Inspect(Inspect),
    /// Delete endpoints
    #[command(
        after_help = "Examples:\n  netberth endpoint rm web front back\n  netberth endpoint rm --force web front\n\nEach that is gone is named; the exit status is that of the first that is not."
    )]
    Rm(Remove),
}

const CREATE: &str = "\
Examples:
  netberth endpoint create web front -p 8080:80
  netberth endpoint create web dns -p 127.0.0.1:5353:53/udp --ip 10.88.0.53 --alias ns
  netberth endpoint create web back --request '{\"priority\":10}'";

#[derive(Args, Debug)]
#[command(after_help = CREATE)]
pub(crate) struct Create {
    /// Name, id or id prefix
    network: String,

    /// Its name, by which its network finds it
    name: String,

    #[command(flatten)]
    ports: Ports,

    /// A fixed IPv4 address
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<std::net::Ipv4Addr>,

    /// A fixed IPv6 address
    #[arg(long, value_name = "ADDRESS")]
    ip6: Option<std::net::Ipv6Addr>,

    /// A fixed hardware address
    #[arg(long, value_name = "MAC")]
    mac: Option<String>,

    #[command(flatten)]
    names: Names,

    /// The request as the document of the HTTP interface, or @FILE, or - for standard input; the name
    /// is added
    #[arg(long, value_name = "JSON", conflicts_with_all = ["publish", "expose", "ip", "ip6", "mac",
        "alias", "priority", "label"])]
    request: Option<String>,
}

/// Ports of an endpoint or a service.
#[derive(Args, Debug)]
pub(crate) struct Ports {
    #[arg(short, long, value_name = "PORT", help = PUBLISH)]
    pub(crate) publish: Vec<Publish>,

    /// Note that a port is served: PORT[/PROTO]; nothing is published. Repeatable
    #[arg(long, value_name = "PORT")]
    pub(crate) expose: Vec<Expose>,
}

/// By what an endpoint or a service is known and chosen.
#[derive(Args, Debug)]
pub(crate) struct Names {
    /// Another name by which its network finds it; repeatable
    #[arg(long, value_name = "NAME")]
    alias: Vec<String>,

    /// Of a container's endpoints the one with the highest carries the default route
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    priority: Option<i64>,

    /// A label; repeatable
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = crate::arguments::pair)]
    label: Vec<(String, String)>,
}

impl Ports {
    pub(crate) fn add_to(self, request: Request) -> Request {
        request.list("port_mapping", self.publish).list("exposed_ports", self.expose)
    }
}

impl Names {
    pub(crate) fn add_to(self, request: Request) -> Request {
        let request = request.list("aliases", self.alias).maybe("priority", self.priority);
        request.pairs("labels", self.label)
    }
}

#[derive(Args, Debug)]
pub(crate) struct List {
    /// Name, id or id prefix [default: all networks]
    network: Option<String>,

    #[command(flatten)]
    listing: Listing,
}

#[derive(Args, Debug)]
pub(crate) struct Inspect {
    /// Name, id or id prefix
    network: String,

    /// Names, ids or id prefixes
    #[arg(required = true, value_name = "ENDPOINT")]
    endpoints: Vec<String>,

    /// Only what identifies it
    #[arg(long)]
    brief: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Remove {
    /// Name, id or id prefix
    network: String,

    /// Names, ids or id prefixes
    #[arg(required = true, value_name = "ENDPOINT")]
    endpoints: Vec<String>,

    /// Detach its container first
    #[arg(short, long)]
    force: bool,
}

pub(crate) fn run(context: &mut Context, command: Command) -> Result<()> {
    match command {
        Command::Create(create) => {
            let network = create.network.clone();
            let request = create.request()?;
            context.make(&Change::EndpointCreate { network, request })
        }
        Command::Ls(List { network, listing }) => {
            let filter = listing.filter(None)?;
            let verb = |verbose| match network.clone() {
                Some(network) => Read::Endpoints { network, filter: filter.clone(), verbose },
                None => Read::Services { filter: filter.clone(), verbose },
            };
            lists::show(context, &listing, verb, |_| true, |all| table(all, &listing))
        }
        Command::Inspect(Inspect { network, endpoints, brief }) => {
            lists::inspect(context, &endpoints, |endpoint| Read::Endpoint {
                network: network.clone(),
                endpoint: endpoint.to_owned(),
                verbose: !brief,
            })
        }
        Command::Rm(Remove { network, endpoints, force }) => {
            context.each(&endpoints, |_, endpoint| {
                let (network, endpoint) = (network.clone(), endpoint.to_owned());
                Ok(vec![Change::EndpointDelete { network, endpoint, force }])
            })
        }
    }
}

impl Create {
    fn request(self) -> Result<String> {
        if let Some(source) = &self.request {
            return named(&document::given(source)?, &self.name);
        }
        let request = self.ports.add_to(Request::default().with("name", self.name));
        let request = request
            .maybe("ipv4_address", self.ip.map(|ip| ip.to_string()))
            .maybe("ipv6_address", self.ip6.map(|ip| ip.to_string()))
            .maybe("mac_address", self.mac);
        Ok(self.names.add_to(request).text())
    }
}

fn table(endpoints: &[Value], listing: &Listing) -> Table {
    let mut columns = vec!["NETWORK", "NAME", "ID", "ADDRESSES", "PORTS", "CONTAINER"];
    if listing.long {
        columns.extend(["INTERFACE", "MAC", "PRIORITY", "ALIASES"]);
    }
    let mut table = Table::new(&columns);
    for endpoint in endpoints {
        let mut row = vec![
            text(endpoint, "network").to_owned(),
            text(endpoint, "name").to_owned(),
            show::id(text(endpoint, "id"), listing.no_trunc),
            addresses(endpoint),
            ports(endpoint),
            port::containers(endpoint).join(","),
        ];
        if listing.long {
            row.push(text(endpoint, "interface").to_owned());
            row.push(text(endpoint, "mac").to_owned());
            row.push(endpoint.get("priority").map(Value::to_string).unwrap_or_default());
            row.push(texts(endpoint, "aliases").join(","));
        }
        table.row(row);
    }
    table
}

/// Addresses without the lengths of their prefixes, which are those of the network.
pub(crate) fn addresses(endpoint: &Value) -> String {
    let bare = |text: &str| text.split('/').next().unwrap_or_default().to_owned();
    texts(endpoint, "addresses").into_iter().map(bare).collect::<Vec<_>>().join(",")
}

/// `*:8080->80/tcp`, as Docker writes it.
pub(crate) fn ports(endpoint: &Value) -> String {
    let one = |row: port::Row<'_>| format!("{}->{}/{}", row.host(), row.inside(), row.proto());
    port::rows(endpoint).map(one).collect::<Vec<_>>().join(",")
}
