//! The ledger's side of opening an epoch; what is decided, and why, stands in `backdrop_core::log`.

use crate::apply::insert_gap;
use crate::partitions::{column, number, read_cursor};
use crate::{Database, StoreError};
use backdrop_core::log::{
    Cursor, EntryId, EpochDecision, EpochLedger, EpochOpening, LedgerState, Partition, QueueState,
};
use sqlx::postgres::PgConnection;
use sqlx::{Postgres, Row, Transaction};

/// A partition's row, locked until the decision is written down or this is dropped.
#[derive(Debug)]
pub struct LockedPartition {
    database: Database,
    tx: Transaction<'static, Postgres>,
    partition: Partition,
    state: LedgerState,
}

impl EpochLedger for Database {
    type Error = StoreError;
    type Opening = LockedPartition;

    async fn begin_opening(&self, partition: Partition) -> Result<LockedPartition, StoreError> {
        let database = self.clone();
        self.in_task(async move {
            let mut tx = database.pool.begin().await?;
            // Waits for a worker that is applying entries, which takes as long as one transaction.
            let row = sqlx::query(
                "SELECT p.epoch, p.cursor_epoch, p.cursor_n, k.epoch AS known_epoch, k.tail_n AS known_n
                 FROM ingest_partition p
                 LEFT JOIN LATERAL (
                     SELECT epoch, tail_n FROM ingest_epoch
                     WHERE partition = p.partition AND tail_n >= 0 ORDER BY epoch DESC LIMIT 1
                 ) k ON true
                 WHERE p.partition = $1 FOR UPDATE OF p",
            )
            .bind(column(partition))
            .fetch_one(&mut *tx)
            .await?;
            let natural = |number: i64| u64::try_from(number).unwrap_or(0);
            let known_epoch: Option<i64> = row.try_get("known_epoch")?;
            let known_n: Option<i64> = row.try_get("known_n")?;
            let known = known_epoch.zip(known_n);
            let state = LedgerState {
                epoch: natural(row.try_get("epoch")?),
                cursor: read_cursor(&row)?,
                known: known.map(|(epoch, n)| EntryId { epoch: natural(epoch), n: natural(n) }),
            };
            Ok(LockedPartition { database, tx, partition, state })
        })
        .await
    }
}

impl EpochOpening for LockedPartition {
    type Error = StoreError;

    fn state(&self) -> LedgerState {
        self.state
    }

    async fn finish(
        self,
        decision: EpochDecision,
        queue: &QueueState,
        acknowledged: Option<EntryId>,
    ) -> Result<(), StoreError> {
        let database = self.database.clone();
        database.unless_silent(self.write_down(decision, queue, acknowledged)).await
    }
}

impl LockedPartition {
    async fn write_down(
        mut self,
        decision: EpochDecision,
        queue: &QueueState,
        acknowledged: Option<EntryId>,
    ) -> Result<(), StoreError> {
        let connection = &mut *self.tx;
        if let Some(entry) = acknowledged {
            report_tail(connection, self.partition, entry, Tail::Acknowledged).await?;
        }
        if queue.last.epoch > 0 {
            report_tail(connection, self.partition, queue.last, Tail::InTheQueue).await?;
        }
        if let EpochDecision::Open { went_back: true, .. } = decision {
            sqlx::query("UPDATE ingest_epoch SET went_back = true WHERE partition = $1 AND epoch = $2")
                .bind(column(self.partition))
                .bind(number(self.state.epoch))
                .execute(&mut *connection)
                .await?;
        }
        record_epoch(connection, self.partition, decision.epoch(), &queue.run_id).await?;
        self.tx.commit().await?;
        Ok(())
    }
}

/// Writes the epoch down, unless it is. An adopted one is new to the ledger if the store was restored
/// from a backup.
async fn record_epoch(
    connection: &mut PgConnection,
    partition: Partition,
    epoch: u64,
    run_id: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO ingest_epoch (partition, epoch, run_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(column(partition))
    .bind(number(epoch))
    .bind(run_id)
    .execute(&mut *connection)
    .await?;
    sqlx::query("UPDATE ingest_partition SET epoch = greatest(epoch, $2) WHERE partition = $1")
        .bind(column(partition))
        .bind(number(epoch))
        .execute(connection)
        .await?;
    Ok(())
}

/// How an entry is known to have been given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tail {
    /// A writer was told so.
    Acknowledged,
    /// The queue says so; it may still hold the entry.
    InTheQueue,
}

/// Raises what is known of where the entry's epoch ended. If the cursor has passed that epoch by, the
/// entries between are gone: who was told of them comes late with the news, but they are noted.
async fn report_tail(
    connection: &mut PgConnection,
    partition: Partition,
    entry: EntryId,
    tail: Tail,
) -> Result<(), StoreError> {
    let known = sqlx::query(
        "SELECT tail_n, left_at_n FROM ingest_epoch WHERE partition = $1 AND epoch = $2 AND tail_n < $3",
    )
    .bind(column(partition))
    .bind(number(entry.epoch))
    .bind(number(entry.n))
    .fetch_optional(&mut *connection)
    .await?;
    let Some(known) = known else { return Ok(()) };
    let left_at: Option<i64> = known.try_get("left_at_n")?;
    if let (Tail::Acknowledged, Some(left_at)) = (tail, left_at) {
        let noted = left_at.max(known.try_get("tail_n")?);
        if let Ok(missing @ 1..) = u64::try_from(number(entry.n) - noted) {
            let after = match u64::try_from(noted) {
                Ok(n) => Cursor::at(EntryId { epoch: entry.epoch, n }),
                Err(_) => Cursor::start_of(entry.epoch),
            };
            insert_gap(connection, partition, after, None, missing).await?;
        }
    }
    sqlx::query("UPDATE ingest_epoch SET tail_n = $3 WHERE partition = $1 AND epoch = $2")
        .bind(column(partition))
        .bind(number(entry.epoch))
        .bind(number(entry.n))
        .execute(connection)
        .await?;
    Ok(())
}
