//! Names, published ports, and whether all is as it was made: pure.

pub(crate) mod balance;
pub(crate) mod checks;
pub(crate) mod hosts;
pub(crate) mod ports;
pub(crate) mod resolv;
