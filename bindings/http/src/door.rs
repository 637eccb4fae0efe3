//! The way to the core, which blocks: on threads of its own, and not on all of them at once.

use std::sync::Arc;

use netberth::{Error, Kind, Netberth, Result};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use crate::answer::{self, Answer};
use crate::query::Query;

/// How many threads may wait for the core's lock; the others are for those who only read.
const CHANGES: usize = 64;

/// How many threads there are for calls of the core.
pub(crate) const THREADS: usize = 2 * CHANGES;

/// What every route has at hand.
#[derive(Clone)]
pub(crate) struct Door {
    netberth: Netberth,
    changes: Arc<Semaphore>,
}

impl Door {
    pub(crate) fn new(netberth: Netberth) -> Self {
        Door { netberth, changes: Arc::new(Semaphore::new(CHANGES)) }
    }

    /// Calls a verb that changes nothing.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        verb: impl FnOnce(&Netberth) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let netberth = self.netberth.clone();
        let called = spawn_blocking(move || verb(&netberth)).await;
        called.unwrap_or_else(|error| Err(Error::new(Kind::Bug, error.to_string())))
    }

    /// Calls a verb that changes nothing, and waits for the core's lock all the same.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        verb: impl FnOnce(&Netberth) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let turn = self.turn().await?;
        let look = move |netberth: &Netberth| {
            let _turn = turn;
            verb(netberth)
        };
        self.read(look).await
    }

    /// Leave to wait for the core's lock.
    async fn turn(&self) -> Result<OwnedSemaphorePermit> {
        let patience = self.netberth.config().lock_timeout;
        let turn = tokio::time::timeout(patience, self.changes.clone().acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            let what = format!("{CHANGES} changes are under way: try again");
            return Err(Error::new(Kind::Busy, what));
        };
        Ok(turn)
    }

    /// Calls a verb that changes something, or with `?dry_run=1` says what it would do. Of what
    /// the verb returns the answer is made: a JSON string, or nothing.
    ///
    /// A change that has begun is finished, whether its client waits for it or not.
    pub(crate) async fn change(
        &self,
        query: &Query,
        verb: impl FnOnce(&Netberth) -> Result<Option<String>> + Send + 'static,
    ) -> Answer {
        let turn = self.turn().await?;
        if query.dry_run {
            let rehearse = move |netberth: &Netberth| {
                let _turn = turn;
                netberth.rehearse(verb)
            };
            let (_, plan) = self.read(rehearse).await?;
            return answer::json(&json!({ "plan": plan }));
        }
        let play = move |netberth: &Netberth| {
            let _turn = turn;
            verb(netberth)
        };
        match self.read(play).await? {
            Some(text) => answer::json(&text),
            None => Ok(answer::empty()),
        }
    }
}
