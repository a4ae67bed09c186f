//! Runs of transforms: an outbox. A run is put in by the transaction that stores the records it is to read, and
//! taken by any worker.
//!
//! **Invariant.** Of a transform and a data set one run waits at most, and what is written meanwhile is added to it.
//! Once it was begun nothing is.

use crate::{Database, StoreError};
use backdrop_core::data_set::DataSetId;
use backdrop_core::time::Timestamp;
use backdrop_core::transform::RunState;
use backdrop_core::transform::readback::Written;
use sqlx::Row;
use sqlx::postgres::types::PgInterval;
use sqlx::postgres::{PgConnection, PgRow};
use std::time::Duration;
use uuid::Uuid;

/// How many runs of a transform are listed: more is for a tool, not for a person.
const LISTED: i64 = 100;
/// How many days runs that have ended are kept.
const KEPT_DAYS: i32 = 7;
/// How many of them one step removes.
const ROWS_PER_STEP: i64 = 2_000;

/// A run as it is shown.
#[derive(Clone, Debug)]
pub struct RunRow {
    /// Its identity.
    pub id: Uuid,
    /// The name of the data set that it reads.
    pub data_set: String,
    /// The time of the records that it is about.
    pub written: Written,
    /// How far it is.
    pub state: RunState,
    /// How often it was begun.
    pub attempts: i32,
    /// How many records it stored.
    pub records: Option<i32>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// When it was asked for first.
    pub requested_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub enum RunEnd {
    /// So many records are stored.
    Done(i32),
    /// It failed, and there is to be another attempt after a while.
    Retry(String, Duration),
    /// It failed for a reason that does not lie in the run: there will be another attempt, however often.
    Postponed(String, Duration),
    /// It failed for good.
    Failed(String),
}

/// Asks for the transforms of data sets that were written to, in the transaction that writes.
pub(crate) async fn queue(
    connection: &mut PgConnection,
    written: &[(DataSetId, Written)],
) -> Result<u64, StoreError> {
    if written.is_empty() {
        return Ok(0);
    }
    let queued = sqlx::query(
        "INSERT INTO transform_run AS r (id, transform_id, data_set_id, earliest, latest)
         SELECT gen_random_uuid(), t.id, d.id, w.earliest, w.latest
         FROM UNNEST($1::bigint[], $2::timestamptz[], $3::timestamptz[]) AS w (data_set_id, earliest, latest)
         JOIN data_set d ON d.id = w.data_set_id
         JOIN transform t
             ON t.input_type = d.data_type AND (t.input_group IS NULL OR t.input_group = d.data_group)
         ORDER BY t.id, d.id
         -- One that is just being deleted is left out, and not found missing later.
         FOR KEY SHARE OF t
         ON CONFLICT (transform_id, data_set_id) WHERE state = 'waiting' DO UPDATE
         SET earliest = LEAST(r.earliest, excluded.earliest), latest = GREATEST(r.latest, excluded.latest)",
    )
    .bind(written.iter().map(|(id, _)| id.0).collect::<Vec<_>>())
    .bind(written.iter().map(|(_, written)| written.earliest).collect::<Vec<_>>())
    .bind(written.iter().map(|(_, written)| written.latest).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(queued.rows_affected())
}

impl Database {
    /// Asks for all transforms of a data set, as if records of that time had been written. Gives how many there
    /// are.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn request_transforms(&self, data_set: DataSetId, written: Written) -> Result<u64, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move { queue(&mut *pool.acquire().await?, &[(data_set, written)]).await }).await
    }

    /// The newest runs of a transform, the newest first.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn transform_runs(&self, transform: Uuid) -> Result<Vec<RunRow>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let rows = sqlx::query(
                "SELECT r.id, d.name AS data_set, r.earliest, r.latest, r.state, r.attempts, r.records, r.error,
                        r.requested_at, r.ended_at
                 FROM transform_run r JOIN data_set d ON d.id = r.data_set_id
                 WHERE r.transform_id = $1 ORDER BY r.requested_at DESC, r.id LIMIT $2",
            )
            .bind(transform)
            .bind(LISTED)
            .fetch_all(&pool)
            .await?;
            rows.iter().map(RunRow::read).collect()
        })
        .await
    }

    /// Notes how an attempt ended, if the run is still this worker's.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn end_run(&self, run: Uuid, attempt: i32, end: RunEnd) -> Result<(), StoreError> {
        let forgiven = i32::from(matches!(end, RunEnd::Postponed(..)));
        let (state, records, error, after) = match end {
            RunEnd::Done(records) => (RunState::Done, Some(records), None, Duration::ZERO),
            RunEnd::Retry(error, after) | RunEnd::Postponed(error, after) => {
                (RunState::Retrying, None, Some(error), after)
            }
            RunEnd::Failed(error) => (RunState::Failed, None, Some(error), Duration::ZERO),
        };
        let pool = self.pool.clone();
        self.in_task(async move {
            sqlx::query(
                "UPDATE transform_run
                 SET state = $3, records = $4, error = $5, due_at = now() + $6, lease_until = NULL,
                     failures = failures - $7,
                     ended_at = CASE WHEN $3 IN ('done', 'failed') THEN now() END
                 WHERE id = $1 AND attempts = $2 AND state = 'running'",
            )
            .bind(run)
            .bind(attempt)
            .bind(state.as_str())
            .bind(records)
            .bind(error)
            .bind(interval(after))
            .bind(forgiven)
            .execute(&pool)
            .await?;
            Ok(())
        })
        .await
    }

    /// Removes some runs that ended long ago. Gives how many.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn sweep_runs(&self) -> Result<u64, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let removed = sqlx::query(
                "DELETE FROM transform_run WHERE id = ANY (ARRAY(
                     SELECT id FROM transform_run WHERE ended_at < now() - make_interval(days => $1) LIMIT $2
                 ))",
            )
            .bind(KEPT_DAYS)
            .bind(ROWS_PER_STEP)
            .execute(&pool)
            .await?;
            Ok(removed.rows_affected())
        })
        .await
    }
}

impl RunRow {
    fn read(row: &PgRow) -> Result<Self, StoreError> {
        let id: Uuid = row.try_get("id")?;
        let state = RunState::parse(row.try_get("state")?);
        Ok(Self {
            id,
            data_set: row.try_get("data_set")?,
            written: read_written(row)?,
            state: state.ok_or_else(|| StoreError::corrupt(format!("transform_run {id}"), "state"))?,
            attempts: row.try_get("attempts")?,
            records: row.try_get("records")?,
            error: row.try_get("error")?,
            requested_at: row.try_get("requested_at")?,
            ended_at: row.try_get("ended_at")?,
        })
    }
}

pub(super) fn read_written(row: &PgRow) -> Result<Written, StoreError> {
    Ok(Written { earliest: row.try_get("earliest")?, latest: row.try_get("latest")? })
}

/// Leases and delays are whole milliseconds.
pub(super) fn interval(duration: Duration) -> PgInterval {
    let microseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 1_000).saturating_mul(1_000);
    PgInterval { months: 0, days: 0, microseconds }
}
