//! Names, pure: what the containers of a network call each other.

pub(crate) mod hosts;
pub(crate) mod resolv;
