//! Networks of type `host`: the host's own namespace, untouched.

use std::net::IpAddr;

use super::{Driver, Join};
use crate::error::Result;
use crate::model::Network;
use crate::plan::{Ask, Facts, Plan};

pub(super) struct Host;

impl Driver for Host {
    fn ask(&self, _: &Network) -> Ask {
        Ask::default()
    }

    fn network(&self, _: &Network, _: &Facts) -> Result<Plan> {
        Ok(Plan::new())
    }

    fn join(&self, _: &Join<'_>) -> Result<Plan> {
        Ok(Plan::new())
    }

    fn has_interface(&self) -> bool {
        false
    }

    fn gateway(&self, _: &Network, _: bool) -> Option<IpAddr> {
        None
    }
}
