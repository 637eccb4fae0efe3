//! Names and published ports, pure.

pub(crate) mod balance;
pub(crate) mod hosts;
pub(crate) mod ports;
pub(crate) mod resolv;
