//! Endpoints.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::document::document;
use super::port::{ExposedPortDoc, PortMappingDoc};
use super::sandbox::host_word;
use super::{Balance, ContainerId, EndpointName, ExposedPort, Id, Labels, Mac, Ns, PortMapping};
use crate::error::{Error, Kind, Result};

/// An endpoint that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointSpec {
    /// Its name.
    pub name: EndpointName,
    /// What its container says it serves.
    pub exposed_ports: Vec<ExposedPort>,
    /// What is published on the host.
    pub port_mapping: Vec<PortMapping>,
    /// A fixed address instead of the next free one.
    pub ipv4_address: Option<Ipv4Addr>,
    /// A fixed address instead of the next free one.
    pub ipv6_address: Option<Ipv6Addr>,
    /// A fixed hardware address instead of one made from the IPv4 address.
    pub mac_address: Option<Mac>,
    /// Further names by which its network finds it.
    pub aliases: Vec<String>,
    /// The endpoint of a container with the highest priority carries the default route.
    pub priority: i64,
    /// Labels.
    pub labels: Labels,
    /// What it is.
    pub role: Role,
}

document! {
    /// Shared by endpoints and services, which differ in a few keys.
    pub(crate) struct EndpointDoc {
        name: String,
        exposed_ports: Vec<ExposedPortDoc>,
        port_mapping: Vec<PortMappingDoc>,
        ipv4_address: String,
        ipv6_address: String,
        mac_address: String,
        aliases: Vec<String>,
        priority: i64,
        labels: Labels,
    }
}

impl EndpointSpec {
    /// Reads the document `{"name","exposed_ports","port_mapping",…}` of API.md.
    ///
    /// # Errors
    /// `invalid` with the path, line and column of what is wrong.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        super::parse::<EndpointDoc>(text)?.check(Role::Plain)
    }
}

impl EndpointDoc {
    pub(crate) fn check(self, role: Role) -> Result<EndpointSpec> {
        let aliases = self.aliases.unwrap_or_default();
        for alias in &aliases {
            host_word(alias, "alias")?;
        }
        Ok(EndpointSpec {
            name: EndpointName::new(self.name.unwrap_or_default())?,
            exposed_ports: ExposedPortDoc::check_all(self.exposed_ports)?,
            port_mapping: PortMappingDoc::check_all(self.port_mapping)?,
            ipv4_address: fixed(self.ipv4_address, "ipv4_address")?,
            ipv6_address: fixed(self.ipv6_address, "ipv6_address")?,
            mac_address: self
                .mac_address
                .filter(|text| !text.is_empty())
                .map(|text| text.parse())
                .transpose()?,
            aliases,
            priority: self.priority.unwrap_or(0),
            labels: self.labels.unwrap_or_default(),
            role,
        })
    }
}

fn fixed<T: std::str::FromStr>(text: Option<String>, what: &str) -> Result<Option<T>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let wrong = |_| Error::new(Kind::Invalid, format!("{what}: `{text}` is not such an address"));
    text.parse().map(Some).map_err(wrong)
}

impl EndpointSpec {
    /// The place of a back end of a service of that name.
    pub(crate) fn member(name: EndpointName, priority: i64) -> Self {
        EndpointSpec {
            name,
            exposed_ports: Vec::new(),
            port_mapping: Vec::new(),
            ipv4_address: None,
            ipv6_address: None,
            mac_address: None,
            aliases: Vec::new(),
            priority,
            labels: Labels::new(),
            role: Role::Member,
        }
    }
}

/// What an endpoint is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "role")]
pub enum Role {
    /// For one container.
    Plain,
    /// Published by `POST /services`.
    Service {
        /// How new connections are spread.
        balance: Balance,
    },
    /// The place of a container that is a back end of services: it has no name, is not listed, and
    /// ends with the last of them.
    Member,
}

/// A container behind a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backend {
    /// Which container.
    pub container: ContainerId,
    /// The endpoint of the same network whose addresses it has: a member, or one that the container
    /// had joined before.
    pub endpoint: Id,
    /// The least that no other has: who comes after one that has left takes its place.
    pub number: u16,
    /// It takes no new connections.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub draining: bool,
}

/// How new connections find the back ends of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// The number of the counter that the service has to itself, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<u8>,
    /// The number of the back end of each slot; empty without back ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<u16>,
    /// The number of the back end whose each slot was, where it is only lent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub homes: Vec<u16>,
}

/// An endpoint as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its id.
    pub id: Id,
    /// Its name.
    pub name: EndpointName,
    /// Its network.
    pub network: Id,
    /// What its container says it serves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exposed_ports: Vec<ExposedPort>,
    /// What is published on the host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub port_mapping: Vec<PortMapping>,
    /// With the prefix length of their subnets; held until deletion.
    pub addresses: Vec<IpNet>,
    /// Its hardware address; absent where the network has no interfaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// Further names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// For the default route.
    #[serde(default)]
    pub priority: i64,
    /// Labels.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Nanoseconds since 1970.
    pub created: u64,
    /// What it is.
    pub role: Role,
    /// The container joined to it: none, or one; never to a service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// The containers behind a service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backends: Vec<Backend>,
    /// Of a service.
    #[serde(default, skip_serializing_if = "is_default")]
    pub spread: Spread,
}

fn is_default(spread: &Spread) -> bool {
    *spread == Spread::default()
}

impl Endpoint {
    /// The addresses without prefix lengths.
    pub fn ips(&self) -> impl Iterator<Item = IpAddr> {
        self.addresses.iter().map(IpNet::addr)
    }

    /// The attachment of this container.
    pub fn attachment(&self, container: &ContainerId) -> Option<&Attachment> {
        self.attachments.iter().find(|attachment| attachment.container == *container)
    }
}

/// A container joined to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Which container.
    pub container: ContainerId,
    /// The namespace it was joined in.
    pub ns: Ns,
    /// The interface inside; empty where the network gives none.
    pub interface: String,
    /// The host end of the veth; empty where there is none.
    pub link: String,
    /// The container's hosts file, which follows the network's names.
    pub hosts: PathBuf,
    /// A detach could not be finished; it can be called again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub detaching: bool,
}
