//! Address management, pure: which subnet a network gets, and which address an endpoint.

mod address;
mod number;
mod pool;

/// The next free address of a subnet of which all up to `last` are taken, for `cargo bench`.
#[cfg(feature = "testing")]
pub fn next_after(
    subnet: &crate::model::Subnet,
    last: std::net::IpAddr,
) -> crate::error::Result<Option<std::net::IpAddr>> {
    next(subnet, None, &mut |address| Ok(address <= last))
}

pub(crate) use address::{fixed, next};
pub(crate) use pool::{Others, subnets};
