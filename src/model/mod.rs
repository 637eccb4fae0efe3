//! The nouns: parsed once from a door's text, and valid ever after.

mod document;
mod endpoint;
mod filter;
mod id;
mod join;
mod legacy;
mod mac;
mod name;
mod namespace;
mod network;
mod options;
mod port;
mod sandbox;
mod service;
mod subnet;
mod verification;
pub mod view;

pub use endpoint::{Attachment, Backend, Endpoint, EndpointSpec, Role, Spread};
pub use filter::Filter;
pub use id::Id;
pub use join::{JoinRequest, Joined};
pub use mac::Mac;
pub use name::{ContainerId, EndpointName, InterfaceName, NetworkName};
pub use namespace::Ns;
pub use network::{Network, NetworkSpec, NetworkState, NetworkType};
pub use options::{NetworkOptions, OptionsSpec};
pub use port::{ExposedPort, PortMapping, Proto};
pub use sandbox::{ExtraHost, JoinSpec, ParentUpdate, Place, Sandbox, SandboxKind};
pub use service::{Balance, ServiceSpec};
pub use subnet::{Subnet, SubnetSpec};
pub use verification::{Collected, Collection, Difference, Owner, Repair, Verification};

pub(crate) use document::{document, key_is, parse};

/// Labels of a noun: opaque to netberth.
pub type Labels = std::collections::BTreeMap<String, String>;
