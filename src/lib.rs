//! netberth gives containers their network, in-process and over raw netlink: networks, endpoints,
//! join and detach of a container's namespace, services, names.
//!
//! ```text
//!    C ABI    Rust API    HTTP     CLI                doors: parse, call, render
//!      └─────────┴────────┬┴────────┘
//!                      control                        verbs: lock, look up, decide, commit
//!           ┌─────────────┼─────────────┐
//!        drivers         ipam        services         pure: (spec, facts) -> plan
//!           └─────────────┼─────────────┘
//!                        plan ─────────┐              data: steps that read as ip and nft lines
//!                         │            │
//!                       kernel       store            hands: do, undo, ask; memory: records
//!
//!    beneath all: model (nouns) and error
//! ```
//!
//! Begin at [`Netberth::open`]. A verb takes a document that was parsed by its noun
//! ([`NetworkSpec::from_json`](model::NetworkSpec::from_json) and its like) and answers with a
//! [view](model::view), the same at every door.

mod control;
mod drivers;
pub mod error;
mod ffi;
mod ipam;
#[doc(hidden)]
pub mod kernel;
pub mod model;
#[doc(hidden)]
pub mod plan;
mod services;
#[doc(hidden)]
pub mod store;

pub use control::{Config, Level, Log, Netberth};
pub use error::{Error, Kind, Result};
#[cfg(feature = "testing")]
#[doc(hidden)]
pub use ffi::testing as c;

/// The version of the library, as in its soname's file name.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The number that changes when a program built against the C header must be built again.
pub const ABI: u32 = ffi::NETBERTH_ABI;

/// The commit that a release was built from, or `unknown`.
pub const COMMIT: &str = env!("NETBERTH_COMMIT");
