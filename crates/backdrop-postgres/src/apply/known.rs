//! What the store knows already that bears on a run, asked under the lock.
//!
//! Rows are looked up by "the first one at or after what is wanted, in the order of the key". Postgres keeps the plan of a
//! statement that was prepared when a table was all but empty, and then takes any index whose first column fits: asked
//! for equality, it has gone through every batch of the data set for every entry, until statistics came a minute or two
//! later. In that order only the right index gives rows without sorting.

use super::plan::{Known, Rejected};
use crate::StoreError;
use crate::partitions::{PartitionRow, column};
use crate::rejected::read_numbers;
use backdrop_core::batch::{BatchKind, Outcome};
use backdrop_core::data_set::DataSetId;
use backdrop_core::ingest::{DecidedEntry, Effect};
use backdrop_core::log::{Cursor, Partition};
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Batches that have a row, with their outcomes.
pub(super) type Ended = HashMap<(DataSetId, Uuid), Outcome>;

/// A partition that is ours.
pub(super) struct Locked {
    pub(super) cursor: Cursor,
    /// Which of the batches of the run have a row already. Asked with the lock, to save a round trip: these rows are as of
    /// the moment before it was taken, the cursor as of the one after, and who adds such a row moves the cursor.
    pub(super) batches: Ended,
}

/// Takes the partition, unless somebody else has it: waiting for a lock would only pile workers up.
pub(super) async fn lock(
    connection: &mut PgConnection,
    partition: Partition,
    entries: &[DecidedEntry],
) -> Result<Option<Locked>, StoreError> {
    let (data_sets, batches) = batch_ids(entries);
    let rows = sqlx::query(
        "SELECT p.cursor_epoch, p.cursor_n, p.attempts, b.data_set_id, b.batch_id, b.outcome
         FROM ingest_partition p
         LEFT JOIN (
             UNNEST($2::bigint[], $3::uuid[]) AS wanted (data_set_id, batch_id)
             JOIN LATERAL (
                 SELECT o.data_set_id, o.batch_id, o.outcome FROM batch o
                 WHERE o.data_set_id = wanted.data_set_id AND o.batch_id >= wanted.batch_id
                 ORDER BY o.data_set_id, o.batch_id LIMIT 1
             ) b ON b.batch_id = wanted.batch_id
         ) ON true
         WHERE p.partition = $1 FOR UPDATE OF p SKIP LOCKED",
    )
    .bind(column(partition))
    .bind(data_sets)
    .bind(batches)
    .fetch_all(connection)
    .await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let cursor = PartitionRow::read(first)?.cursor;
    let has_batch = |row: &PgRow| row.try_get::<Option<Uuid>, _>("batch_id").is_ok_and(|id| id.is_some());
    let batches = rows.iter().filter(|row| has_batch(row)).map(read_ended).collect::<Result<_, _>>()?;
    Ok(Some(Locked { cursor, batches }))
}

/// Everything a plan needs to know besides the entries, the states of their data sets, and which batches have ended.
pub(super) async fn of(
    connection: &mut PgConnection,
    entries: &[DecidedEntry],
    batches: Ended,
) -> Result<Known, StoreError> {
    Ok(Known {
        batches,
        keys: keys(connection, entries).await?,
        tuples: tuples(connection, entries).await?,
        rejected: match entries {
            // A replay is always alone in its run.
            [entry] => rejected(connection, entry).await?,
            _ => None,
        },
    })
}

/// Which of the batches have a row already, with their outcomes.
pub(super) async fn batches(
    connection: &mut PgConnection,
    entries: &[DecidedEntry],
) -> Result<Ended, StoreError> {
    let (data_sets, batches) = batch_ids(entries);
    let rows = sqlx::query(
        "SELECT b.data_set_id, b.batch_id, b.outcome
         FROM UNNEST($1::bigint[], $2::uuid[]) AS wanted (data_set_id, batch_id)
         JOIN LATERAL (
             SELECT o.data_set_id, o.batch_id, o.outcome FROM batch o
             WHERE o.data_set_id = wanted.data_set_id AND o.batch_id >= wanted.batch_id
             ORDER BY o.data_set_id, o.batch_id LIMIT 1
         ) b ON b.batch_id = wanted.batch_id",
    )
    .bind(data_sets)
    .bind(batches)
    .fetch_all(connection)
    .await?;
    rows.iter().map(read_ended).collect()
}

fn batch_ids(entries: &[DecidedEntry]) -> (Vec<i64>, Vec<Uuid>) {
    let envelopes = entries.iter().map(|decided| &decided.entry.envelope);
    envelopes.map(|envelope| (envelope.data_set_id.0, envelope.batch_id)).unzip()
}

fn read_ended(row: &PgRow) -> Result<((DataSetId, Uuid), Outcome), StoreError> {
    let batch_id: Uuid = row.try_get("batch_id")?;
    let outcome = Outcome::parse(row.try_get("outcome")?)
        .ok_or_else(|| StoreError::corrupt(format!("batch {batch_id}"), "outcome"))?;
    Ok(((DataSetId(row.try_get("data_set_id")?), batch_id), outcome))
}

/// Which of the idempotency keys stand for another batch already.
async fn keys(
    connection: &mut PgConnection,
    entries: &[DecidedEntry],
) -> Result<HashSet<(DataSetId, String)>, StoreError> {
    let envelopes = entries.iter().map(|decided| &decided.entry.envelope);
    let keyed: Vec<(i64, &str)> = envelopes
        .filter_map(|envelope| Some((envelope.data_set_id.0, envelope.idempotency.as_ref()?.key.as_str())))
        .collect();
    if keyed.is_empty() {
        return Ok(HashSet::new());
    }
    let (data_sets, keys): (Vec<i64>, Vec<&str>) = keyed.into_iter().unzip();
    let rows = sqlx::query(
        "SELECT b.data_set_id, b.idempotency_key
         FROM UNNEST($1::bigint[], $2::text[]) AS wanted (data_set_id, idempotency_key)
         JOIN LATERAL (
             SELECT o.data_set_id, o.idempotency_key FROM batch o
             WHERE o.data_set_id = wanted.data_set_id AND o.idempotency_key >= wanted.idempotency_key
             ORDER BY o.data_set_id, o.idempotency_key LIMIT 1
         ) b ON b.idempotency_key = wanted.idempotency_key",
    )
    .bind(data_sets)
    .bind(keys)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok((DataSetId(row.try_get("data_set_id")?), row.try_get("idempotency_key")?)))
        .collect()
}

/// The values that made the ids of those stored records which records of the run are to replace.
async fn tuples(
    connection: &mut PgConnection,
    entries: &[DecidedEntry],
) -> Result<HashMap<(DataSetId, i32, String), String>, StoreError> {
    let mut wanted: (Vec<i64>, Vec<&str>) = Default::default();
    for DecidedEntry { entry, effect } in entries {
        if let Effect::Store(storing) = effect {
            for record in storing.records.iter().filter(|record| record.id_tuple().is_some()) {
                wanted.0.push(entry.envelope.data_set_id.0);
                wanted.1.push(record.id());
            }
        }
    }
    if wanted.0.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(
        "SELECT r.data_set_id, r.generation, r.id, r.id_tuple
         FROM (SELECT DISTINCT data_set_id, id FROM UNNEST($1::bigint[], $2::text[]) AS w (data_set_id, id)) w
         JOIN data_set_state s USING (data_set_id)
         JOIN LATERAL (
             SELECT o.data_set_id, o.generation, o.id, o.id_tuple FROM record o
             WHERE o.data_set_id = w.data_set_id AND o.generation = s.generation AND o.id >= w.id
             ORDER BY o.data_set_id, o.generation, o.id LIMIT 1
         ) r ON r.id = w.id
         WHERE r.id_tuple IS NOT NULL",
    )
    .bind(wanted.0)
    .bind(wanted.1)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let data_set = DataSetId(row.try_get("data_set_id")?);
            Ok(((data_set, row.try_get("generation")?, row.try_get("id")?), row.try_get("id_tuple")?))
        })
        .collect()
}

/// The rejected batch that the entry replays, with which of its ids have changed since.
async fn rejected(
    connection: &mut PgConnection,
    decided: &DecidedEntry,
) -> Result<Option<Rejected>, StoreError> {
    let BatchKind::Replay { of, .. } = &decided.entry.envelope.kind else { return Ok(None) };
    let data_set = decided.entry.envelope.data_set_id;
    let row = sqlx::query(
        "SELECT generation, version, replayed_as, numbers
         FROM rejected_batch WHERE data_set_id = $1 AND batch_id = $2",
    )
    .bind(data_set.0)
    .bind(of)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let generation: Option<i32> = row.try_get("generation")?;
    let version: Option<i64> = row.try_get("version")?;
    let ids: Vec<&str> = match &decided.effect {
        Effect::Store(storing) => storing.records.iter().map(|record| record.id()).collect(),
        _ => Vec::new(),
    };
    let changed: Vec<String> = sqlx::query_scalar(
        "SELECT id FROM record
         WHERE data_set_id = $1 AND generation = $2 AND id = ANY($3) AND seq > $4
         UNION
         SELECT id FROM record_deletion
         WHERE data_set_id = $1 AND generation = $2 AND id = ANY($3) AND seq > $4",
    )
    .bind(data_set.0)
    .bind(generation)
    .bind(ids)
    .bind(version)
    .fetch_all(connection)
    .await?;
    Ok(Some(Rejected {
        generation,
        is_replayed: row.try_get::<Option<Uuid>, _>("replayed_as")?.is_some(),
        numbers: read_numbers(&row)?,
        changed: changed.into_iter().collect(),
    }))
}
