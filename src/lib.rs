//! netberth gives containers their network, in-process and over raw netlink.

pub mod drivers;
pub mod error;
pub mod ipam;
pub mod kernel;
pub mod model;
pub mod plan;
pub mod services;
pub mod store;

pub use error::{Error, Kind, Result};
