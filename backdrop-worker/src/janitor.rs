//! Housekeeping beside the work: what nobody can see any more is removed, and so is what a data set does not keep,
//! in small steps.
//!
//! **Invariant.** No kind of it waits for another: one that fails is told in the log and tried again later, and the
//! others go on.

mod bounds;

use backdrop_core::error::chain;
use backdrop_postgres::{Database, StoreError};
use bounds::Bounds;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// How long to wait when there is nothing to remove.
const IDLE: Duration = Duration::from_secs(5);
/// How long to wait between steps, so that the work that matters comes first.
const BETWEEN_STEPS: Duration = Duration::from_millis(20);
/// How long to leave what is kept for weeks alone once nothing of it is too old.
const BETWEEN_HISTORIES: Duration = Duration::from_secs(60 * 60);

/// Cleans up until it is told to stop. Several workers may do so at once.
pub(crate) async fn run(database: Database, stop: CancellationToken) {
    let mut bounds = Bounds::default();
    let mut history_rests_until = Instant::now();
    while !stop.is_cancelled() {
        let mut removed = counted(database.sweep_records().await, "records of old generations");
        removed += bounds.step(&database).await;
        if Instant::now() >= history_rests_until {
            let forgotten = forget(&database).await;
            if forgotten == 0 {
                history_rests_until = Instant::now() + BETWEEN_HISTORIES;
            }
            removed += forgotten;
        }
        let wait = if removed == 0 { IDLE } else { BETWEEN_STEPS };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Takes a step in what is kept for some weeks only; gives how much was removed.
async fn forget(database: &Database) -> u64 {
    counted(database.sweep_batches().await, "old batches")
        + counted(database.sweep_rejected_batches().await, "old rejected batches")
        + counted(database.sweep_deletions().await, "old deletions")
}

/// How much was removed. A failure is told, and nothing was.
fn counted(removed: Result<u64, StoreError>, what: &str) -> u64 {
    removed.unwrap_or_else(|error| {
        let cause = chain(&error);
        if error.is_transient() {
            // That the store is away is told by who watches it.
            debug!(what, error = cause, "cleaning up failed");
        } else {
            warn!(what, error = cause, "cleaning up failed");
        }
        0
    })
}
