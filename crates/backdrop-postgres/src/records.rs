//! Single records, as a change of one of them finds them.

use crate::{Database, StoreError};
use backdrop_core::data_set::DataSetId;
use backdrop_core::record::StoredRecord;
use sqlx::Row;
use sqlx::types::Json;

impl Database {
    /// The record with that `_id`, as it is now.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn stored_record(
        &self,
        data_set: DataSetId,
        id: String,
    ) -> Result<Option<StoredRecord>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let row = sqlx::query(
                r#"SELECT r.id, r.id_tuple, r."timestamp", r.body, r.seq
                FROM data_set_state s JOIN record r USING (data_set_id, generation)
                WHERE s.data_set_id = $1 AND r.id = $2"#,
            )
            .bind(data_set.0)
            .bind(id)
            .fetch_optional(&pool)
            .await?;
            let Some(row) = row else { return Ok(None) };
            let Json(body) = row.try_get("body")?;
            Ok(Some(StoredRecord {
                id: row.try_get("id")?,
                id_tuple: row.try_get("id_tuple")?,
                timestamp: row.try_get("timestamp")?,
                body,
                seq: row.try_get("seq")?,
            }))
        })
        .await
    }
}
