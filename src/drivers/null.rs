//! Networks of type `null`: a namespace with nothing but `lo`.

use std::net::IpAddr;

use super::{Driver, Join};
use crate::error::Result;
use crate::model::Network;
use crate::plan::{Ask, Facts, Plan};

pub(super) struct Null;

impl Driver for Null {
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
