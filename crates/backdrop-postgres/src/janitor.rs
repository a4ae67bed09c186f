//! Removing what nobody can see any more, in small steps, beside the work that matters.

use crate::{Database, StoreError};
use chrono::TimeDelta;
use sqlx::postgres::types::PgInterval;

/// How many rows one step removes: a few milliseconds of work.
const ROWS_PER_STEP: i64 = 2_000;
/// How long the rows of batches, and with them receipts, are kept.
pub const RECEIPTS_KEPT: TimeDelta = TimeDelta::days(30);

/// How long it is kept that a record was deleted: as long as rejected batches are, whose replay asks for it.
const DELETIONS_KEPT: TimeDelta = TimeDelta::days(90);

impl Database {
    /// Removes some records of generations that are gone. Gives how many rows it removed: 0 if there
    /// is nothing left to do. Takes no lock that writers need.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn sweep_records(&self) -> Result<u64, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let dirty: Option<(i64, i32)> = sqlx::query_as(
                "SELECT data_set_id, generation FROM data_set_state
                 WHERE swept_generation < generation ORDER BY data_set_id LIMIT 1",
            )
            .fetch_optional(&pool)
            .await?;
            let Some((data_set_id, generation)) = dirty else { return Ok(0) };
            let removed = sqlx::query(
                "DELETE FROM record WHERE ctid = ANY (ARRAY(
                     SELECT ctid FROM record WHERE data_set_id = $1 AND generation < $2 LIMIT $3
                 ))",
            )
            .bind(data_set_id)
            .bind(generation)
            .bind(ROWS_PER_STEP)
            .execute(&pool)
            .await?
            .rows_affected();
            if removed > 0 {
                return Ok(removed);
            }
            // Which records of it were deleted one by one says nothing any more, either.
            let forgotten = sqlx::query(
                "DELETE FROM record_deletion WHERE ctid = ANY (ARRAY(
                     SELECT ctid FROM record_deletion WHERE data_set_id = $1 AND generation < $2 LIMIT $3
                 ))",
            )
            .bind(data_set_id)
            .bind(generation)
            .bind(ROWS_PER_STEP)
            .execute(&pool)
            .await?
            .rows_affected();
            if forgotten == 0 {
                sqlx::query("UPDATE data_set_state SET swept_generation = $2 WHERE data_set_id = $1")
                    .bind(data_set_id)
                    .bind(generation)
                    .execute(&pool)
                    .await?;
            }
            Ok(forgotten.max(1))
        })
        .await
    }

    /// Forgets some of the records of a data set that were deleted longer ago than that is kept, and notes for who
    /// follows its changes that the list begins later. Gives how many. One data set at a time: workers lock
    /// several in an order of their own.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn sweep_deletions(&self) -> Result<u64, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let forgotten: i64 = sqlx::query_scalar(
                "WITH one AS (
                     SELECT data_set_id FROM record_deletion WHERE deleted_at < now() - $1 LIMIT 1
                 ), forgotten AS (
                     DELETE FROM record_deletion WHERE ctid = ANY (ARRAY(
                         SELECT ctid FROM record_deletion
                         WHERE data_set_id = (SELECT data_set_id FROM one) AND deleted_at < now() - $1
                         LIMIT $2
                     ))
                     RETURNING data_set_id, seq
                 ), since AS (
                     UPDATE data_set_state s SET deletions_since = greatest(s.deletions_since, f.seq)
                     FROM (SELECT data_set_id, max(seq) AS seq FROM forgotten GROUP BY data_set_id) f
                     WHERE s.data_set_id = f.data_set_id
                 )
                 SELECT count(*) FROM forgotten",
            )
            .bind(PgInterval::try_from(DELETIONS_KEPT).expect("whole days have no nanoseconds"))
            .bind(ROWS_PER_STEP)
            .fetch_one(&pool)
            .await?;
            Ok(forgotten.unsigned_abs())
        })
        .await
    }

    /// Removes some rows of batches that are older than receipts are kept. Gives how many.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn sweep_batches(&self) -> Result<u64, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let removed = sqlx::query(
                "DELETE FROM batch WHERE ctid = ANY (ARRAY(
                     SELECT ctid FROM batch WHERE applied_at < now() - $1 LIMIT $2
                 ))",
            )
            .bind(PgInterval::try_from(RECEIPTS_KEPT).expect("whole days have no nanoseconds"))
            .bind(ROWS_PER_STEP)
            .execute(&pool)
            .await?;
            Ok(removed.rows_affected())
        })
        .await
    }
}
