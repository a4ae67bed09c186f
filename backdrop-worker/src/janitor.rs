//! Housekeeping beside the work: what nobody can see any more is removed, and so is what a data set does not keep,
//! in small steps.

mod bounds;

use backdrop_core::error::chain;
use backdrop_postgres::{Database, StoreError};
use bounds::Bounds;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How long to wait when there is nothing to remove.
const IDLE: Duration = Duration::from_secs(5);
/// How long to wait between steps, so that the work that matters comes first.
const BETWEEN_STEPS: Duration = Duration::from_millis(20);
/// How many idle rounds go by between looks at old rows of batches, which takes reading them all.
const ROUNDS_BETWEEN_BATCHES: u32 = 720;

/// Cleans up until it is told to stop. Several workers may do so at once.
pub(crate) async fn run(database: Database, stop: CancellationToken) {
    let mut round: u32 = 0;
    let mut bounds = Bounds::default();
    while !stop.is_cancelled() {
        let wait = match step(&database, &mut bounds, round).await {
            Ok(0) => {
                round = (round + 1) % ROUNDS_BETWEEN_BATCHES;
                IDLE
            }
            Ok(_) => BETWEEN_STEPS,
            Err(error) => {
                warn!(error = chain(&error), "cleaning up failed");
                IDLE
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// One step of each kind of work; gives how much was removed.
async fn step(database: &Database, bounds: &mut Bounds, round: u32) -> Result<u64, StoreError> {
    let removed = database.sweep_records().await? + bounds.step(database).await?;
    if removed > 0 || round != ROUNDS_BETWEEN_BATCHES - 1 {
        return Ok(removed);
    }
    Ok(database.sweep_batches().await? + database.sweep_deletions().await?)
}
