//! When the records that results would replace are from.

use crate::{Database, StoreError};
use backdrop_core::data_set::DataSetId;
use backdrop_core::time::Timestamp;
use sqlx::Row;
use std::collections::HashMap;

impl Database {
    /// The times of those of the records that there are.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn record_times(
        &self,
        data_set: DataSetId,
        ids: Vec<String>,
    ) -> Result<HashMap<String, Timestamp>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let rows = sqlx::query(
                r#"SELECT r.id, r."timestamp"
                FROM data_set_state s JOIN record r USING (data_set_id, generation)
                WHERE s.data_set_id = $1 AND r.id = ANY($2)"#,
            )
            .bind(data_set.0)
            .bind(ids)
            .fetch_all(&pool)
            .await?;
            rows.iter().map(|row| Ok((row.try_get("id")?, row.try_get("timestamp")?))).collect()
        })
        .await
    }
}
