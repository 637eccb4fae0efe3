//! What is answered.

use std::collections::BTreeMap;

use utoipa::{IntoResponses, ToSchema};

/// A network; `options`, `created` and `labels` with `?verbose=1`.
#[derive(ToSchema)]
pub(crate) struct Network {
    name: String,
    id: String,
    r#type: String,
    endpoints: Vec<Endpoint>,
    #[schema(nullable = false)]
    options: Option<NetworkOptions>,
    /// RFC 3339, UTC.
    #[schema(nullable = false)]
    created: Option<String>,
    #[schema(nullable = false)]
    labels: Option<BTreeMap<String, String>>,
}

/// What is in effect.
#[derive(ToSchema)]
pub(crate) struct NetworkOptions {
    subnets: Vec<Subnet>,
    ipv6: bool,
    internal: bool,
    icc: bool,
    masquerade: bool,
    /// 0 until the network is realised.
    mtu: u32,
    bridge: String,
    #[schema(nullable = false)]
    host_binding: Option<String>,
}

/// A subnet in effect.
#[derive(ToSchema)]
pub(crate) struct Subnet {
    subnet: String,
    #[schema(nullable = false)]
    range: Option<String>,
    gateway: String,
    #[schema(nullable = false)]
    reserved: Option<Vec<String>>,
}

/// An endpoint or a service; what follows `network` with `?verbose=1`.
#[derive(ToSchema)]
pub(crate) struct Endpoint {
    name: String,
    id: String,
    /// The network's name.
    network: String,
    /// In CIDR form.
    #[schema(nullable = false)]
    addresses: Option<Vec<String>>,
    #[schema(nullable = false)]
    mac: Option<String>,
    #[schema(nullable = false)]
    exposed_ports: Option<Vec<ExposedPort>>,
    #[schema(nullable = false)]
    port_mapping: Option<Vec<PortMapping>>,
    /// The container joined.
    #[schema(nullable = false)]
    container: Option<String>,
    #[schema(nullable = false)]
    interface: Option<String>,
    #[schema(nullable = false)]
    sandbox_key: Option<String>,
    #[schema(nullable = false)]
    aliases: Option<Vec<String>>,
    #[schema(nullable = false)]
    priority: Option<i64>,
    #[schema(nullable = false)]
    labels: Option<BTreeMap<String, String>>,
    /// RFC 3339, UTC.
    #[schema(nullable = false)]
    created: Option<String>,
    /// Of a service.
    #[schema(nullable = false)]
    virtual_addresses: Option<Vec<String>>,
    /// Of a service.
    #[schema(nullable = false)]
    balance: Option<String>,
    /// Of a service.
    #[schema(nullable = false)]
    backends: Option<Vec<Backend>>,
}

/// A port that a container serves.
#[derive(ToSchema)]
#[schema(as = ExposedPortInEffect)]
pub(crate) struct ExposedPort {
    /// 6, 17 or 132.
    proto: u8,
    port: u16,
}

/// A port, or a span, published on the host.
#[derive(ToSchema)]
#[schema(as = PortMappingInEffect)]
pub(crate) struct PortMapping {
    /// 6, 17 or 132.
    proto: u8,
    port: u16,
    #[schema(nullable = false)]
    port_end: Option<u16>,
    #[schema(nullable = false)]
    host_ip: Option<String>,
    host_port: u16,
    #[schema(nullable = false)]
    host_port_end: Option<u16>,
}

/// A back end of a service; all but `id` with `?verbose=1`.
#[derive(ToSchema)]
pub(crate) struct Backend {
    /// The container's id, as given.
    id: String,
    #[schema(nullable = false)]
    addresses: Option<Vec<String>>,
    #[schema(nullable = false)]
    mac: Option<String>,
    /// `attached` or `detaching`.
    #[schema(nullable = false)]
    state: Option<String>,
}

/// A container's namespace.
#[derive(ToSchema)]
pub(crate) struct Sandbox {
    container_id: String,
    /// The path that a runtime opens.
    key: String,
    endpoints: Vec<Endpoint>,
    /// netberth made the namespace and destroys it.
    owned: bool,
    hosts_path: String,
    resolv_conf_path: String,
}

/// The versions of everything that plays a part.
#[derive(ToSchema)]
pub(crate) struct Version {
    version: String,
    abi: u32,
    /// The kernel's release.
    kernel: String,
    commit: String,
}

/// What is not as it was made.
#[derive(ToSchema)]
pub(crate) struct Verification {
    differences: Vec<Difference>,
}

/// One thing that is not as it should be.
#[derive(ToSchema)]
pub(crate) struct Difference {
    owner: Owner,
    /// In the words of `ip`, `nft` and `sysctl`.
    object: String,
    /// What there should be, or `nothing`.
    expected: String,
    /// What there is, or `nothing`.
    found: String,
    /// Why a repair could not set it right.
    error: Option<String>,
}

/// What was set right, and what was not.
#[derive(ToSchema)]
pub(crate) struct Repair {
    repaired: Vec<Difference>,
    differences: Vec<Difference>,
}

/// What nobody needed any more.
#[derive(ToSchema)]
pub(crate) struct Collection {
    collected: Vec<Collected>,
}

/// One thing of it.
#[derive(ToSchema)]
pub(crate) struct Collected {
    /// `sandbox`, `link` or `file`.
    kind: String,
    /// The container of a sandbox.
    id: Option<String>,
    /// The name of a link, the path of a file.
    name: Option<String>,
    why: String,
}

/// Whose it is.
#[derive(ToSchema)]
pub(crate) struct Owner {
    /// `network`, `endpoint`, `service`, `sandbox` or `host`.
    kind: String,
    /// Empty for the host.
    id: String,
    /// Empty for the host.
    name: String,
}

/// Every refusal.
#[derive(ToSchema)]
pub(crate) struct Error {
    /// What was being done, what was found, what to do about it.
    message: String,
    kind: String,
    /// The operating system's number.
    #[schema(nullable = false)]
    errno: Option<i32>,
    /// Outermost first.
    #[schema(nullable = false)]
    doing: Option<Vec<String>>,
    /// What went wrong while undoing.
    #[schema(nullable = false)]
    cleanup: Option<Vec<String>>,
}

/// What any of the verbs may come to.
#[derive(IntoResponses)]
pub(crate) enum Refusals {
    /// malformed, or it contradicts itself
    #[response(status = 400)]
    Invalid(Error),
    /// it is taken, in use, or not the caller's to change
    #[response(status = 403)]
    Conflict(Error),
    /// nothing has that name or id
    #[response(status = 404)]
    NotFound(Error),
    /// the body did not arrive in time
    #[response(status = 408)]
    Slow(Error),
    /// a body of more than 1 MiB
    #[response(status = 413)]
    TooLarge(Error),
    /// the kernel or the store refused
    #[response(status = 500)]
    Failed(Error),
    /// this kernel or this version cannot do it
    #[response(status = 501)]
    Unsupported(Error),
    /// others hold the state directory
    #[response(status = 503)]
    Busy(Error),
    /// something did not happen in time
    #[response(status = 504)]
    Timeout(Error),
    /// a pool, a bridge or a table is full
    #[response(status = 507)]
    Exhausted(Error),
}

/// What became of one join of many: `endpoint` and `key`, or `error`.
#[derive(ToSchema)]
pub(crate) struct Joined {
    /// The id of the new endpoint.
    #[schema(nullable = false)]
    endpoint: Option<String>,
    /// The sandbox key.
    #[schema(nullable = false)]
    key: Option<String>,
    #[schema(nullable = false)]
    error: Option<Error>,
}
