//! Joining and detaching.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use netberth::{Error, Kind, Result};
use serde_json::{Value, json};

use crate::bulk;
use crate::context::Context;
use crate::document::{self, Request};
use crate::verb::{Change, Read};

const JOIN: &str = "\
Examples:
  netberth join web front c1                     # a namespace is made, and its path printed
  netberth join web front c1 --pid 1234          # the namespace of a process
  netberth join db replica c1                    # the same container, on a second network
  netberth join --from joins.json --atomic       # many at once, each with its endpoint:
      [{\"network\":\"web\",\"endpoint\":{\"name\":\"a\"},\"container\":{\"container_id\":\"c1\"}}, …]

Of many, each has a line that says what became of it; the exit status is that of the first refusal.";

#[derive(Args, Debug)]
#[command(after_help = JOIN)]
pub(crate) struct Join {
    /// Name, id or id prefix
    #[arg(required_unless_present = "from")]
    network: Option<String>,

    /// Name, id or id prefix
    #[arg(required_unless_present = "from")]
    endpoint: Option<String>,

    /// The container's id, as its runtime knows it
    #[arg(required_unless_present = "from")]
    container: Option<String>,

    #[command(flatten)]
    options: Options,

    /// Many joins, with their endpoints, in one change: a JSON array from a file, or - for standard
    /// input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["network", "endpoint", "container",
        "request"])]
    from: Option<String>,

    /// All or none
    #[arg(long, requires = "from")]
    atomic: bool,
}

/// What a join or an attachment asks for.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Join the namespace at this path, instead of making one
    #[arg(long, value_name = "PATH", conflicts_with = "pid")]
    netns: Option<PathBuf>,

    /// Join the namespace of this process
    #[arg(long)]
    pid: Option<u32>,

    /// The container's host name
    #[arg(long, value_name = "NAME")]
    hostname: Option<String>,

    /// The domain after it
    #[arg(long, value_name = "NAME")]
    domainname: Option<String>,

    /// A nameserver; repeatable [default: the host's]
    #[arg(long, value_name = "ADDRESS")]
    dns: Vec<IpAddr>,

    /// A search domain; repeatable [default: the host's]
    #[arg(long, value_name = "DOMAIN")]
    dns_search: Vec<String>,

    /// A resolver option; repeatable [default: the host's]
    #[arg(long, value_name = "OPTION")]
    dns_option: Vec<String>,

    /// A line of the hosts file; repeatable
    #[arg(long, value_name = "NAME:ADDRESS", value_parser = host)]
    add_host: Vec<(String, IpAddr)>,

    /// A hosts file elsewhere
    #[arg(long, value_name = "PATH")]
    hosts_path: Option<PathBuf>,

    /// A resolv.conf elsewhere
    #[arg(long, value_name = "PATH")]
    resolv_conf_path: Option<PathBuf>,

    /// The interface's name inside [default: eth0, eth1, …]
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,

    /// A key below net. to be set inside; repeatable
    #[arg(long, value_name = "KEY=VALUE", value_parser = crate::arguments::pair)]
    sysctl: Vec<(String, String)>,

    /// The request as the document of the HTTP interface, or @FILE, or - for standard input; the
    /// container's id is added
    #[arg(long, value_name = "JSON", conflicts_with_all = ["netns", "pid", "hostname", "domainname",
        "dns", "dns_search", "dns_option", "add_host", "hosts_path", "resolv_conf_path", "interface",
        "sysctl"])]
    request: Option<String>,
}

fn host(text: &str) -> Result<(String, IpAddr), String> {
    let (name, address) = text.split_once(':').ok_or("expected NAME:ADDRESS")?;
    let address = address.trim_start_matches('[').trim_end_matches(']');
    let address = address.parse().map_err(|_| format!("`{address}` is not an address"))?;
    Ok((name.to_owned(), address))
}

impl Options {
    /// The document that joins this container.
    pub(crate) fn request(self, container: &str) -> Result<String> {
        if let Some(source) = &self.request {
            return with_container(&document::given(source)?, container);
        }
        let path = |path: Option<PathBuf>| path.map(|path| path.display().to_string());
        let extra = |(name, address): (String, IpAddr)| json!({"name": name, "address": address});
        let dns: Vec<String> = self.dns.iter().map(ToString::to_string).collect();
        Ok(Request::default()
            .with("container_id", container)
            .maybe("netns", path(self.netns))
            .maybe("pid", self.pid)
            .maybe("host_name", self.hostname)
            .maybe("domain_name", self.domainname)
            .list("dns", dns)
            .list("dns_search", self.dns_search)
            .list("dns_options", self.dns_option)
            .list("extra_hosts", self.add_host.into_iter().map(extra).collect())
            .maybe("hosts_path", path(self.hosts_path))
            .maybe("resolv_conf_path", path(self.resolv_conf_path))
            .maybe("interface_name", self.interface)
            .pairs("sysctls", self.sysctl)
            .text())
    }
}

fn with_container(request: &str, container: &str) -> Result<String> {
    let invalid = |what: String| Error::new(Kind::Invalid, what).doing("--request");
    let mut document: Value =
        serde_json::from_str(request).map_err(|error| invalid(error.to_string()))?;
    let Some(members) = document.as_object_mut() else {
        return Err(invalid("expected an object, {…}".to_owned()));
    };
    match members.get("container_id") {
        Some(other) if *other != json!(container) => {
            Err(invalid(format!("its container_id {other} is not `{container}`: leave one out")))
        }
        _ => {
            members.insert("container_id".to_owned(), container.into());
            Ok(document.to_string())
        }
    }
}

pub(crate) fn join(context: &mut Context, join: Join) -> Result<ExitCode> {
    let Join { network, endpoint, container, options, from, atomic } = join;
    if let Some(path) = from {
        return bulk::join(context, &document::file(&path)?, atomic);
    }
    if atomic {
        return Err(Error::new(Kind::Invalid, "--atomic is for many: it needs --from"));
    }
    let (Some(network), Some(endpoint), Some(container)) = (network, endpoint, container) else {
        return Err(Error::new(Kind::Invalid, "give NETWORK, ENDPOINT and CONTAINER, or --from"));
    };
    let request = options.request(&container)?;
    context.make(&Change::Join { network, endpoint, request })?;
    Ok(ExitCode::SUCCESS)
}

const DETACH: &str = "\
Examples:
  netberth detach web front
  netberth detach web front c1

The endpoint keeps its addresses and ports, and the container its namespace: `netberth sandbox rm`.";

#[derive(Args, Debug)]
#[command(after_help = DETACH)]
pub(crate) struct Detach {
    /// Name, id or id prefix
    network: String,

    /// Name, id or id prefix
    endpoint: String,

    /// The container's id, or its first four characters or more [default: who is joined]
    container: Option<String>,
}

pub(crate) fn detach(context: &mut Context, detach: Detach) -> Result<()> {
    let Detach { network, endpoint, container } = detach;
    let container = match container {
        Some(given) => context.container(&given)?,
        None => joined(context, &network, &endpoint)?,
    };
    context.change(&Change::Detach { network, endpoint, container }).map(drop)
}

/// Who is joined to an endpoint.
fn joined(context: &Context, network: &str, endpoint: &str) -> Result<String> {
    let (network, endpoint) = (network.to_owned(), endpoint.to_owned());
    let doing = format!("detach from endpoint {endpoint}");
    let found = context.look_before(&Read::Endpoint { network, endpoint, verbose: true })?;
    match document::text(&found, "container") {
        "" => Err(Error::new(Kind::Invalid, "nobody is joined to it").doing(doing)),
        container => Ok(container.to_owned()),
    }
}
