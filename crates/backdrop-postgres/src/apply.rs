//! Applying a run of entries: the one transaction by which everything the log holds becomes true.
//!
//! **Invariant.** The effects of a batch, its row in `batch` and the cursor that passes it are
//! committed together or not at all, under the lock of the partition's row. So whatever dies, and
//! however often an entry is delivered, a batch counts exactly once and in the order of acceptance.

mod applier;
mod data_sets;
mod gaps;
mod known;
mod outbox;
mod owners;
mod plan;
mod write;

pub use applier::Applier;
pub(crate) use gaps::insert as insert_gap;
pub(crate) use plan::BatchLine;

use crate::StoreError;
use backdrop_core::batch::Outcome;
use backdrop_core::data_set::DataSetId;
use backdrop_core::ingest::{DecidedEntry, EntryResult};
use backdrop_core::log::{Cursor, Partition};
use backdrop_core::time::Timestamp;
use plan::Plan;
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use tokio::sync::oneshot;
use uuid::Uuid;

/// What became of a run.
#[derive(Debug)]
pub enum ApplyResult {
    /// It is committed.
    Applied(Applied),
    /// Somebody else holds the partition; nothing was done.
    Busy,
    /// The cursor is not where the run was read after, or a record that it changes is not the one that was
    /// read: somebody else was faster. Nothing was done.
    Moved,
}

/// A committed run.
#[derive(Debug)]
pub struct Applied {
    /// How each entry ended, in order.
    pub results: Vec<EntryResult>,
    /// How many entries were found missing before entries of this run.
    pub missing: u64,
    /// How many gaps were noted, those of unknown size included.
    pub gaps: u64,
    /// How many records were stored.
    pub records: u64,
    /// The batches that were new, in order; what was repeated has no effects.
    pub batches: Vec<AppliedBatch>,
    /// How many entries repeated a batch that had ended already.
    pub repeated: usize,
}

/// A batch that was decided by a run.
#[derive(Clone, Debug)]
pub struct AppliedBatch {
    /// The batch.
    pub batch_id: Uuid,
    /// The data set it is for; it may be deleted.
    pub data_set_id: DataSetId,
    /// When the queue accepted it, by the queue's clock.
    pub accepted_at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// How many of its records were stored.
    pub stored: usize,
    /// How many were not.
    pub rejected: usize,
}

impl AppliedBatch {
    fn of(line: &BatchLine) -> Self {
        Self {
            batch_id: line.entry.envelope.batch_id,
            data_set_id: line.entry.envelope.data_set_id,
            accepted_at: line.entry.accepted_at,
            outcome: line.outcome,
            stored: line.records,
            rejected: line.not_stored(),
        }
    }
}

async fn apply(
    connection: &mut PgConnection,
    partition: Partition,
    read_after: Cursor,
    mut entries: Vec<DecidedEntry>,
    new_cursor: Cursor,
    ending: oneshot::Sender<()>,
) -> Result<ApplyResult, StoreError> {
    let entries_count = entries.len();
    let mut tx = connection.begin().await?;
    let Some(locked) = known::lock(&mut tx, partition, &entries).await? else {
        tx.rollback().await?;
        return Ok(ApplyResult::Busy);
    };
    if locked.cursor != read_after {
        tx.rollback().await?;
        return Ok(ApplyResult::Moved);
    }
    let ids = entries.iter().map(|decided| decided.entry.id);
    let found = gaps::note(&mut tx, partition, read_after, ids, new_cursor).await?;
    let data_sets = data_sets::lock(&mut tx, &entries).await?;
    let batches = match owners::disown_unknown(&mut entries, &data_sets) {
        0 => locked.batches,
        _ => known::batches(&mut tx, &entries).await?,
    };
    if !write::is_unchanged(&mut tx, &entries, &data_sets).await? {
        tx.rollback().await?;
        return Ok(ApplyResult::Moved);
    }
    let known = known::of(&mut tx, &entries, batches).await?;
    let plan = Plan::of(entries, known, data_sets::states(&data_sets));
    let added = write::records(&mut tx, &plan).await?;
    write::rejected(&mut tx, &plan).await?;
    write::deletions(&mut tx, &plan).await?;
    outbox::transforms(&mut tx, &plan, &data_sets).await?;
    // Perhaps nobody wants to know.
    let _unheard = ending.send(());
    write::end(&mut tx, partition, new_cursor, &plan, &added).await?;
    tx.commit().await?;
    Ok(ApplyResult::Applied(Applied {
        missing: found.missing,
        gaps: found.gaps,
        records: plan.stored_records(),
        repeated: entries_count - plan.batches.len(),
        batches: plan.batches.iter().map(AppliedBatch::of).collect(),
        results: plan.results,
    }))
}
