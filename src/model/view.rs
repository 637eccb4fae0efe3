//! The answers: the documents of API.md, the same at every door.

use std::path::PathBuf;

use serde::Serialize;

use super::{
    Attachment, Endpoint, ExposedPort, Labels, Network, NetworkOptions, PortMapping, Role, Sandbox,
    SandboxKind,
};

/// A network; the optional members are those of `?verbose=1`.
#[derive(Clone, Debug, Serialize)]
pub struct NetworkView {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Its driver.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its endpoints, in order of creation.
    pub endpoints: Vec<EndpointView>,
    /// What is in effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<NetworkOptions>,
    /// RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
}

/// An endpoint or a service; `more` are the members of `?verbose=1`.
#[derive(Clone, Debug, Serialize)]
pub struct EndpointView {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// The name of its network.
    pub network: String,
    /// More, if asked.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub more: Option<EndpointMore>,
}

/// What `?verbose=1` adds to an endpoint.
#[derive(Clone, Debug, Serialize)]
pub struct EndpointMore {
    /// In CIDR form.
    pub addresses: Vec<String>,
    /// Its hardware address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// Exposed ports.
    pub exposed_ports: Vec<ExposedPort>,
    /// Published ports.
    pub port_mapping: Vec<PortMapping>,
    /// The container joined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Its interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// The sandbox key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox_key: Option<PathBuf>,
    /// Further names.
    pub aliases: Vec<String>,
    /// For the default route.
    pub priority: i64,
    /// Labels.
    pub labels: Labels,
    /// RFC 3339, UTC.
    pub created: String,
    /// Of a service: its own addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtual_addresses: Option<Vec<String>>,
    /// Of a service: how connections are spread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<String>,
    /// Of a service: its back ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backends: Option<Vec<BackendView>>,
}

/// A back end of a service; the optional members are those of `?verbose=1`.
#[derive(Clone, Debug, Serialize)]
pub struct BackendView {
    /// The container's id, as given.
    pub id: String,
    /// In CIDR form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<String>>,
    /// Its hardware address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// `attached`, `draining` while it takes no new connections, or `detaching`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// A sandbox.
#[derive(Clone, Debug, Serialize)]
pub struct SandboxView {
    /// The container's id, as given.
    pub container_id: String,
    /// The path that a runtime opens.
    pub key: PathBuf,
    /// What is joined, in order of joining.
    pub endpoints: Vec<EndpointView>,
    /// netberth made the namespace and destroys it.
    pub owned: bool,
    /// The hosts file.
    pub hosts_path: PathBuf,
    /// The `resolv.conf`.
    pub resolv_conf_path: PathBuf,
}

impl NetworkView {
    pub(crate) fn new(network: &Network, endpoints: Vec<EndpointView>, verbose: bool) -> Self {
        NetworkView {
            name: network.name.to_string(),
            id: network.id.to_string(),
            kind: network.kind.to_string(),
            endpoints,
            options: verbose.then(|| network.options.clone()),
            created: verbose.then(|| time(network.created)),
            labels: verbose.then(|| network.labels.clone()),
        }
    }
}

impl EndpointView {
    pub(crate) fn new(endpoint: &Endpoint, network: &str) -> Self {
        EndpointView {
            name: endpoint.name.to_string(),
            id: endpoint.id.to_string(),
            network: network.to_owned(),
            more: None,
        }
    }

    /// The same with everything; `key` is the sandbox key of its container.
    pub(crate) fn verbose(
        endpoint: &Endpoint,
        network: &str,
        key: Option<PathBuf>,
        backends: Vec<BackendView>,
    ) -> Self {
        let addresses: Vec<String> = endpoint.addresses.iter().map(ToString::to_string).collect();
        let first = endpoint.attachments.first();
        let balance = match endpoint.role {
            Role::Plain | Role::Member => None,
            Role::Service { balance } => Some(balance.to_string()),
        };
        let backends = balance.is_some().then_some(backends);
        let more = EndpointMore {
            virtual_addresses: balance.is_some().then(|| addresses.clone()),
            addresses,
            mac: endpoint.mac.map(|mac| mac.to_string()),
            exposed_ports: endpoint.exposed_ports.clone(),
            port_mapping: endpoint.port_mapping.clone(),
            container: first.map(|a| a.container.to_string()),
            interface: first.map(|a| a.interface.clone()).filter(|name| !name.is_empty()),
            sandbox_key: key,
            aliases: endpoint.aliases.clone(),
            priority: endpoint.priority,
            labels: endpoint.labels.clone(),
            created: time(endpoint.created),
            balance,
            backends,
        };
        EndpointView { more: Some(more), ..EndpointView::new(endpoint, network) }
    }
}

impl BackendView {
    pub(crate) fn new(
        endpoint: &Endpoint,
        attachment: &Attachment,
        draining: bool,
        verbose: bool,
    ) -> Self {
        let state = match (attachment.detaching, draining) {
            (true, _) => "detaching",
            (false, true) => "draining",
            (false, false) => "attached",
        };
        let addresses = endpoint.addresses.iter().map(ToString::to_string).collect();
        BackendView {
            id: attachment.container.to_string(),
            addresses: verbose.then_some(addresses),
            mac: endpoint.mac.filter(|_| verbose).map(|mac| mac.to_string()),
            state: verbose.then(|| state.to_owned()),
        }
    }
}

impl SandboxView {
    pub(crate) fn new(sandbox: &Sandbox, endpoints: Vec<EndpointView>) -> Self {
        SandboxView {
            container_id: sandbox.container.to_string(),
            key: sandbox.key.clone(),
            endpoints,
            owned: sandbox.kind == SandboxKind::Own,
            hosts_path: sandbox.hosts.clone(),
            resolv_conf_path: sandbox.resolv_conf.clone(),
        }
    }
}

/// Nanoseconds since 1970 as RFC 3339 in UTC, to the second.
fn time(nanoseconds: u64) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days to a date of the Gregorian calendar, counted from 1 March of year 0 so that the leap day
    // is the last of a year; 719 468 days lie between that and 1970.
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn times_as_date_prints_them() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_434_819_865, "2015-06-20T17:04:25Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(time(seconds * 1_000_000_000), text);
        }
    }
}
