//! The statements of an applied run, each for all its entries at once.

use super::plan::{DataSetState, Plan};
use crate::StoreError;
use crate::partitions::{column, number};
use crate::rejected;
use backdrop_core::batch::Outcome;
use backdrop_core::data_set::DataSetId;
use backdrop_core::ingest::DecidedEntry;
use backdrop_core::log::Partition;
use sqlx::Row;
use sqlx::postgres::PgConnection;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Which of the batches have a row already, with their outcomes.
pub(super) async fn known_batches(
    connection: &mut PgConnection,
    entries: &[DecidedEntry],
) -> Result<HashMap<(DataSetId, Uuid), Outcome>, StoreError> {
    let envelopes = || entries.iter().map(|decided| &decided.entry.envelope);
    let data_sets: Vec<i64> = envelopes().map(|envelope| envelope.data_set_id.0).collect();
    let batches: Vec<Uuid> = envelopes().map(|envelope| envelope.batch_id).collect();
    let rows = sqlx::query(
        "SELECT b.data_set_id, b.batch_id, b.outcome
         FROM UNNEST($1::bigint[], $2::uuid[]) AS wanted (data_set_id, batch_id)
         JOIN batch b USING (data_set_id, batch_id)",
    )
    .bind(data_sets)
    .bind(batches)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let batch_id: Uuid = row.try_get("batch_id")?;
            let outcome = Outcome::parse(row.try_get("outcome")?)
                .ok_or_else(|| StoreError::corrupt(format!("batch {batch_id}"), "outcome"))?;
            Ok(((DataSetId(row.try_get("data_set_id")?), batch_id), outcome))
        })
        .collect()
}

/// The states of those data sets of the run that live. The partition's lock covers them; locking their
/// rows besides keeps out whatever does not go by the partition.
pub(super) async fn lock_data_sets(
    connection: &mut PgConnection,
    entries: &[DecidedEntry],
) -> Result<HashMap<DataSetId, DataSetState>, StoreError> {
    let ids: BTreeSet<i64> = entries.iter().map(|decided| decided.entry.envelope.data_set_id.0).collect();
    let rows = sqlx::query(
        "SELECT s.data_set_id, s.generation, s.version, s.last_timestamp
         FROM data_set_state s JOIN data_set d ON d.id = s.data_set_id
         WHERE s.data_set_id = ANY($1) AND d.deleted_at IS NULL
         ORDER BY s.data_set_id FOR UPDATE OF s",
    )
    .bind(Vec::from_iter(ids))
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let state = DataSetState {
                generation: row.try_get("generation")?,
                version: row.try_get("version")?,
                last_timestamp: row.try_get("last_timestamp")?,
                ..DataSetState::default()
            };
            Ok((DataSetId(row.try_get("data_set_id")?), state))
        })
        .collect()
}

/// Writes the records and the new states of their data sets.
pub(super) async fn records(connection: &mut PgConnection, plan: &Plan) -> Result<(), StoreError> {
    let added = upsert(connection, plan).await?;
    let changed: Vec<_> = plan.states.iter().filter(|(_, state)| state.is_changed).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let added_to = |id: &DataSetId, state: &DataSetState| added.get(&(id.0, state.generation)).copied();
    sqlx::query(
        "UPDATE data_set_state s
         SET generation = c.generation, version = c.version, version_tag = gen_random_uuid(),
             -- A new generation begins without records.
             records = c.added + CASE WHEN s.generation = c.generation THEN s.records ELSE 0 END,
             last_timestamp = c.last_timestamp, updated_at = now()
         FROM UNNEST($1::bigint[], $2::integer[], $3::bigint[], $4::bigint[], $5::timestamptz[])
              AS c (data_set_id, generation, version, added, last_timestamp)
         WHERE s.data_set_id = c.data_set_id",
    )
    .bind(changed.iter().map(|(id, _)| id.0).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, state)| state.generation).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, state)| state.version).collect::<Vec<_>>())
    .bind(changed.iter().map(|(id, state)| added_to(id, state).unwrap_or(0)).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, state)| state.last_timestamp).collect::<Vec<_>>())
    .execute(&mut *connection)
    .await?;
    let deleted: Vec<i64> =
        changed.iter().filter(|(_, state)| state.is_deleted).map(|(id, _)| id.0).collect();
    if !deleted.is_empty() {
        // Only if there is one: each such statement makes every process look at its configuration.
        sqlx::query("UPDATE data_set SET deleted_at = now() WHERE id = ANY($1)")
            .bind(deleted)
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Inserts or replaces the records; gives how many are new, by data set and generation.
async fn upsert(connection: &mut PgConnection, plan: &Plan) -> Result<HashMap<(i64, i32), i64>, StoreError> {
    let columns = &plan.records;
    if columns.id.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(
        r#"
        WITH written AS (
            INSERT INTO record AS r (data_set_id, generation, id, seq, "timestamp", updated_at, body)
            SELECT data_set_id, generation, id, seq, "timestamp", now(), body::jsonb
            FROM UNNEST($1::bigint[], $2::integer[], $3::text[], $4::bigint[], $5::timestamptz[], $6::text[])
                 AS i (data_set_id, generation, id, seq, "timestamp", body)
            ON CONFLICT (data_set_id, generation, id) DO UPDATE
            SET seq = excluded.seq, "timestamp" = excluded."timestamp",
                updated_at = excluded.updated_at, body = excluded.body
            -- A row that was just inserted has no deleting transaction yet.
            RETURNING r.data_set_id, r.generation, (r.xmax = 0) AS is_new
        )
        SELECT data_set_id, generation, count(*) FILTER (WHERE is_new) AS added
        FROM written GROUP BY data_set_id, generation
        "#,
    )
    .bind(&columns.data_set_id)
    .bind(&columns.generation)
    .bind(&columns.id)
    .bind(&columns.seq)
    .bind(&columns.timestamp)
    .bind(&columns.body)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok(((row.try_get("data_set_id")?, row.try_get("generation")?), row.try_get("added")?)))
        .collect()
}

/// Writes one row per batch.
pub(super) async fn batches(
    connection: &mut PgConnection,
    partition: Partition,
    plan: &Plan,
) -> Result<(), StoreError> {
    if plan.batches.is_empty() {
        return Ok(());
    }
    let lines = || plan.batches.iter();
    let envelopes = || lines().map(|line| &line.entry.envelope);
    let idempotency = || envelopes().map(|envelope| envelope.idempotency.as_ref());
    sqlx::query(
        "INSERT INTO batch (partition, data_set_id, batch_id, epoch, n, kind, token_id, request_id, outcome,
                            records, idempotency_key, body_sha256, accepted_at, applied_at)
         SELECT $1, b.*, now()
         FROM UNNEST($2::bigint[], $3::uuid[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[],
                     $8::text[], $9::text[], $10::integer[], $11::text[], $12::text[],
                     $13::timestamptz[]) AS b",
    )
    .bind(column(partition))
    .bind(envelopes().map(|envelope| envelope.data_set_id.0).collect::<Vec<_>>())
    .bind(envelopes().map(|envelope| envelope.batch_id).collect::<Vec<_>>())
    .bind(lines().map(|line| number(line.entry.id.epoch)).collect::<Vec<_>>())
    .bind(lines().map(|line| number(line.entry.id.n)).collect::<Vec<_>>())
    .bind(envelopes().map(|envelope| envelope.kind.as_str()).collect::<Vec<_>>())
    .bind(envelopes().map(|envelope| envelope.token_id.map(|id| id.0)).collect::<Vec<_>>())
    .bind(envelopes().map(|envelope| envelope.request_id.as_str()).collect::<Vec<_>>())
    .bind(lines().map(|line| line.outcome.as_str()).collect::<Vec<_>>())
    .bind(lines().map(|line| i32::try_from(line.records).unwrap_or(i32::MAX)).collect::<Vec<_>>())
    .bind(idempotency().map(|pair| pair.map(|pair| pair.key.as_str())).collect::<Vec<_>>())
    .bind(idempotency().map(|pair| pair.map(|pair| pair.body_sha256.as_str())).collect::<Vec<_>>())
    .bind(lines().map(|line| line.entry.accepted_at).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps what was not stored, with its errors.
pub(super) async fn rejected(connection: &mut PgConnection, plan: &Plan) -> Result<(), StoreError> {
    for line in &plan.batches {
        if let Some(violations) = &line.violations {
            let envelope = &line.entry.envelope;
            rejected::keep(
                connection,
                envelope.data_set_id,
                envelope.batch_id,
                &line.entry.records,
                violations,
            )
            .await?;
        }
    }
    Ok(())
}
