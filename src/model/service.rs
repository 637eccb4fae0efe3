//! Services: endpoints that are published by name, for any number of containers.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::document::document;
use super::endpoint::EndpointDoc;
use super::network::DEFAULT_NETWORK;
use super::port::{ExposedPortDoc, PortMappingDoc};
use super::{EndpointSpec, Labels, Role};
use crate::error::{Error, Kind, Result};

/// How new connections are spread over back ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Balance {
    /// Each in turn.
    #[default]
    RoundRobin,
    /// By chance.
    Random,
    /// A client's address always finds the same back end.
    Source,
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Balance::RoundRobin => "round-robin",
            Balance::Random => "random",
            Balance::Source => "source",
        })
    }
}

impl Balance {
    fn parse(text: &str) -> Result<Self> {
        let all = [Balance::RoundRobin, Balance::Random, Balance::Source];
        if text.is_empty() {
            return Ok(Balance::default());
        }
        all.into_iter().find(|balance| balance.to_string() == text).ok_or_else(|| {
            let known = all.map(|balance| balance.to_string()).join(", ");
            Error::new(Kind::Invalid, format!("balance `{text}` is not one of {known}"))
        })
    }
}

/// A service that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceSpec {
    /// The name of its network.
    pub network: String,
    /// The endpoint that it is.
    pub endpoint: EndpointSpec,
}

document! {
    struct ServiceDoc {
        name: String,
        network_name: String,
        exposed_ports: Vec<ExposedPortDoc>,
        port_mapping: Vec<PortMappingDoc>,
        balance: String,
        virtual_address: String,
        aliases: Vec<String>,
        priority: i64,
        labels: Labels,
    }
}

impl ServiceSpec {
    /// Reads the document `{"name","network_name","exposed_ports","port_mapping",…}` of API.md.
    ///
    /// # Errors
    /// `invalid` with the path, line and column of what is wrong.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        let doc: ServiceDoc = super::parse(text)?;
        let virtual_address = doc.virtual_address.unwrap_or_default();
        let v6 = virtual_address.contains(':');
        let balance = Balance::parse(&doc.balance.unwrap_or_default())?;
        let endpoint = EndpointDoc {
            name: doc.name,
            exposed_ports: doc.exposed_ports,
            port_mapping: doc.port_mapping,
            ipv4_address: Some(virtual_address.clone()).filter(|_| !v6),
            ipv6_address: Some(virtual_address).filter(|_| v6),
            mac_address: None,
            aliases: doc.aliases,
            priority: doc.priority,
            labels: doc.labels,
        };
        let network = doc.network_name.filter(|name| !name.is_empty());
        Ok(ServiceSpec {
            network: network.unwrap_or_else(|| DEFAULT_NETWORK.to_owned()),
            endpoint: endpoint.check(Role::Service { balance })?,
        })
    }
}
