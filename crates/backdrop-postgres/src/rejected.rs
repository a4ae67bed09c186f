//! Rejected batches: kept as they came, with their errors, within bounds.

use crate::apply::BatchLine;
use crate::{Database, StoreError};
use backdrop_core::batch::Outcome;
use backdrop_core::data_set::DataSetId;
use backdrop_core::json;
use backdrop_core::record::Violations;
use backdrop_core::time::Timestamp;
use flate2::Compression;
use flate2::write::GzEncoder;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::types::Json;
use std::io::Write;
use uuid::Uuid;

/// How many rejected batches a data set keeps; older ones go first. A writer that sends the same
/// mistake every minute still leaves half a day's worth to look at.
const KEPT_NUMBER: i64 = 1_000;
/// How many bytes of them, compressed, a data set keeps.
const KEPT_BYTES: i64 = 64 * 1024 * 1024;
/// How many days they are kept.
const KEPT_DAYS: i32 = 90;
/// How many a listing shows: more is for a tool, not for a person.
const LISTED: i64 = 100;

/// A rejected batch, without its body.
#[derive(Clone, Debug)]
pub struct RejectedBatch {
    /// The batch.
    pub batch_id: Uuid,
    /// What was wrong with it.
    pub violations: Violations,
    /// When it was rejected.
    pub rejected_at: Timestamp,
}

/// Keeps a batch, or the faulty records of one of which the others are stored; lets the oldest of its data
/// set go if that makes too many.
pub(crate) async fn keep(
    connection: &mut PgConnection,
    line: &BatchLine,
    violations: &Violations,
) -> Result<(), StoreError> {
    let (envelope, records) = (&line.entry.envelope, &line.entry.records);
    let data_set = envelope.data_set_id;
    let (body, count, origin) = if line.outcome == Outcome::Stored {
        let body = json::pick(records, &line.faulty);
        (compress(&body), Some(line.faulty.len()), envelope.origin.of_some(&line.faulty))
    } else {
        (compress(records), json::count(records), envelope.origin.clone())
    };
    sqlx::query(
        "INSERT INTO rejected_batch
             (data_set_id, batch_id, body, errors, records, origin, generation, version, rejected_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now())",
    )
    .bind(data_set.0)
    .bind(envelope.batch_id)
    .bind(body)
    .bind(Json(violations))
    .bind(count.map(|count| i32::try_from(count).unwrap_or(i32::MAX)))
    .bind(Json(origin))
    .bind(line.generation)
    .bind(line.version)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "DELETE FROM rejected_batch USING (
             SELECT batch_id, row_number() OVER newest_first AS place,
                    sum(octet_length(body) + pg_column_size(errors)) OVER newest_first AS bytes
             FROM rejected_batch WHERE data_set_id = $1
             WINDOW newest_first AS (ORDER BY rejected_at DESC, batch_id DESC)
         ) AS kept
         WHERE rejected_batch.data_set_id = $1 AND rejected_batch.batch_id = kept.batch_id
           -- The newest stays, however large.
           AND kept.place > 1 AND (kept.place > $2 OR kept.bytes > $3)",
    )
    .bind(data_set.0)
    .bind(KEPT_NUMBER)
    .bind(KEPT_BYTES)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that a rejected batch was replayed with success.
pub(crate) async fn replayed(
    connection: &mut PgConnection,
    data_set: DataSetId,
    batch_id: Uuid,
    replayed_as: Uuid,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE rejected_batch SET replayed_as = $3 WHERE data_set_id = $1 AND batch_id = $2")
        .bind(data_set.0)
        .bind(batch_id)
        .bind(replayed_as)
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes what is wrong with a rejected batch after a replay found it faulty still.
pub(crate) async fn judged_anew(
    connection: &mut PgConnection,
    data_set: DataSetId,
    batch_id: Uuid,
    violations: &Violations,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE rejected_batch SET errors = $3 WHERE data_set_id = $1 AND batch_id = $2")
        .bind(data_set.0)
        .bind(batch_id)
        .bind(Json(violations))
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes what is older than it is kept. Gives how many.
pub(crate) async fn sweep(pool: &PgPool) -> Result<u64, StoreError> {
    let sql = "DELETE FROM rejected_batch WHERE rejected_at < now() - make_interval(days => $1)";
    Ok(sqlx::query(sql).bind(KEPT_DAYS).execute(pool).await?.rows_affected())
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("writing to memory does not fail")
}

impl Database {
    /// The newest rejected batches of a data set, newest first.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn rejected_batches(&self, data_set: DataSetId) -> Result<Vec<RejectedBatch>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let rows = sqlx::query(
                "SELECT batch_id, errors, rejected_at FROM rejected_batch WHERE data_set_id = $1
                 ORDER BY rejected_at DESC, batch_id DESC LIMIT $2",
            )
            .bind(data_set.0)
            .bind(LISTED)
            .fetch_all(&pool)
            .await?;
            rows.iter()
                .map(|row| {
                    let Json(violations) = row.try_get("errors")?;
                    let batch_id = row.try_get("batch_id")?;
                    Ok(RejectedBatch { batch_id, violations, rejected_at: row.try_get("rejected_at")? })
                })
                .collect()
        })
        .await
    }
}
