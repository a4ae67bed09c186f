//! Records that go by themselves: those older than their data set keeps them, and the oldest of a data set that
//! has outgrown its size.
//!
//! **Invariant.** They go under the lock of the partition's row, so that their deletion has a place in the one
//! order of changes; and in small steps, so that writers never wait for long.

use crate::partitions::column;
use crate::{Database, StoreError};
use backdrop_core::data_set::DataSetId;
use backdrop_core::log::Partition;
use backdrop_core::time::Timestamp;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgPool, PgRow};

/// How many records one step removes: a few tens of milliseconds under the lock.
const RECORDS_PER_STEP: i64 = 1_000;

/// A data set that does not keep all records for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundedDataSet {
    /// The data set.
    pub id: DataSetId,
    /// Its partition.
    pub partition: Partition,
    /// How many days a record is kept, by its time; `None`: for ever.
    pub retention_days: Option<i32>,
    /// How many bytes of records, as JSON, it may hold; `None`: no bound.
    pub capped_size: Option<i64>,
    /// How often it changed so far: as long as this stays, so does its size.
    pub version: i64,
}

/// Which records go: all up to this one, by time and then by `_id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Horizon {
    timestamp: Timestamp,
    /// `None`: none of that very time.
    id: Option<String>,
}

impl BoundedDataSet {
    fn read(row: &PgRow) -> Result<Self, StoreError> {
        let id: i64 = row.try_get("id")?;
        let partition: i16 = row.try_get("partition")?;
        let corrupt = |_| StoreError::corrupt(format!("data_set {id}"), "partition");
        Ok(Self {
            id: DataSetId(id),
            partition: Partition(partition.try_into().map_err(corrupt)?),
            retention_days: row.try_get("retention_days")?,
            capped_size: row.try_get("capped_size")?,
            version: row.try_get("version")?,
        })
    }
}

impl Database {
    /// The living data sets that do not keep all records for ever.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn bounded_data_sets(&self) -> Result<Vec<BoundedDataSet>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let rows = sqlx::query(
                "SELECT d.id, d.partition, d.retention_days, d.capped_size, s.version
                 FROM data_set d JOIN data_set_state s ON s.data_set_id = d.id
                 WHERE d.deleted_at IS NULL AND (d.retention_days IS NOT NULL OR d.capped_size IS NOT NULL)
                 ORDER BY d.id",
            )
            .fetch_all(&pool)
            .await?;
            rows.iter().map(BoundedDataSet::read).collect()
        })
        .await
    }

    /// Up to where records are older than their data set keeps them; `None`: none is.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn retention_horizon(&self, data_set: BoundedDataSet) -> Result<Option<Horizon>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let timestamp: Option<Timestamp> = sqlx::query_scalar(
                r#"SELECT now() - make_interval(days => least($2, 365000))
                WHERE EXISTS (
                    SELECT FROM data_set_state s JOIN record r USING (data_set_id, generation)
                    WHERE s.data_set_id = $1 AND r."timestamp" < now() - make_interval(days => least($2, 365000))
                )"#,
            )
            .bind(data_set.id.0)
            .bind(data_set.retention_days)
            .fetch_optional(&pool)
            .await?;
            Ok(timestamp.map(|timestamp| Horizon { timestamp, id: None }))
        })
        .await
    }

    /// Up to where records lie beyond the size of their data set; `None`: it has not outgrown it. Looks at all
    /// records, and takes no lock.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn size_horizon(&self, data_set: BoundedDataSet) -> Result<Option<Horizon>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let row = sqlx::query(
                r#"SELECT "timestamp", id FROM (
                    SELECT r."timestamp", r.id,
                           sum(octet_length(r.body::text)) OVER newest_first AS bytes
                    FROM data_set_state s JOIN record r USING (data_set_id, generation)
                    WHERE s.data_set_id = $1
                    WINDOW newest_first AS (ORDER BY r."timestamp" DESC, r.id DESC)
                ) AS sized
                WHERE bytes > $2
                ORDER BY "timestamp" DESC, id DESC LIMIT 1"#,
            )
            .bind(data_set.id.0)
            .bind(data_set.capped_size)
            .fetch_optional(&pool)
            .await?;
            let horizon = |row: PgRow| -> Result<_, StoreError> {
                Ok(Horizon { timestamp: row.try_get("timestamp")?, id: Some(row.try_get("id")?) })
            };
            row.map(horizon).transpose()
        })
        .await
    }

    /// Removes some of the records up to the horizon, the oldest first. Gives how many: 0 if none is left.
    ///
    /// # Errors
    /// If Postgres cannot be asked, or somebody holds the partition for too long; then nothing was done.
    pub async fn retire_records(
        &self,
        data_set: BoundedDataSet,
        horizon: Horizon,
    ) -> Result<u64, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move { retire(&pool, data_set, &horizon).await }).await
    }
}

async fn retire(pool: &PgPool, data_set: BoundedDataSet, horizon: &Horizon) -> Result<u64, StoreError> {
    let mut tx = pool.begin().await?;
    // Waits for its turn: a worker holds it for a tenth of a second at most.
    sqlx::query("SELECT FROM ingest_partition WHERE partition = $1 FOR UPDATE")
        .bind(column(data_set.partition))
        .execute(&mut *tx)
        .await?;
    let state: Option<(i32, i64)> = sqlx::query_as(
        "SELECT s.generation, s.version FROM data_set_state s JOIN data_set d ON d.id = s.data_set_id
         WHERE s.data_set_id = $1 AND d.deleted_at IS NULL FOR UPDATE OF s",
    )
    .bind(data_set.id.0)
    .fetch_optional(&mut *tx)
    .await?;
    let Some((generation, version)) = state else { return Ok(0) };
    let removed = delete_oldest(&mut tx, data_set.id, (generation, version), horizon).await?;
    if removed == 0 {
        return Ok(0);
    }
    sqlx::query(
        r#"UPDATE data_set_state s
        SET version = version + $3, version_tag = gen_random_uuid(), records = records - $3,
            last_timestamp = (
                SELECT max(r."timestamp") FROM record r WHERE r.data_set_id = $1 AND r.generation = $2
            ),
            updated_at = now()
        WHERE data_set_id = $1"#,
    )
    .bind(data_set.id.0)
    .bind(generation)
    .bind(removed)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(removed.unsigned_abs())
}

/// Deletes the oldest records up to the horizon, and lists each deletion with its place in the order of changes.
async fn delete_oldest(
    connection: &mut PgConnection,
    data_set: DataSetId,
    (generation, version): (i32, i64),
    horizon: &Horizon,
) -> Result<i64, StoreError> {
    let removed = sqlx::query_scalar(
        r#"WITH oldest AS (
            SELECT id FROM record
            WHERE data_set_id = $1 AND generation = $2
              AND ("timestamp" < $4 OR ("timestamp" = $4 AND id <= $5))
            ORDER BY "timestamp", id LIMIT $6
        ), deleted AS (
            DELETE FROM record r USING oldest o
            WHERE r.data_set_id = $1 AND r.generation = $2 AND r.id = o.id
            RETURNING r.id
        ), listed AS (
            INSERT INTO record_deletion (data_set_id, generation, id, seq)
            SELECT $1, $2, id, $3 + row_number() OVER () FROM deleted
        )
        SELECT count(*) FROM deleted"#,
    )
    .bind(data_set.0)
    .bind(generation)
    .bind(version)
    .bind(horizon.timestamp)
    .bind(&horizon.id)
    .bind(RECORDS_PER_STEP)
    .fetch_one(connection)
    .await?;
    Ok(removed)
}
