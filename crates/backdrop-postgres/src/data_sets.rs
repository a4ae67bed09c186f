//! Data sets: listing, making and changing them.
//!
//! Deleting one is not here: it is a change of its records, and so goes through the log.

mod change;
mod create;
mod settings;

pub use create::NewDataSet;

use crate::{Database, StoreError};
use backdrop_core::data_set::{DataGroup, DataSet, DataSetId, DataSetName, DataType, SchemaVersion};
use backdrop_core::log::Partition;
use backdrop_core::time::Timestamp;
use serde_json::Value;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgPool, PgRow};

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

/// The living data sets with the newest version of their schemas: these columns of `d`, `s` (the schema), and `t` (the
/// state).
macro_rules! select {
    ($columns:literal) => {
        concat!(
            "SELECT d.id, d.name, d.data_group, d.data_type, d.partition, d.raw_queries_allowed, d.queryable,
                    d.published, d.realtime, d.auto_ids, d.max_age_expected, d.capped_size, d.retention_days,
                    d.upload_format, d.upload_filters, s.version AS schema_version",
            $columns,
            " FROM data_set d
              JOIN data_set_state t ON t.data_set_id = d.id
              LEFT JOIN LATERAL (
                  SELECT version, document, record_rules_only FROM data_set_schema
                  WHERE data_set_id = d.id ORDER BY version DESC LIMIT 1
              ) s ON NOT s.record_rules_only
              WHERE d.deleted_at IS NULL AND ($1::text IS NULL OR d.name = $1)
              ORDER BY d.id"
        )
    };
}

/// What every process knows of them. Without their schemas, which are loaded when a record is to be judged: all of them
/// may be large.
const KNOWN: &str = select!("");
/// What administrators see.
const LISTED: &str = select!(", s.document AS schema_document, t.records, t.version, t.updated_at");

/// All living data sets, for the configuration of a process.
pub(crate) async fn known(connection: &mut PgConnection) -> Result<Vec<DataSet>, StoreError> {
    let rows = sqlx::query(KNOWN).bind(None::<&str>).fetch_all(connection).await?;
    rows.iter().map(read_data_set).collect()
}

fn read_data_set(row: &PgRow) -> Result<DataSet, StoreError> {
    let id: i64 = row.try_get("id")?;
    let corrupt = |column| move |_| StoreError::corrupt(format!("data_set {id}"), column);
    let partition: i16 = row.try_get("partition")?;
    let schema: Option<i32> = row.try_get("schema_version")?;
    Ok(DataSet {
        id: DataSetId(id),
        name: DataSetName::given_before(row.try_get::<String, _>("name")?).map_err(corrupt("name"))?,
        data_group: DataGroup::parse(row.try_get::<String, _>("data_group")?)
            .map_err(corrupt("data_group"))?,
        data_type: DataType::parse(row.try_get::<String, _>("data_type")?).map_err(corrupt("data_type"))?,
        partition: Partition(
            partition.try_into().map_err(|_| StoreError::corrupt(format!("data_set {id}"), "partition"))?,
        ),
        settings: settings::read(row)?,
        schema: schema.map(SchemaVersion),
    })
}

impl DataSetRow {
    async fn select(pool: &PgPool, name: Option<&str>) -> Result<Vec<Self>, StoreError> {
        let rows = sqlx::query(LISTED).bind(name).fetch_all(pool).await?;
        rows.iter().map(Self::read).collect()
    }

    fn read(row: &PgRow) -> Result<Self, StoreError> {
        Ok(Self {
            data_set: read_data_set(row)?,
            schema: row.try_get("schema_document")?,
            records: row.try_get("records")?,
            version: row.try_get("version")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

impl Database {
    /// All living data sets, in the order in which they were made.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn data_sets(&self) -> Result<Vec<DataSetRow>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move { DataSetRow::select(&pool, None).await }).await
    }

    /// The living data set of that name.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn data_set_named(&self, name: String) -> Result<Option<DataSetRow>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move { Ok(DataSetRow::select(&pool, Some(&name)).await?.pop()) }).await
    }
}
