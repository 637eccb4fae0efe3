//! Networks.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::document::document;
use super::options::OptionsDoc;
use super::{Id, Labels, NetworkName, NetworkOptions, OptionsSpec};
use crate::error::{Error, Kind, Result};

/// Which driver serves a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkType {
    /// A namespace with nothing but `lo`.
    Null,
    /// The host's own namespace.
    Host,
    /// A Linux bridge, routed by the host.
    Bridge,
}

impl NetworkType {
    const ALL: [NetworkType; 3] = [NetworkType::Null, NetworkType::Host, NetworkType::Bridge];

    fn parse(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Ok(NetworkType::Bridge);
        }
        Self::ALL.into_iter().find(|kind| kind.to_string() == text).ok_or_else(|| {
            let known = Self::ALL.map(|kind| kind.to_string()).join(", ");
            let shown = text.escape_debug();
            Error::new(Kind::NotFound, format!("driver not found: `{shown}`; known are {known}"))
        })
    }
}

impl fmt::Display for NetworkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NetworkType::Null => "null",
            NetworkType::Host => "host",
            NetworkType::Bridge => "bridge",
        })
    }
}

/// A network that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkSpec {
    /// Its name.
    pub name: NetworkName,
    /// Its driver.
    pub kind: NetworkType,
    /// Its options.
    pub options: OptionsSpec,
}

document! {
    struct NetworkDoc {
        name: String,
        network_type: String,
        options: OptionsDoc,
    }
}

impl NetworkSpec {
    /// Reads the document `{"name","network_type","options"}` of API.md.
    ///
    /// # Errors
    /// `invalid` with the path, line and column of what is wrong; `not_found` for an unknown
    /// `network_type`; `unsupported` for an old option that cannot be honoured.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        let doc: NetworkDoc = super::parse(text)?;
        let options = doc.options.unwrap_or_default();
        Ok(NetworkSpec {
            name: NetworkName::new(doc.name.unwrap_or_default())?,
            kind: NetworkType::parse(&doc.network_type.unwrap_or_default())?,
            options: options.check().map_err(|error| error.doing("options"))?,
        })
    }
}

/// How far a network has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkState {
    /// Nothing of it is in the kernel yet: the default network until its first endpoint.
    Defined,
    /// In the kernel.
    Up,
    /// A deletion could not be finished; it can be called again.
    Deleting,
}

/// A network as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Its id.
    pub id: Id,
    /// Its name.
    pub name: NetworkName,
    /// Its driver.
    pub kind: NetworkType,
    /// What is in effect.
    pub options: NetworkOptions,
    /// Labels.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Nanoseconds since 1970.
    pub created: u64,
    /// How far it has come.
    pub state: NetworkState,
}

/// The name of the default network.
pub(super) const DEFAULT_NETWORK: &str = "bridge";

impl Network {
    /// Whether it exists from the start and cannot be deleted.
    pub fn is_predefined(&self) -> bool {
        self.kind != NetworkType::Bridge || self.name.as_str() == DEFAULT_NETWORK
    }
}
