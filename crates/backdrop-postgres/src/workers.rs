//! Heartbeats of the workers: who is alive, and so who prefers which partition.

use crate::{Database, StoreError};
use std::time::Duration;
use uuid::Uuid;

impl Database {
    /// Notes that the worker lives, and gives all that were seen within `alive_within`, itself included,
    /// in a fixed order. Clocks of workers play no part: Postgres' own is used.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn beat(&self, worker: Uuid, alive_within: Duration) -> Result<Vec<Uuid>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let alive = sqlx::query_scalar(
                "WITH beat AS (
                     INSERT INTO worker_heartbeat (worker_id) VALUES ($1)
                     ON CONFLICT (worker_id) DO UPDATE SET seen_at = now()
                     RETURNING worker_id
                 )
                 SELECT worker_id FROM beat
                 UNION
                 SELECT worker_id FROM worker_heartbeat WHERE seen_at > now() - $2 * interval '1 second'
                 ORDER BY worker_id",
            )
            .bind(worker)
            .bind(alive_within.as_secs_f64())
            .fetch_all(&pool)
            .await?;
            Ok(alive)
        })
        .await
    }

    /// Takes the worker's heartbeat away, so that others take its partitions over at once, and those of
    /// workers that have been silent for a day.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn end_heartbeat(&self, worker: Uuid) -> Result<(), StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            sqlx::query(
                "DELETE FROM worker_heartbeat WHERE worker_id = $1 OR seen_at < now() - interval '1 day'",
            )
            .bind(worker)
            .execute(&pool)
            .await?;
            Ok(())
        })
        .await
    }

    /// How many workers were seen within `alive_within`.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn workers_alive(&self, alive_within: Duration) -> Result<i64, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let alive = sqlx::query_scalar(
                "SELECT count(*) FROM worker_heartbeat WHERE seen_at > now() - $1 * interval '1 second'",
            )
            .bind(alive_within.as_secs_f64())
            .fetch_one(&pool)
            .await?;
            Ok(alive)
        })
        .await
    }
}
