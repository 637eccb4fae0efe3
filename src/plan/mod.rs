//! What will be done to the host, as data: ordered [`Step`]s that read as `ip`, `nft` and `sysctl`
//! lines.
//!
//! The same list serves to create, to roll back, to delete, to rehearse and to recover: a step
//! carries everything its undoing needs, so nothing has to be looked up afterwards.

mod bundle;
mod doomed;
mod facts;
mod flow;
mod inode;
mod lines;
pub mod rules;
mod seen;
mod step;
mod text;

pub use crate::model::Ns;
pub(crate) use bundle::bundled;
pub(crate) use doomed::{Makes, without as without_doomed};
pub use facts::{Ask, Facts, HostFacts, PortAsk};
pub use flow::Flow;
pub use inode::{Inode, Tenant};
pub(crate) use lines::with_lines;
pub use seen::{Look, Seen, SeenAddress, SeenLink, SeenRoute};
pub use step::{Hop, Step};

use serde::{Deserialize, Serialize};

/// Steps in the order in which they are applied; they are undone newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
}

impl Plan {
    /// An empty plan.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a step at the end.
    pub fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// The plan as the lines an operator would type.
    pub fn lines(&self) -> Vec<String> {
        self.steps.iter().flat_map(Step::lines).collect()
    }
}

/// A step of a recorded plan: what was asked, and whether it was so before netberth came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The step.
    pub step: Step,
    /// It held already, so it is never undone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
}
