//! Data sets: listing, making and changing them.
//!
//! Deleting one is not here: it is a change of its records, and so goes through the log.

mod change;
mod create;

pub use create::NewDataSet;

use crate::{Database, StoreError};
use backdrop_core::data_set::{
    DataGroup, DataSet, DataSetId, DataSetName, DataSetSettings, DataType, SchemaVersion,
};
use backdrop_core::log::Partition;
use backdrop_core::time::Timestamp;
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

/// The living data sets, each with the newest version of its schema.
const SELECT: &str = r#"
SELECT d.id, d.name, d.data_group, d.data_type, d.partition, d.raw_queries_allowed, d.queryable,
       d.published, d.realtime, d.auto_ids, d.max_age_expected, d.capped_size, d.retention_days,
       d.upload_format, d.upload_filters, s.version AS schema_version, s.document AS schema_document,
       t.records, t.version, t.updated_at
FROM data_set d
JOIN data_set_state t ON t.data_set_id = d.id
LEFT JOIN LATERAL (
    SELECT version, document, record_rules_only FROM data_set_schema
    WHERE data_set_id = d.id ORDER BY version DESC LIMIT 1
) s ON NOT s.record_rules_only
WHERE d.deleted_at IS NULL AND ($1::text IS NULL OR d.name = $1)
ORDER BY d.id
"#;

impl DataSetRow {
    pub(crate) async fn all(connection: &mut PgConnection) -> Result<Vec<Self>, StoreError> {
        Self::select(connection, None).await
    }

    async fn select(connection: &mut PgConnection, name: Option<&str>) -> Result<Vec<Self>, StoreError> {
        let rows = sqlx::query(SELECT).bind(name).fetch_all(connection).await?;
        rows.iter().map(Self::read).collect()
    }

    fn read(row: &PgRow) -> Result<Self, StoreError> {
        let id: i64 = row.try_get("id")?;
        let corrupt = |column| move |_| StoreError::corrupt(format!("data_set {id}"), column);
        let partition: i16 = row.try_get("partition")?;
        let schema: Option<i32> = row.try_get("schema_version")?;
        let data_set = DataSet {
            id: DataSetId(id),
            name: DataSetName::given_before(row.try_get::<String, _>("name")?).map_err(corrupt("name"))?,
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

    /// The living data set of that name.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn data_set_named(&self, name: String) -> Result<Option<DataSetRow>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let mut connection = pool.acquire().await?;
            let rows = DataSetRow::select(&mut connection, Some(&name)).await?;
            Ok(rows.into_iter().next())
        })
        .await
    }
}
