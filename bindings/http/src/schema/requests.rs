//! What is sent.

use std::collections::BTreeMap;

use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};

/// A network to be made.
#[derive(ToSchema)]
pub(crate) struct NetworkCreate {
    /// 1 to 255 bytes, no control character, no `.`, no `/`.
    name: String,
    /// Empty or absent = `bridge`.
    network_type: Option<String>,
    options: Option<NetworkOptionsCreate>,
}

/// Options of a network; Docker's old spellings are accepted beside them.
#[derive(ToSchema)]

pub(crate) struct NetworkOptionsCreate {
    /// Absent = the first free IPv4 subnet.
    subnets: Option<Vec<SubnetCreate>>,
    /// A ULA /64 is chosen if no IPv6 subnet is given.
    ipv6: Option<bool>,
    /// No way out and no way in.
    internal: Option<bool>,
    /// Containers may talk to each other; true if absent.
    icc: Option<bool>,
    /// Traffic that leaves the host takes the host's address; true if absent.
    masquerade: Option<bool>,
    /// In bytes; absent = that of the host's default route, else 1500.
    #[schema(minimum = 68, maximum = 65535)]
    mtu: Option<u32>,
    /// Name of the bridge device; absent = `nb-` and 11 digits.
    #[schema(max_length = 15)]
    bridge: Option<String>,
    /// Where ports are published that name no address; `0.0.0.0` = as if absent.
    host_binding: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    /// The options of 2015: `BridgeName`, `AddressIPv4`, `FixedCIDR` and so on.
    #[schema(rename = "com.docker.network.generic", value_type = Option<Object>)]
    generic: Option<()>,
}

/// A subnet that is asked for.
#[derive(ToSchema)]
pub(crate) struct SubnetCreate {
    /// CIDR, IPv4 or IPv6.
    subnet: String,
    /// Automatic addresses are taken from here.
    range: Option<String>,
    /// Absent = the first address.
    gateway: Option<String>,
    /// Never given out automatically.
    reserved: Option<Vec<String>>,
}

/// A protocol, by its IANA number or its name.
fn proto() -> Schema {
    let number = ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([6, 17, 132]));
    let name =
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["tcp", "udp", "sctp"]));
    OneOfBuilder::new().item(number).item(name).into()
}

/// A port that a container serves.
#[derive(ToSchema)]
pub(crate) struct ExposedPort {
    #[schema(schema_with = proto)]
    proto: u8,
    #[schema(minimum = 1)]
    port: u16,
}

/// A port, or a span, published on the host.
#[derive(ToSchema)]
pub(crate) struct PortMapping {
    #[schema(schema_with = proto)]
    proto: u8,
    /// Ignored.
    ip: Option<String>,
    /// In the container.
    #[schema(minimum = 1)]
    port: u16,
    /// The last port of a span in the container.
    port_end: Option<u16>,
    /// Absent = all addresses, IPv4 and IPv6; `0.0.0.0` = all IPv4 ones, `::` = all IPv6 ones.
    host_ip: Option<String>,
    /// 0 or absent = a free one.
    host_port: Option<u16>,
    /// A free one from `host_port` to this.
    host_port_end: Option<u16>,
}

/// An endpoint to be made.
#[derive(ToSchema)]
pub(crate) struct EndpointCreate {
    /// 1 to 255 bytes, no control character, no `.`; it may begin with one `/`.
    name: String,
    exposed_ports: Option<Vec<ExposedPort>>,
    port_mapping: Option<Vec<PortMapping>>,
    ipv4_address: Option<String>,
    ipv6_address: Option<String>,
    mac_address: Option<String>,
    /// Further names by which its network finds it.
    aliases: Option<Vec<String>>,
    /// The highest of a container's endpoints carries its default route.
    priority: Option<i64>,
    labels: Option<BTreeMap<String, String>>,
}

/// A service to be published.
#[derive(ToSchema)]
pub(crate) struct ServiceCreate {
    /// As that of an endpoint.
    name: String,
    /// Empty or absent = `bridge`.
    network_name: Option<String>,
    exposed_ports: Option<Vec<ExposedPort>>,
    port_mapping: Option<Vec<PortMapping>>,
    /// `round-robin`, `random` or `source`.
    balance: Option<String>,
    virtual_address: Option<String>,
    aliases: Option<Vec<String>>,
    priority: Option<i64>,
    labels: Option<BTreeMap<String, String>>,
}

/// A container to be joined.
#[derive(ToSchema)]
pub(crate) struct Join {
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$")]
    container_id: String,
    host_name: Option<String>,
    domain_name: Option<String>,
    /// A hosts file elsewhere.
    hosts_path: Option<String>,
    /// A `resolv.conf` elsewhere.
    resolv_conf_path: Option<String>,
    /// Nameservers; absent = the host's.
    dns: Option<Vec<String>>,
    extra_hosts: Option<Vec<ExtraHost>>,
    parent_updates: Option<Vec<ParentUpdate>>,
    /// On the host network: the key is `…/netns/default`.
    use_default_sandbox: Option<bool>,
    /// The path of a namespace to join, instead of making one.
    netns: Option<String>,
    /// The process whose namespace is joined.
    #[schema(minimum = 1)]
    pid: Option<u32>,
    /// Absent = the next `eth<n>`.
    #[schema(max_length = 15)]
    interface_name: Option<String>,
    dns_search: Option<Vec<String>>,
    dns_options: Option<Vec<String>>,
    /// Keys below `net.`, set inside.
    sysctls: Option<BTreeMap<String, String>>,
}

/// A line of the hosts file.
#[derive(ToSchema)]
pub(crate) struct ExtraHost {
    name: String,
    address: String,
}

/// A name in another container's hosts file that gets a new address.
#[derive(ToSchema)]
pub(crate) struct ParentUpdate {
    /// Or `service_id`.
    endpoint_id: String,
    name: String,
    address: String,
}

/// A join with its endpoint.
#[derive(ToSchema)]
pub(crate) struct JoinMany {
    /// Id, exact name, or id prefix; absent = `bridge`.
    network: Option<String>,
    endpoint: EndpointCreate,
    container: Join,
}
