//! What the tests of netavark, CNI's portmap and moby hold about ports and isolation, held here:
//! real packets, the running kernel, tables of cases.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected says so and ends"
)]

#[path = "../common/mod.rs"]
mod common;

mod cleanup;
mod isolation;
mod leaks;
mod loopback;
mod ports;
mod reach;
mod reuse;
mod wire;
