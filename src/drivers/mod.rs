//! Drivers, pure: a checked noun and a few facts become a plan. None touches the kernel.

mod bridge;
mod host;
mod null;

use std::net::IpAddr;

use crate::error::Result;
use crate::model::{Endpoint, Network, NetworkType, Ns};
use crate::plan::{Ask, Facts, Plan};

/// A join, as far as a driver needs to know it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Join<'a> {
    /// The network.
    pub network: &'a Network,
    /// The endpoint that is joined.
    pub endpoint: &'a Endpoint,
    /// The container's namespace.
    pub ns: &'a Ns,
    /// The name of the interface inside.
    pub interface: &'a str,
    /// The name of the host end.
    pub link: &'a str,
}

/// What every kind of network can do; one that gives its containers nothing does nothing.
pub(crate) trait Driver: Sync {
    /// What must be known to bring a network up.
    fn ask(&self, _network: &Network) -> Ask {
        Ask::default()
    }

    /// What brings a network up.
    fn network(&self, _network: &Network, _facts: &Facts) -> Result<Plan> {
        Ok(Plan::new())
    }

    /// What gives a container its interface.
    fn join(&self, _join: &Join<'_>) -> Result<Plan> {
        Ok(Plan::new())
    }

    /// Whether an endpoint has addresses and an interface of its own.
    fn has_interface(&self) -> bool {
        false
    }

    /// The next hop of a container's default route, if this network can carry it.
    fn gateway(&self, _network: &Network, _ipv6: bool) -> Option<IpAddr> {
        None
    }
}

/// The driver of a kind of network.
pub(crate) fn of(kind: NetworkType) -> &'static dyn Driver {
    match kind {
        NetworkType::Null => &null::Null,
        NetworkType::Host => &host::Host,
        NetworkType::Bridge => &bridge::Bridge,
    }
}
