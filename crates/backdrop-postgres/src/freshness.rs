//! How new the newest record of each data set is.

use crate::{Database, StoreError};
use backdrop_core::data_set::{DataSetName, Freshness};
use sqlx::Row;
use sqlx::postgres::PgRow;

/// The newest record is read from the index of its data set, one step for each. `data_set_state` has a
/// time, too, but that one only grows: it says nothing of what a later record with the same id replaced.
const SELECT: &str = r#"
SELECT d.name, d.max_age_expected, d.created_at, newest."timestamp" AS last_updated
FROM data_set d
JOIN data_set_state s ON s.data_set_id = d.id
LEFT JOIN LATERAL (
    SELECT r."timestamp" FROM record r
    WHERE r.data_set_id = d.id AND r.generation = s.generation
    ORDER BY r."timestamp" DESC
    LIMIT 1
) newest ON true
WHERE d.deleted_at IS NULL AND d.max_age_expected > 0
ORDER BY d.name COLLATE "C"
"#;

impl Database {
    /// What the freshness of each watched data set is judged by, in the order of their names.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn freshness(&self) -> Result<Vec<Freshness>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let rows = sqlx::query(SELECT).fetch_all(&pool).await?;
            rows.iter().map(read).collect()
        })
        .await
    }
}

fn read(row: &PgRow) -> Result<Freshness, StoreError> {
    let name: String = row.try_get("name")?;
    let corrupt = |_| StoreError::corrupt(format!("data_set {name:?}"), "name");
    Ok(Freshness {
        name: DataSetName::given_before(name.as_str()).map_err(corrupt)?,
        max_age_expected: row.try_get("max_age_expected")?,
        created_at: row.try_get("created_at")?,
        last_updated: row.try_get("last_updated")?,
    })
}
