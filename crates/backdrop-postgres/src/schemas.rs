//! The versions of the schemas of data sets, and the stored records that a new one is tried on.

use crate::audit::{self, Actor};
use crate::{Database, StoreError};
use backdrop_core::data_set::{DataSetId, SchemaVersion};
use backdrop_core::time::Timestamp;
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{FromRow, Row};

/// How many stored records are asked of the cursor at a time: a page that is full of bytes early leaves no more than
/// these unread.
const STEP_RECORDS: usize = 64;

/// A version of the schema of a data set.
#[derive(Clone, Debug)]
pub struct SchemaRow {
    /// Its number; `None`: none was ever set, so the record rules alone hold.
    pub version: Option<SchemaVersion>,
    /// Its text; `None`: record rules only.
    pub document: Option<Value>,
}

/// When a version of a schema was set.
#[derive(Clone, Copy, Debug)]
pub struct SchemaSet {
    /// Its number.
    pub version: SchemaVersion,
    /// When it was set.
    pub created_at: Timestamp,
    /// Whether it asks for nothing but the record rules.
    pub is_record_rules_only: bool,
}

impl FromRow<'_, PgRow> for SchemaRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self { version: Some(SchemaVersion(row.try_get("version")?)), document: row.try_get("document")? })
    }
}

impl FromRow<'_, PgRow> for SchemaSet {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            version: SchemaVersion(row.try_get("version")?),
            created_at: row.try_get("created_at")?,
            is_record_rules_only: row.try_get("record_rules_only")?,
        })
    }
}

/// The schema in force.
const NEWEST: &str = "
    SELECT version, CASE WHEN record_rules_only THEN NULL ELSE document END AS document
    FROM data_set_schema WHERE data_set_id = $1 ORDER BY version DESC LIMIT 1";

/// Keeps a schema as a new version, unless it is the one in force. Gives the version in force then. Whoever calls holds
/// the lock of the data set's row, so that versions are given one after the other.
pub(crate) async fn set(
    connection: &mut PgConnection,
    data_set: DataSetId,
    document: &Value,
    actor: &Actor,
) -> Result<Option<SchemaVersion>, StoreError> {
    let newest: Option<SchemaRow> =
        sqlx::query_as(NEWEST).bind(data_set.0).fetch_optional(&mut *connection).await?;
    let newest = newest.unwrap_or(SchemaRow { version: None, document: None });
    let wanted = (!document.is_null()).then_some(document);
    if newest.document.as_ref() == wanted {
        return Ok(newest.version);
    }
    let version = newest.version.map_or(1, |SchemaVersion(version)| version + 1);
    sqlx::query(
        "INSERT INTO data_set_schema (data_set_id, version, document, record_rules_only) VALUES ($1, $2, $3, $4)",
    )
    .bind(data_set.0)
    .bind(version)
    .bind(wanted.unwrap_or(&json!({})))
    .bind(wanted.is_none())
    .execute(&mut *connection)
    .await?;
    let before = newest.version.map(|SchemaVersion(version)| version);
    let detail = json!({"version": {"from": before, "to": version}, "record_rules_only": wanted.is_none()});
    audit::note(connection, data_set, actor, "set_schema", &detail).await?;
    Ok(Some(SchemaVersion(version)))
}

impl Database {
    /// One version of a data set's schema.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn schema(
        &self,
        data_set: DataSetId,
        version: SchemaVersion,
    ) -> Result<Option<Value>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let sql = "SELECT document FROM data_set_schema WHERE data_set_id = $1 AND version = $2";
            let query = sqlx::query_scalar(sql).bind(data_set.0).bind(version.0);
            Ok(query.fetch_optional(&pool).await?)
        })
        .await
    }

    /// A version of a data set's schema with its number, by default the one in force.
    ///
    /// # Errors
    /// If Postgres cannot be asked. `Ok(None)`: there is no such version.
    pub async fn schema_version(
        &self,
        data_set: DataSetId,
        version: Option<SchemaVersion>,
    ) -> Result<Option<SchemaRow>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let Some(version) = version else {
                let newest = sqlx::query_as(NEWEST).bind(data_set.0).fetch_optional(&pool).await?;
                return Ok(Some(newest.unwrap_or(SchemaRow { version: None, document: None })));
            };
            let sql = "SELECT version, CASE WHEN record_rules_only THEN NULL ELSE document END AS document
                       FROM data_set_schema WHERE data_set_id = $1 AND version = $2";
            Ok(sqlx::query_as(sql).bind(data_set.0).bind(version.0).fetch_optional(&pool).await?)
        })
        .await
    }

    /// When the versions of a data set's schema were set, newest first.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn schema_versions(&self, data_set: DataSetId) -> Result<Vec<SchemaSet>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let sql = "SELECT version, created_at, record_rules_only FROM data_set_schema
                       WHERE data_set_id = $1 ORDER BY version DESC";
            Ok(sqlx::query_as(sql).bind(data_set.0).fetch_all(&pool).await?)
        })
        .await
    }

    /// Sets a new version of a data set's schema, unless it is the one in force; null: record rules only. Gives the
    /// version in force then, if there ever was one.
    ///
    /// # Errors
    /// If Postgres cannot be asked. `Ok(None)`: the data set is gone.
    pub async fn set_schema(
        &self,
        data_set: DataSetId,
        document: Value,
        actor: Actor,
    ) -> Result<Option<Option<SchemaVersion>>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let mut tx = pool.begin().await?;
            let sql = "SELECT id FROM data_set WHERE id = $1 AND deleted_at IS NULL FOR UPDATE";
            let living: Option<i64> =
                sqlx::query_scalar(sql).bind(data_set.0).fetch_optional(&mut *tx).await?;
            if living.is_none() {
                tx.rollback().await?;
                return Ok(None);
            }
            let version = set(&mut tx, data_set, &document, &actor).await?;
            tx.commit().await?;
            Ok(Some(version))
        })
        .await
    }

    /// The next records of a data set in the order of their ids, both as text: so many at most, and fewer if they
    /// are larger than so many bytes. None: there are no more.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn stored_records_after(
        &self,
        data_set: DataSetId,
        after: Option<String>,
        limit: i64,
        bytes_max: usize,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let mut transaction = pool.begin().await?;
            // A cursor, because the rows of a statement that was begun are all sent, wanted or not. The generation as a
            // value and not by a join: only then Postgres knows that the index has the order, and does not sort all
            // that is left for each page. No id is empty.
            sqlx::query(
                "DECLARE page NO SCROLL CURSOR FOR
                 SELECT id, body::text FROM record
                 WHERE data_set_id = $1 AND id > $2
                   AND generation = (SELECT generation FROM data_set_state WHERE data_set_id = $1)
                 ORDER BY id LIMIT $3",
            )
            .bind(data_set.0)
            .bind(after.unwrap_or_default())
            .bind(limit)
            .execute(&mut *transaction)
            .await?;
            let mut page = StoredPage { records: Vec::new(), bytes: 0, bytes_max };
            while page.step(&mut transaction).await? == STEP_RECORDS && page.has_room() {}
            transaction.rollback().await?;
            Ok(page.records)
        })
        .await
    }
}

/// Stored records that are being read.
struct StoredPage {
    records: Vec<(String, String)>,
    bytes: usize,
    bytes_max: usize,
}

impl StoredPage {
    /// Reads some more records; how many there were.
    async fn step(&mut self, connection: &mut PgConnection) -> Result<usize, StoreError> {
        // As many as STEP_RECORDS.
        let mut rows = sqlx::query_as("FETCH FORWARD 64 FROM page").fetch(connection);
        let mut count = 0;
        while let Some((id, body)) = rows.try_next().await? {
            count += 1;
            self.take(id, body);
        }
        Ok(count)
    }

    /// Takes one more record, if there is room; one that is left is the first of the next page.
    fn take(&mut self, id: String, body: String) {
        if self.has_room() {
            self.bytes = self.bytes.saturating_add(id.len() + body.len());
            self.records.push((id, body));
        }
    }

    const fn has_room(&self) -> bool {
        self.bytes < self.bytes_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_when_it_is_full_of_bytes() {
        let mut page = StoredPage { records: Vec::new(), bytes: 0, bytes_max: 20 };
        for id in ["a", "b", "c", "d"] {
            page.take(id.to_owned(), "x".repeat(9));
        }
        let ids: Vec<&str> = page.records.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["a", "b"]);
        let mut page = StoredPage { records: Vec::new(), bytes: 0, bytes_max: 1 };
        page.take("large".to_owned(), "x".repeat(100));
        assert_eq!(page.records.len(), 1, "each page gets on");
    }
}
