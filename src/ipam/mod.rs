//! Address management, pure: which subnet a network gets, and which address an endpoint.

mod address;
mod number;
mod pool;

pub(crate) use address::{fixed, next};
pub(crate) use pool::{Others, subnets};
