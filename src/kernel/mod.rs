//! The hands: do, undo, ask. Nothing here decides anything.

mod announce;
#[cfg(feature = "testing")]
pub mod anything;
mod call;
pub mod conntrack;
mod edit;
mod facts;
#[cfg(feature = "testing")]
pub mod fake;
mod file;
mod inode;
mod linux;
mod netlink;
mod netns;
pub mod nft;
mod observe;
mod place;
mod procfs;
#[cfg(feature = "testing")]
pub mod pure;
mod requests;
mod route;
pub mod sockets;
mod space;
mod sys;
mod sysctl;
mod tenants;
mod undoing;

pub use linux::Linux;

use crate::error::{Error, Result};
use crate::plan::{Ask, Facts, Step};

/// A capture of `tests/golden`: lines of hex, and remarks after `#`.
#[cfg(test)]
fn captured(text: &str) -> Vec<u8> {
    let hex: Vec<u8> =
        text.lines().filter(|line| !line.starts_with('#')).flat_map(str::bytes).collect();
    let byte =
        |two: &[u8]| str::from_utf8(two).ok().and_then(|two| u8::from_str_radix(two, 16).ok());
    hex.chunks(2).map(|two| byte(two).expect("hex")).collect()
}

/// What became of a run of steps.
#[derive(Debug, Default)]
pub struct Outcome {
    /// For each step tried, in order, whether it took effect. Steps that were never tried are not
    /// listed. After a failure a later one may still be true: steps sent in one `sendmsg` are all
    /// processed. One whose answer was lost counts as done: undoing what never was is no harm.
    pub done: Vec<bool>,
    /// The first step that failed, by index, and why.
    pub failed: Option<(usize, Error)>,
}

/// The kernel, or something that stands in for it.
pub trait Kernel: Send + Sync {
    /// 32 bytes from the kernel's random source: `head -c 32 /dev/urandom`.
    fn random(&self) -> Result<[u8; 32]>;

    /// Looks up what is asked.
    fn facts(&self, ask: &Ask) -> Result<Facts>;

    /// Whether the step is so already. Only asked where [`Step::may_hold`] says so.
    fn holds(&self, step: &Step) -> Result<bool>;

    /// Applies the steps in order and stops at the first that fails. A step that reports failure
    /// has left nothing behind.
    fn apply(&self, steps: &[Step]) -> Outcome;

    /// The verb is over: what was kept open for its next call is closed.
    fn rest(&self) {}

    /// Undoes the steps, last first, never stopping early: one result for each step, at its index.
    /// What is gone already counts as undone.
    fn undo(&self, steps: &[Step]) -> Vec<Result<()>>;
}
