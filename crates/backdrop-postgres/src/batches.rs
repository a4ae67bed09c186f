//! Rows of batches: how writes ended, for those who wait and those who ask later.

use crate::partitions::{column, read_cursor};
use crate::{Database, StoreError};
use backdrop_core::batch::{Changed, Outcome};
use backdrop_core::data_set::DataSetId;
use backdrop_core::log::{Cursor, EntryId};
use backdrop_core::receipt::ReceiptId;
use backdrop_core::record::Violations;
use backdrop_core::time::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use uuid::Uuid;

/// How a batch ended.
#[derive(Clone, Debug)]
pub struct BatchRow {
    /// The batch.
    pub batch_id: Uuid,
    /// Its place in the log: that of its first entry, if it was appended several times.
    pub entry: EntryId,
    /// How it ended.
    pub outcome: Outcome,
    /// How many records were stored.
    pub records: i32,
    /// When the queue accepted it, by the queue's clock.
    pub accepted_at: Timestamp,
    /// When it was applied.
    pub applied_at: Timestamp,
    /// How many were not, while the others were.
    pub rejected: i32,
    /// Why not all of it was stored; `None` if it was, or if the rejected batch is no longer kept.
    pub violations: Option<Violations>,
    /// Of a replay: the ids that had changed since the batch was rejected.
    pub changed: Option<Changed>,
}

/// Rows of batches, as [`BatchRow::read`] takes them: these columns, and what else is asked for, from batches `b`.
macro_rules! select {
    ($columns:literal, $batches:literal, $where:literal) => {
        concat!(
            "SELECT b.batch_id, b.epoch, b.n, b.outcome, b.records, b.rejected, b.changed, b.accepted_at, b.applied_at, b.refusal,
                    r.errors",
            $columns,
            " FROM ",
            $batches,
            // The errors of a replay are those of the batch that it replays.
            " LEFT JOIN rejected_batch r ON r.data_set_id = b.data_set_id
                  AND r.batch_id = coalesce(b.replay_of, b.batch_id)
                  AND (b.outcome <> 'stored' OR b.rejected > 0) ",
            $where
        )
    };
}

const OF_IDS: &str = select!(
    "",
    "UNNEST($1::bigint[], $2::uuid[]) AS wanted (data_set_id, batch_id)
     -- By the order of the key, and so by its index: see `apply/known.rs`.
     JOIN LATERAL (
         SELECT o.* FROM batch o
         WHERE o.data_set_id = wanted.data_set_id AND o.batch_id >= wanted.batch_id
         ORDER BY o.data_set_id, o.batch_id LIMIT 1
     ) b ON b.batch_id = wanted.batch_id",
    ""
);

const OF_KEY: &str = select!(
    ", b.body_sha256",
    "(SELECT o.* FROM batch o WHERE o.data_set_id = $1 AND o.idempotency_key >= $2
      ORDER BY o.data_set_id, o.idempotency_key LIMIT 1) b",
    "WHERE b.idempotency_key = $2"
);

const OF_RECEIPT: &str = select!(
    ", p.cursor_epoch, p.cursor_n, oldest.epoch AS oldest_epoch, oldest.n AS oldest_n",
    "ingest_partition p
     -- 0: it is kept as nobody's, since its data set is not known any more.
     LEFT JOIN (
         UNNEST(ARRAY[$2, 0]::bigint[]) AS owner (data_set_id)
         JOIN LATERAL (
             SELECT o.* FROM batch o WHERE o.data_set_id = owner.data_set_id AND o.batch_id >= $3
             ORDER BY o.data_set_id, o.batch_id LIMIT 1
         ) b ON b.batch_id = $3
     ) ON true
     -- Only asked for if there is no row.
     LEFT JOIN LATERAL (
         SELECT o.epoch, o.n FROM batch o WHERE o.partition = p.partition AND b.batch_id IS NULL
         ORDER BY o.epoch, o.n LIMIT 1
     ) AS oldest ON true",
    "WHERE p.partition = $1"
);

impl BatchRow {
    fn read(row: &PgRow) -> Result<Self, StoreError> {
        let batch_id: Uuid = row.try_get("batch_id")?;
        let outcome = Outcome::parse(row.try_get("outcome")?)
            .ok_or_else(|| StoreError::corrupt(format!("batch {batch_id}"), "outcome"))?;
        let errors: Option<Json<Violations>> = row.try_get("refusal")?;
        let errors = errors.map_or_else(|| row.try_get("errors"), |refusal| Ok(Some(refusal)))?;
        let changed: Option<Json<Changed>> = row.try_get("changed")?;
        Ok(Self {
            batch_id,
            entry: read_entry(row, "epoch", "n")?
                .ok_or_else(|| StoreError::corrupt(format!("batch {batch_id}"), "epoch"))?,
            outcome,
            records: row.try_get("records")?,
            accepted_at: row.try_get("accepted_at")?,
            applied_at: row.try_get("applied_at")?,
            rejected: row.try_get("rejected")?,
            violations: errors.map(|Json(violations): Json<Violations>| violations),
            changed: changed.map(|Json(changed)| changed),
        })
    }
}

/// What the store knows of a receipt, as of one moment.
#[derive(Clone, Debug)]
pub struct ReceiptFacts {
    /// The row of the batch, if it ended.
    pub batch: Option<BatchRow>,
    /// How far its partition has been applied.
    pub cursor: Cursor,
    /// The oldest entry of its partition whose batch has a row still; looked for only if this batch has none.
    pub oldest_kept: Option<EntryId>,
}

/// The batch for which an idempotency key stands.
#[derive(Clone, Debug)]
pub struct KeyedBatch {
    /// The hash of the request that brought the key.
    pub body_sha256: String,
    /// How it ended.
    pub batch: BatchRow,
}

/// The place of an entry in the log, if there is one.
fn read_entry(row: &PgRow, epoch: &str, n: &str) -> Result<Option<EntryId>, StoreError> {
    let place: (Option<i64>, Option<i64>) = (row.try_get(epoch)?, row.try_get(n)?);
    let number = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
    Ok(number(place.0).zip(number(place.1)).map(|(epoch, n)| EntryId { epoch, n }))
}

impl Database {
    /// The rows of those batches that have ended.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn ended_batches(
        &self,
        data_sets: Vec<i64>,
        batches: Vec<Uuid>,
    ) -> Result<Vec<BatchRow>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let rows = sqlx::query(OF_IDS).bind(data_sets).bind(batches).fetch_all(&pool).await?;
            rows.iter().map(BatchRow::read).collect()
        })
        .await
    }

    /// What is known of a receipt, in one statement: were the cursor read after the row, a batch that is
    /// applied in between would look lost.
    ///
    /// # Errors
    /// If Postgres cannot be asked. `Ok(None)`: there is no such partition.
    pub async fn receipt_facts(&self, receipt: ReceiptId) -> Result<Option<ReceiptFacts>, StoreError> {
        let pool = self.pool.clone();
        let DataSetId(data_set_id) = receipt.data_set_id;
        self.in_task(async move {
            let row = sqlx::query(OF_RECEIPT)
                .bind(column(receipt.partition))
                .bind(data_set_id)
                .bind(receipt.batch_id)
                .fetch_optional(&pool)
                .await?;
            let Some(row) = row else { return Ok(None) };
            let has_ended = row.try_get::<Option<Uuid>, _>("batch_id")?.is_some();
            let batch = has_ended.then(|| BatchRow::read(&row)).transpose()?;
            let oldest_kept = read_entry(&row, "oldest_epoch", "oldest_n")?;
            Ok(Some(ReceiptFacts { batch, cursor: read_cursor(&row)?, oldest_kept }))
        })
        .await
    }

    /// The batch for which an idempotency key stands, if it has ended.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn keyed_batch(
        &self,
        data_set: DataSetId,
        key: String,
    ) -> Result<Option<KeyedBatch>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let row = sqlx::query(OF_KEY).bind(data_set.0).bind(key).fetch_optional(&pool).await?;
            let Some(row) = row else { return Ok(None) };
            Ok(Some(KeyedBatch { body_sha256: row.try_get("body_sha256")?, batch: BatchRow::read(&row)? }))
        })
        .await
    }
}
