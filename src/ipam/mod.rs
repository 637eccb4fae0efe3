//! Address management, pure: which subnet a network gets, and which address an endpoint.

mod address;
mod number;
mod pool;

pub use address::{fixed, next};
pub use pool::{Others, subnets};
