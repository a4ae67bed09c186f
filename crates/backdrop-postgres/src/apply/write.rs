//! The statements of an applied run, each for all its entries at once.

use super::data_sets::LockedDataSets;
use super::plan::{DataSetState, Deletion, Plan};
use crate::StoreError;
use crate::audit::{self, Actor};
use crate::partitions::{column, cursor_columns, number};
use crate::rejected;
use backdrop_core::batch::{BatchKind, Outcome};
use backdrop_core::data_set::DataSetId;
use backdrop_core::ingest::{DecidedEntry, Effect};
use backdrop_core::log::{Cursor, Partition};
use serde_json::json;
use sqlx::Row;
use sqlx::postgres::PgConnection;
use std::collections::HashMap;

/// Whether the record that an entry changes is still the one that was read. Such an entry is alone in its run.
pub(super) async fn is_unchanged(
    connection: &mut PgConnection,
    entries: &[DecidedEntry],
    data_sets: &LockedDataSets,
) -> Result<bool, StoreError> {
    let [DecidedEntry { entry, effect }] = entries else { return Ok(true) };
    let (id, read) = match effect {
        Effect::Replace { record, seq } => (record.id(), *seq),
        Effect::DeleteRecord { id, seq } => (id.as_str(), *seq),
        _ => return Ok(true),
    };
    let data_set = entry.envelope.data_set_id;
    let Some(state) = data_sets.get(&data_set).and_then(|locked| locked.state) else { return Ok(true) };
    let sql = "SELECT seq FROM record WHERE data_set_id = $1 AND generation = $2 AND id = $3";
    let seq: Option<i64> = sqlx::query_scalar(sql)
        .bind(data_set.0)
        .bind(state.generation)
        .bind(id)
        .fetch_optional(connection)
        .await?;
    Ok(seq == Some(read))
}

/// How many records were added, by data set and generation; less than none if more were deleted.
pub(super) type Added = HashMap<(i64, i32), i64>;

/// Writes and deletes records.
pub(super) async fn records(connection: &mut PgConnection, plan: &Plan) -> Result<Added, StoreError> {
    let mut added = upsert(connection, plan).await?;
    for deletion in &plan.deletions {
        delete(connection, deletion).await?;
        *added.entry((deletion.data_set_id.0, deletion.generation)).or_default() -= 1;
    }
    Ok(added)
}

/// Inserts or replaces the records; gives how many are new, by data set and generation.
async fn upsert(connection: &mut PgConnection, plan: &Plan) -> Result<Added, StoreError> {
    let columns = &plan.records;
    if columns.id.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(
        r#"
        WITH written AS (
            INSERT INTO record AS r
                (data_set_id, generation, id, seq, "timestamp", updated_at, body, id_tuple)
            -- Not in FROM, where all rows would be made and kept before the first is inserted.
            SELECT UNNEST($1::bigint[]), UNNEST($2::integer[]), UNNEST($3::text[]), UNNEST($4::bigint[]),
                   UNNEST($5::timestamptz[]), now(), UNNEST($6::text[])::jsonb, UNNEST($7::text[])
            ON CONFLICT (data_set_id, generation, id) DO UPDATE
            SET seq = excluded.seq, "timestamp" = excluded."timestamp",
                updated_at = excluded.updated_at, body = excluded.body, id_tuple = excluded.id_tuple
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
    .bind(&columns.id_tuple)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok(((row.try_get("data_set_id")?, row.try_get("generation")?), row.try_get("added")?)))
        .collect()
}

/// Deletes a record and lists that it was deleted.
async fn delete(connection: &mut PgConnection, deletion: &Deletion) -> Result<(), StoreError> {
    sqlx::query(
        "WITH deleted AS (
             DELETE FROM record WHERE data_set_id = $1 AND generation = $2 AND id = $3
         )
         INSERT INTO record_deletion (data_set_id, generation, id, seq) VALUES ($1, $2, $3, $4)",
    )
    .bind(deletion.data_set_id.0)
    .bind(deletion.generation)
    .bind(&deletion.id)
    .bind(deletion.seq)
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes what a run ends with: one row per batch, the cursor that has passed them all, and the new states of their data
/// sets, in one statement; and that data sets are deleted, if any are.
pub(super) async fn end(
    connection: &mut PgConnection,
    partition: Partition,
    cursor: Cursor,
    plan: &Plan,
    added: &Added,
) -> Result<(), StoreError> {
    let lines = || plan.batches.iter();
    let envelopes = || lines().map(|line| &line.entry.envelope);
    let idempotency =
        || lines().map(|line| line.entry.envelope.idempotency.as_ref().filter(|_| line.keeps_key));
    let replay_of = envelopes().map(|envelope| match envelope.kind {
        BatchKind::Replay { of, .. } => Some(of),
        _ => None,
    });
    let (epoch, n) = cursor_columns(cursor);
    let changed: Vec<_> = plan.states.iter().filter(|(_, state)| state.is_changed).collect();
    let added_to = |id: &DataSetId, state: &DataSetState| added.get(&(id.0, state.generation)).copied();
    sqlx::query(
        r#"WITH passed AS (
             UPDATE ingest_partition SET cursor_epoch = $18, cursor_n = $19, attempts = 0, applied_at = now()
             WHERE partition = $1
         ), changed AS (
             UPDATE data_set_state s
             SET generation = c.generation, version = c.version, version_tag = gen_random_uuid(),
                 -- A new generation begins without records.
                 records = c.added + CASE WHEN s.generation = c.generation THEN s.records ELSE 0 END,
                 last_timestamp = CASE WHEN c.must_look THEN (
                     SELECT max(r."timestamp") FROM record r
                     WHERE r.data_set_id = c.data_set_id AND r.generation = c.generation
                 ) ELSE c.last_timestamp END,
                 updated_at = now()
             -- Selected, so that it is not planned anew for each run: see `data_sets.rs`.
             FROM UNNEST((SELECT $20::bigint[]), $21::integer[], $22::bigint[], $23::bigint[],
                         $24::timestamptz[], $25::boolean[])
                  AS c (data_set_id, generation, version, added, last_timestamp, must_look)
             WHERE s.data_set_id = c.data_set_id
         )
         INSERT INTO batch (partition, data_set_id, batch_id, epoch, n, kind, token_id, request_id, outcome,
                            records, idempotency_key, body_sha256, accepted_at, rejected, replay_of,
                            changed, refusal, applied_at)
         -- Not in FROM, where each column would be made and kept apart before the first row is: that takes a seventh of
         -- what a row takes altogether.
         SELECT $1, UNNEST($2::bigint[]), UNNEST($3::uuid[]), UNNEST($4::bigint[]), UNNEST($5::bigint[]),
                UNNEST($6::text[]), UNNEST($7::bigint[]), UNNEST($8::text[]), UNNEST($9::text[]),
                UNNEST($10::integer[]), UNNEST($11::text[]), UNNEST($12::text[]), UNNEST($13::timestamptz[]),
                UNNEST($14::integer[]), UNNEST($15::uuid[]), UNNEST($16::jsonb[]), UNNEST($17::jsonb[]), now()"#,
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
    .bind(lines().map(|line| count(line.records)).collect::<Vec<_>>())
    .bind(idempotency().map(|pair| pair.map(|pair| pair.key.as_str())).collect::<Vec<_>>())
    .bind(idempotency().map(|pair| pair.map(|pair| pair.body_sha256.as_str())).collect::<Vec<_>>())
    .bind(lines().map(|line| line.entry.accepted_at).collect::<Vec<_>>())
    .bind(lines().map(|line| count(line.not_stored())).collect::<Vec<_>>())
    .bind(replay_of.collect::<Vec<_>>())
    .bind(lines().map(|line| line.changed.as_ref().map(|changed| json!(changed))).collect::<Vec<_>>())
    .bind(lines().map(|line| line.refusal().map(|refusal| json!(refusal))).collect::<Vec<_>>())
    .bind(epoch)
    .bind(n)
    .bind(changed.iter().map(|(id, _)| id.0).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, state)| state.generation).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, state)| state.version).collect::<Vec<_>>())
    .bind(changed.iter().map(|(id, state)| added_to(id, state).unwrap_or(0)).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, state)| state.last_timestamp).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, state)| state.may_have_lost_newest).collect::<Vec<_>>())
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

/// Notes the deletion of data sets in the trail; that of the batch alone would go with its row.
pub(super) async fn deletions(connection: &mut PgConnection, plan: &Plan) -> Result<(), StoreError> {
    for line in &plan.batches {
        let envelope = &line.entry.envelope;
        if envelope.kind == BatchKind::DeleteDataSet && line.outcome == Outcome::Stored {
            let actor = Actor { token: envelope.token_id, request_id: envelope.request_id.clone() };
            audit::note(connection, envelope.data_set_id, &actor, "delete_data_set", &json!({})).await?;
        }
    }
    Ok(())
}

/// A count of records as Postgres keeps it.
fn count(records: usize) -> i32 {
    records.try_into().unwrap_or(i32::MAX)
}

/// Keeps what was not stored, with its errors; notes what became of a replayed batch.
pub(super) async fn rejected(connection: &mut PgConnection, plan: &Plan) -> Result<(), StoreError> {
    for line in &plan.batches {
        let envelope = &line.entry.envelope;
        match (&envelope.kind, &line.violations) {
            (BatchKind::Replay { of, .. }, None) => {
                rejected::replayed(connection, envelope.data_set_id, *of, envelope.batch_id).await?;
            }
            (BatchKind::Replay { of, .. }, Some(violations)) if violations.blame_records() => {
                rejected::judged_anew(connection, envelope.data_set_id, *of, violations).await?;
            }
            // The records of a replay are kept already, and a deletion has none.
            (BatchKind::Replay { .. } | BatchKind::DeleteRecord { .. }, _) => {}
            (_, Some(violations)) => rejected::keep(connection, line, violations).await?,
            (_, None) => {}
        }
    }
    Ok(())
}
