//! Names, pure: what the containers of a network call each other.

pub mod hosts;
pub mod resolv;
