//! Taking runs: a run is a worker's as long as its lease, which is longer than an attempt may take.
//!
//! **Invariant.** Of a transform and a data set one run at most has a lease. So the results that are appended last are
//! those of the newest records.

use super::runs::{interval, read_written};
use super::{TransformRow, read_definition, read_function};
use crate::{Database, StoreError};
use backdrop_core::data_set::DataSetId;
use backdrop_core::transform::readback::Written;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgPool, PgRow};
use std::time::Duration;
use uuid::Uuid;

/// A run that is this worker's for a while.
#[derive(Clone, Debug)]
pub struct TakenRun {
    /// Its identity.
    pub id: Uuid,
    /// How often it was begun, counting this time.
    pub attempt: i32,
    /// How many of the attempts failed for a reason that may lie in the run itself, counting this one, until it ends
    /// otherwise.
    pub failures: i32,
    /// The data set that it reads.
    pub data_set: DataSetId,
    /// The time of the records that it is about.
    pub written: Written,
    /// The transform as it is now.
    pub transform: TransformRow,
}

impl Database {
    /// Takes a run that is due, for as long as `lease`. One whose lease has run out is due, too: its worker is
    /// gone. After `failures_max` failures such a run is given up, because it may be what brought workers down.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn take_run(&self, lease: Duration, failures_max: i32) -> Result<Option<TakenRun>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move { take(&pool, lease, failures_max).await }).await
    }

    /// Makes sure that a run is still this worker's, before what it computed becomes true, and lengthens its
    /// lease.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn keep_run(&self, run: Uuid, attempt: i32, lease: Duration) -> Result<bool, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let kept = sqlx::query(
                "UPDATE transform_run SET lease_until = now() + $3
                 WHERE id = $1 AND attempts = $2 AND state = 'running' AND lease_until > now()",
            )
            .bind(run)
            .bind(attempt)
            .bind(interval(lease))
            .execute(&pool)
            .await?;
            Ok(kept.rows_affected() == 1)
        })
        .await
    }
}

async fn take(pool: &PgPool, lease: Duration, failures_max: i32) -> Result<Option<TakenRun>, StoreError> {
    let mut tx = pool.begin().await?;
    give_up(&mut tx, failures_max).await?;
    let Some(transform) = lock_transform(&mut tx).await? else {
        tx.commit().await?;
        return Ok(None);
    };
    // Another statement, so that it sees what whoever had the lock before has done.
    let row = sqlx::query(
        "WITH taken AS (
             UPDATE transform_run SET state = 'running', attempts = attempts + 1, failures = failures + 1,
                 lease_until = now() + $2
             WHERE id = (
                 SELECT r.id FROM transform_run r
                 WHERE r.transform_id = $1
                   AND (r.state IN ('waiting', 'retrying') AND r.due_at <= now()
                        OR r.state = 'running' AND r.lease_until <= now())
                   AND NOT EXISTS (
                       SELECT FROM transform_run o
                       WHERE o.transform_id = r.transform_id AND o.data_set_id = r.data_set_id
                         AND o.state = 'running' AND o.lease_until > now()
                   )
                 ORDER BY r.due_at, r.id LIMIT 1 FOR UPDATE SKIP LOCKED
             )
             RETURNING id AS run_id, attempts, failures, transform_id, data_set_id, earliest, latest
         )
         SELECT taken.*, t.id, t.type_id, t.input_group, t.input_type, t.query_parameters, t.options,
                t.output_group, t.output_type, k.function
         FROM taken JOIN transform t ON t.id = taken.transform_id JOIN transform_type k ON k.id = t.type_id",
    )
    .bind(transform)
    .bind(interval(lease))
    .fetch_optional(&mut *tx)
    .await?;
    let taken = row.as_ref().map(read_taken).transpose()?;
    tx.commit().await?;
    Ok(taken)
}

fn read_taken(row: &PgRow) -> Result<TakenRun, StoreError> {
    let id: Uuid = row.try_get("id")?;
    let function = read_function(row, &format!("transform {id}"))?;
    Ok(TakenRun {
        id: row.try_get("run_id")?,
        attempt: row.try_get("attempts")?,
        failures: row.try_get("failures")?,
        data_set: DataSetId(row.try_get("data_set_id")?),
        written: read_written(row)?,
        transform: TransformRow { id, definition: read_definition(row, id)?, function },
    })
}

/// A transform of which a run is due. Its lock makes sure that two workers do not begin on two of its runs.
async fn lock_transform(connection: &mut PgConnection) -> Result<Option<Uuid>, StoreError> {
    let id = sqlx::query_scalar(
        "SELECT t.id FROM transform_run r JOIN transform t ON t.id = r.transform_id
         WHERE (r.state IN ('waiting', 'retrying') AND r.due_at <= now()
                OR r.state = 'running' AND r.lease_until <= now())
           AND NOT EXISTS (
               SELECT FROM transform_run o
               WHERE o.transform_id = r.transform_id AND o.data_set_id = r.data_set_id
                 AND o.state = 'running' AND o.lease_until > now()
           )
         ORDER BY r.due_at, r.id LIMIT 1
         -- Not FOR UPDATE: transactions that put runs in must not wait.
         FOR NO KEY UPDATE OF t SKIP LOCKED",
    )
    .fetch_optional(connection)
    .await?;
    Ok(id)
}

async fn give_up(connection: &mut PgConnection, failures_max: i32) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE transform_run
         SET state = 'failed', lease_until = NULL, ended_at = now(),
             error = 'The worker ended in the middle of it, time and again.'
         WHERE state = 'running' AND lease_until <= now() AND failures >= $1",
    )
    .bind(failures_max)
    .execute(connection)
    .await?;
    Ok(())
}
