//! What the log has lost so far, as it was noted.

use crate::{Database, StoreError};
use sqlx::Row;

/// All gaps of the log. They are never forgotten, so both numbers only grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogGaps {
    /// How many there are.
    pub gaps: u64,
    /// How many entries are known to be missing in them.
    pub missing: u64,
}

impl Database {
    /// What the log has lost so far.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn log_gaps(&self) -> Result<LogGaps, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let row = sqlx::query(
                "SELECT count(*) AS gaps, coalesce(sum(missing), 0)::bigint AS missing FROM ingest_gap",
            )
            .fetch_one(&pool)
            .await?;
            let (gaps, missing): (i64, i64) = (row.try_get("gaps")?, row.try_get("missing")?);
            Ok(LogGaps { gaps: gaps.unsigned_abs(), missing: missing.unsigned_abs() })
        })
        .await
    }
}
