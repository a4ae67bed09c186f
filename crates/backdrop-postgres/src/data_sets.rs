//! Data sets: making them, listing them, and their schemas.
//!
//! Deleting one is not here: it is a change of its records, and so goes through the log.

use crate::{Database, StoreError};
use backdrop_core::data_set::{
    DataGroup, DataSet, DataSetDefinition, DataSetId, DataSetName, DataSetSettings, DataType, SchemaVersion,
};
use backdrop_core::log::Partition;
use backdrop_core::time::Timestamp;
use backdrop_core::token::TokenHash;
use serde_json::Value;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{FromRow, Row};

/// A data set with what only administrators see.
#[derive(Clone, Debug)]
pub struct DataSetRow {
    /// The data set.
    pub data_set: DataSet,
    /// The schema in force.
    pub schema: Option<Value>,
    /// How many records it holds.
    pub records: i64,
    /// How often it changed: once for each record stored.
    pub version: i64,
    /// When it changed last.
    pub updated_at: Timestamp,
}

/// What it takes to make a data set.
#[derive(Clone, Debug)]
pub struct NewDataSet {
    /// What was asked for.
    pub definition: DataSetDefinition,
    /// The schema its records must follow; `None`: record rules only.
    pub schema: Option<Value>,
    /// The hash of its first token.
    pub token: TokenHash,
}

/// The living data sets, each with the newest version of its schema.
const SELECT: &str = r#"
SELECT d.id, d.name, d.data_group, d.data_type, d.partition, d.raw_queries_allowed, d.queryable,
       d.published, d.realtime, d.auto_ids, d.max_age_expected, d.capped_size, d.retention_days,
       d.upload_format, d.upload_filters, s.version AS schema_version, s.document AS schema_document,
       t.records, t.version, t.updated_at
FROM data_set d
JOIN data_set_state t ON t.data_set_id = d.id
LEFT JOIN LATERAL (
    SELECT version, document FROM data_set_schema
    WHERE data_set_id = d.id ORDER BY version DESC LIMIT 1
) s ON true
WHERE d.deleted_at IS NULL
ORDER BY d.id
"#;

impl DataSetRow {
    pub(crate) async fn all(connection: &mut PgConnection) -> Result<Vec<Self>, StoreError> {
        let rows = sqlx::query(SELECT).fetch_all(connection).await?;
        rows.iter().map(Self::read).collect()
    }

    fn read(row: &PgRow) -> Result<Self, StoreError> {
        let id: i64 = row.try_get("id")?;
        let corrupt = |column| move |_| StoreError::corrupt(format!("data_set {id}"), column);
        let partition: i16 = row.try_get("partition")?;
        let schema: Option<i32> = row.try_get("schema_version")?;
        let data_set = DataSet {
            id: DataSetId(id),
            name: DataSetName::parse(row.try_get::<String, _>("name")?).map_err(corrupt("name"))?,
            data_group: DataGroup::parse(row.try_get::<String, _>("data_group")?)
                .map_err(corrupt("data_group"))?,
            data_type: DataType::parse(row.try_get::<String, _>("data_type")?)
                .map_err(corrupt("data_type"))?,
            partition: Partition(
                partition
                    .try_into()
                    .map_err(|_| StoreError::corrupt(format!("data_set {id}"), "partition"))?,
            ),
            settings: Settings::from_row(row)?.0,
            schema: schema.map(SchemaVersion),
        };
        Ok(Self {
            data_set,
            schema: row.try_get("schema_document")?,
            records: row.try_get("records")?,
            version: row.try_get("version")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

struct Settings(DataSetSettings);

impl<'r> FromRow<'r, PgRow> for Settings {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self(DataSetSettings {
            raw_queries_allowed: row.try_get("raw_queries_allowed")?,
            queryable: row.try_get("queryable")?,
            published: row.try_get("published")?,
            realtime: row.try_get("realtime")?,
            auto_ids: row.try_get("auto_ids")?,
            max_age_expected: row.try_get("max_age_expected")?,
            capped_size: row.try_get("capped_size")?,
            retention_days: row.try_get("retention_days")?,
            upload_format: row.try_get("upload_format")?,
            upload_filters: row.try_get("upload_filters")?,
        }))
    }
}

impl Database {
    /// All living data sets, in the order in which they were made.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn data_sets(&self) -> Result<Vec<DataSetRow>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let mut connection = pool.acquire().await?;
            DataSetRow::all(&mut connection).await
        })
        .await
    }

    /// Makes a data set, on the partition that has the fewest, with its schema and its first token.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the name, or the pair of group and type, is taken.
    pub async fn create_data_set(&self, new: NewDataSet) -> Result<DataSetId, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let mut tx = pool.begin().await?;
            let id = insert_data_set(&mut tx, &new.definition).await?;
            sqlx::query("INSERT INTO data_set_state (data_set_id) VALUES ($1)")
                .bind(id)
                .execute(&mut *tx)
                .await?;
            if let Some(schema) = &new.schema {
                sqlx::query(
                    "INSERT INTO data_set_schema (data_set_id, version, document) VALUES ($1, 1, $2)",
                )
                .bind(id)
                .bind(schema)
                .execute(&mut *tx)
                .await?;
            }
            sqlx::query("INSERT INTO data_set_token (data_set_id, sha256) VALUES ($1, $2)")
                .bind(id)
                .bind(&new.token.as_bytes()[..])
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok(DataSetId(id))
        })
        .await
    }

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
}

async fn insert_data_set(
    connection: &mut PgConnection,
    definition: &DataSetDefinition,
) -> Result<i64, StoreError> {
    let settings = &definition.settings;
    let id = sqlx::query_scalar(
        r#"
        INSERT INTO data_set (
            name, data_group, data_type, raw_queries_allowed, queryable, published, realtime, auto_ids,
            max_age_expected, capped_size, retention_days, upload_format, upload_filters, partition
        )
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, p.partition
        FROM ingest_partition p
        LEFT JOIN data_set d ON d.partition = p.partition AND d.deleted_at IS NULL
        GROUP BY p.partition
        ORDER BY count(d.id), p.partition
        LIMIT 1
        RETURNING id
        "#,
    )
    .bind(definition.name.as_str())
    .bind(definition.data_group.as_str())
    .bind(definition.data_type.as_str())
    .bind(settings.raw_queries_allowed)
    .bind(settings.queryable)
    .bind(settings.published)
    .bind(settings.realtime)
    .bind(&settings.auto_ids)
    .bind(settings.max_age_expected)
    .bind(settings.capped_size)
    .bind(settings.retention_days)
    .bind(&settings.upload_format)
    .bind(&settings.upload_filters)
    .fetch_one(connection)
    .await?;
    Ok(id)
}
