//! Rejected batches: kept as they came, with their errors, within bounds.

mod kept;

pub use kept::{KeptBatch, RejectedBatch};

use crate::apply::BatchLine;
use crate::{Database, StoreError};
use backdrop_core::batch::Outcome;
use backdrop_core::data_set::DataSetId;
use backdrop_core::json;
use backdrop_core::origin::Origin;
use backdrop_core::record::{Violation, Violations};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};
use std::io::Write;
use uuid::Uuid;

/// How many rejected batches a data set keeps; older ones go first. A writer that sends the same
/// mistake every minute still leaves half a day's worth to look at.
const KEPT_NUMBER: i64 = 1_000;
/// How many bytes of them, compressed, a data set keeps.
const KEPT_BYTES: i64 = 64 * 1024 * 1024;
/// How many days they are kept.
const KEPT_DAYS: i32 = 90;

/// What is kept of a batch: all of it, or the faulty records if the others were stored.
struct Rest<'l> {
    /// The records, compressed.
    body: Vec<u8>,
    /// How many these are, if they are records at all.
    count: Option<usize>,
    numbers: Option<&'l [usize]>,
    origin: Origin,
    faults: Vec<Violation>,
}

impl<'l> Rest<'l> {
    fn of(line: &'l BatchLine) -> Self {
        let (envelope, records, faulty) = (&line.entry.envelope, &line.entry.records, &*line.faulty);
        if line.outcome != Outcome::Stored {
            let (origin, faults) = (envelope.origin.clone(), envelope.faults.clone());
            return Self {
                body: compress(records),
                count: json::count(records),
                numbers: None,
                origin,
                faults,
            };
        }
        Self {
            body: compress(&json::pick(records, faulty)),
            count: Some(faulty.len()),
            numbers: Some(faulty),
            origin: envelope.origin.of_some(faulty),
            faults: renumbered(&envelope.faults, faulty),
        }
    }
}

/// What was wrong with those records of a request that are kept, which are counted anew, from 1.
fn renumbered(faults: &[Violation], kept: &[usize]) -> Vec<Violation> {
    let renumbered = |fault: &Violation| {
        let record = kept.binary_search(&fault.record).ok()? + 1;
        Some(Violation { record, ..fault.clone() })
    };
    faults.iter().filter_map(renumbered).collect()
}

/// Keeps a batch, or the faulty records of one of which the others are stored; lets the oldest of its data
/// set go if that makes too many.
pub(crate) async fn keep(
    connection: &mut PgConnection,
    line: &BatchLine,
    violations: &Violations,
) -> Result<(), StoreError> {
    let envelope = &line.entry.envelope;
    let data_set = envelope.data_set_id;
    let Rest { body, count, numbers, origin, faults } = Rest::of(line);
    sqlx::query(
        "INSERT INTO rejected_batch
             (data_set_id, batch_id, kind, body, errors, records, numbers, origin, faults, generation,
              version, rejected_at)
         VALUES ($1, $2, $3::jsonb, $4, $5::jsonb, $6, $7, $8::jsonb, $9::jsonb, $10, $11, now())
         -- A request that is repeated under its key makes the same batch, and may be rejected once more after
         -- the row of the first is no longer kept.
         ON CONFLICT (data_set_id, batch_id) DO UPDATE
         SET kind = excluded.kind, body = excluded.body, errors = excluded.errors, records = excluded.records,
             numbers = excluded.numbers, origin = excluded.origin, faults = excluded.faults,
             generation = excluded.generation, version = excluded.version, replayed_as = NULL,
             rejected_at = excluded.rejected_at",
    )
    .bind(data_set.0)
    .bind(envelope.batch_id)
    .bind(storable(&envelope.kind))
    .bind(body)
    .bind(storable(violations))
    .bind(count.map(stored))
    .bind(numbers.map(|numbers| numbers.iter().copied().map(stored).collect::<Vec<_>>()))
    .bind(storable(&origin))
    .bind((!faults.is_empty()).then(|| storable(&faults)))
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
    sqlx::query("UPDATE rejected_batch SET errors = $3::jsonb WHERE data_set_id = $1 AND batch_id = $2")
        .bind(data_set.0)
        .bind(batch_id)
        .bind(storable(violations))
        .execute(connection)
        .await?;
    Ok(())
}

impl Database {
    /// Removes rejected batches that are older than they are kept. Gives how many.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn sweep_rejected_batches(&self) -> Result<u64, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let sql = "DELETE FROM rejected_batch WHERE rejected_at < now() - make_interval(days => $1)";
            Ok(sqlx::query(sql).bind(KEPT_DAYS).execute(&pool).await?.rows_affected())
        })
        .await
    }
}

/// JSON as `jsonb` takes it. What stands in the queue is not what the writer let through if somebody else put it
/// there, and keeping it must not fail: a NUL, which `jsonb` refuses, becomes a mark.
fn storable(value: &impl Serialize) -> String {
    json::without_nul(&serde_json::to_string(value).expect("texts and numbers can be written"))
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("writing to memory does not fail")
}

/// The numbers that the records of a rejected batch had in their request; none: they are all of it.
pub(crate) fn read_numbers(row: &PgRow) -> Result<Vec<usize>, StoreError> {
    let numbers: Option<Vec<i32>> = row.try_get("numbers")?;
    Ok(numbers.into_iter().flatten().filter_map(|number| usize::try_from(number).ok()).collect())
}

/// A count or a number of records as Postgres keeps it.
fn stored(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use backdrop_core::error::ErrorCode;

    #[test]
    fn faults_stay_with_their_records() {
        let fault = |record| Violation::of(record, "", ErrorCode::InvalidJson, "not JSON");
        assert_eq!(renumbered(&[fault(4), fault(9)], &[2, 4, 9]), [fault(2), fault(3)]);
    }
}
