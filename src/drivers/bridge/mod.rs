//! Networks of type `bridge`: a Linux bridge whose containers are routed by the host, even among
//! siblings, so that one nf_tables table and one conntrack see every packet and `br_netfilter` is
//! never needed.
//!
//! Networks are closed to each other, but every network's gateway is the host: what listens there on
//! all addresses is reached by the containers of every network, by any of the gateways, as it is
//! from outside. Who wants it otherwise filters the host's input.

mod join;
mod network;

use std::net::IpAddr;

use super::{Driver, Join};
use crate::error::Result;
use crate::model::Network;
use crate::plan::{Ask, Facts, Plan};

pub(super) struct Bridge;

impl Driver for Bridge {
    fn ask(&self, network: &Network) -> Ask {
        network::ask(network)
    }

    fn network(&self, network: &Network, facts: &Facts) -> Result<Plan> {
        network::plan(network, facts)
    }

    fn join(&self, join: &Join<'_>) -> Result<Plan> {
        Ok(join::plan(join))
    }

    fn has_interface(&self) -> bool {
        true
    }

    fn gateway(&self, network: &Network, ipv6: bool) -> Option<IpAddr> {
        if network.options.internal {
            return None;
        }
        let of_family = |gateway: &IpAddr| gateway.is_ipv6() == ipv6;
        network.options.subnets.iter().map(|subnet| subnet.gateway).find(of_family)
    }
}
