//! Services.

use std::net::IpAddr;

use clap::{Args, Subcommand};
use netberth::Result;
use netberth::model::Filter;
use serde_json::Value;

use crate::context::Context;
use crate::document::{self, Request, list, members, text, texts};
use crate::endpoint::{Names, Ports, addresses, ports};
use crate::join::Options;
use crate::list::{self as lists, Listing};
use crate::network::named;
use crate::show::{self, Table};
use crate::verb::{Change, Read};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Publish a service and print its id
    Publish(Publish),
    /// List services: every endpoint is one, too
    #[command(after_help = "Examples:\n  netberth service ls\n  netberth service ls --network web")]
    Ls(List),
    /// Show services whole
    #[command(after_help = "Example:\n  netberth service inspect api")]
    Inspect(Inspect),
    /// List what is behind a service
    #[command(after_help = "Example:\n  netberth service backends api")]
    Backends(Backends),
    /// Attach a container, and print the path of its namespace
    Attach(Attach),
    /// Detach a container
    Detach(Detach),
    /// Unpublish services
    #[command(
        after_help = "Examples:\n  netberth service rm api\n  netberth service rm --force api db"
    )]
    Rm(Remove),
}

const PUBLISH: &str = "\
Examples:
  netberth service publish api --network web -p 80:8080
  netberth service publish api --network web --vip 10.88.0.80 --balance source";

#[derive(Args, Debug)]
#[command(after_help = PUBLISH)]
pub(crate) struct Publish {
    /// Its name, by which its network finds it
    name: String,

    /// Name, id or id prefix [default: bridge]
    #[arg(short, long)]
    network: Option<String>,

    #[command(flatten)]
    ports: Ports,

    /// How new connections are spread [default: round-robin]
    #[arg(long, value_parser = ["round-robin", "random", "source"])]
    balance: Option<String>,

    /// A fixed virtual address
    #[arg(long, value_name = "ADDRESS")]
    vip: Option<IpAddr>,

    #[command(flatten)]
    names: Names,

    /// The request as the document of the HTTP interface, or @FILE, or - for standard input; the name
    /// is added
    #[arg(long, value_name = "JSON", conflicts_with_all = ["network", "publish", "expose", "balance",
        "vip", "alias", "priority", "label"])]
    request: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only those of this network, by its name
    #[arg(short, long)]
    network: Option<String>,

    /// Endpoints that are no services, too: what GET /services lists, and --json always
    #[arg(short, long)]
    all: bool,

    #[command(flatten)]
    listing: Listing,
}

#[derive(Args, Debug)]
pub(crate) struct Inspect {
    /// Names, ids or id prefixes
    #[arg(required = true, value_name = "SERVICE")]
    services: Vec<String>,

    /// Only what identifies it
    #[arg(long)]
    brief: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Backends {
    /// Name, id or id prefix
    service: String,

    /// With --json, everything there is to know
    #[arg(short, long)]
    long: bool,
}

const ATTACH: &str = "\
Example:
  netberth service attach api c1 --pid 1234";

#[derive(Args, Debug)]
#[command(after_help = ATTACH)]
pub(crate) struct Attach {
    /// Name, id or id prefix
    service: String,

    /// The container's id, as its runtime knows it
    container: String,

    #[command(flatten)]
    options: Options,
}

const DETACH: &str = "\
Examples:
  netberth service detach api c1
  netberth service detach --drain api c1 c2";

#[derive(Args, Debug)]
#[command(after_help = DETACH)]
pub(crate) struct Detach {
    /// Name, id or id prefix
    service: String,

    /// The containers' ids, or their first four characters or more
    #[arg(required = true, value_name = "CONTAINER")]
    containers: Vec<String>,

    /// Keep the connections that it has; the container gets no new ones
    #[arg(long)]
    drain: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Remove {
    /// Names, ids or id prefixes
    #[arg(required = true, value_name = "SERVICE")]
    services: Vec<String>,

    /// Detach what is behind it first
    #[arg(short, long)]
    force: bool,
}

pub(crate) fn run(context: &mut Context, command: Command) -> Result<()> {
    match command {
        Command::Publish(publish) => {
            let request = publish.request()?;
            context.make(&Change::ServicePublish { request })
        }
        Command::Ls(List { network, all, listing }) => {
            let filter: Filter = listing.filter(network)?;
            let verb = |verbose| Read::Services { filter: filter.clone(), verbose };
            let wanted = |one: &Value| all || one.get("balance").is_some();
            lists::show(context, &listing, verb, wanted, |shown| table(shown, &listing))
        }
        Command::Inspect(Inspect { services, brief }) => {
            lists::inspect(context, &services, |service| Read::Service {
                service: service.to_owned(),
                verbose: !brief,
            })
        }
        Command::Backends(backends) => show_backends(context, backends),
        Command::Attach(Attach { service, container, options }) => {
            let request = options.request(&container)?;
            context.make(&Change::ServiceAttach { service, request })
        }
        Command::Detach(Detach { service, containers, drain }) => {
            context.each(&containers, |context, given| {
                let (service, container) = (service.clone(), context.container(given)?);
                Ok(vec![Change::ServiceDetach { service, container, drain }])
            })
        }
        Command::Rm(Remove { services, force }) => context.each(&services, |_, service| {
            Ok(vec![Change::ServiceUnpublish { service: service.to_owned(), force }])
        }),
    }
}

impl Publish {
    fn request(self) -> Result<String> {
        if let Some(source) = &self.request {
            return named(&document::given(source)?, &self.name);
        }
        let request = Request::default()
            .with("name", self.name)
            .maybe("network_name", self.network)
            .maybe("balance", self.balance)
            .maybe("virtual_address", self.vip.map(|ip| ip.to_string()));
        Ok(self.names.add_to(self.ports.add_to(request)).text())
    }
}

fn show_backends(context: &mut Context, backends: Backends) -> Result<()> {
    let Backends { service, long } = backends;
    let verb = |verbose| Read::Backends { service: service.clone(), verbose };
    if context.json {
        let document = context.ask(&verb(long))?;
        context.line(&document);
        return Ok(());
    }
    let all = context.look(&verb(true))?;
    let mut table = Table::new(&["CONTAINER", "ADDRESSES", "MAC", "STATE"]);
    for backend in members(&all) {
        table.row(vec![
            text(backend, "id").to_owned(),
            addresses(backend),
            text(backend, "mac").to_owned(),
            text(backend, "state").to_owned(),
        ]);
    }
    let table = table.text(context.colored);
    context.text(&table);
    Ok(())
}

fn table(services: &[Value], listing: &Listing) -> Table {
    let mut columns = vec!["NAME", "NETWORK", "ID", "ADDRESSES", "PORTS", "BALANCE", "BACK ENDS"];
    if listing.long {
        columns.extend(["ALIASES", "CREATED"]);
    }
    let mut table = Table::new(&columns);
    for service in services {
        // What is no service of its own has at most the one container.
        let behind = match service.get("backends") {
            Some(_) => list(service, "backends").len(),
            None => usize::from(service.get("container").is_some()),
        };
        let mut row = vec![
            text(service, "name").to_owned(),
            text(service, "network").to_owned(),
            show::id(text(service, "id"), listing.no_trunc),
            addresses(service),
            ports(service),
            text(service, "balance").to_owned(),
            behind.to_string(),
        ];
        if listing.long {
            row.push(texts(service, "aliases").join(","));
            row.push(text(service, "created").to_owned());
        }
        table.row(row);
    }
    table
}
