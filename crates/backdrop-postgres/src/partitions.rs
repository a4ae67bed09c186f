//! The rows of the partitions: cursors and attempts.

use crate::{Database, StoreError};
use backdrop_core::log::{Cursor, EntryId, Partition};
use sqlx::Row;
use sqlx::postgres::PgRow;

/// How far a partition has been applied, and how work on it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionRow {
    /// Every entry at or below it is decided.
    pub cursor: Cursor,
    /// How often work on the head entry began without ending.
    pub attempts: u32,
}

impl PartitionRow {
    pub(crate) fn read(row: &PgRow) -> Result<Self, StoreError> {
        let attempts: i32 = row.try_get("attempts")?;
        Ok(Self { cursor: read_cursor(row)?, attempts: attempts.try_into().unwrap_or(0) })
    }
}

/// Reads `cursor_epoch` and `cursor_n`; -1 stands for "none of this epoch yet".
pub(crate) fn read_cursor(row: &PgRow) -> Result<Cursor, StoreError> {
    let epoch: i64 = row.try_get("cursor_epoch")?;
    let n: i64 = row.try_get("cursor_n")?;
    let epoch = u64::try_from(epoch).map_err(|_| StoreError::corrupt("ingest_partition", "cursor_epoch"))?;
    Ok(match u64::try_from(n) {
        Ok(n) => Cursor::at(EntryId { epoch, n }),
        Err(_) => Cursor::start_of(epoch),
    })
}

fn read_partition(number: i16) -> Result<Partition, StoreError> {
    number.try_into().map(Partition).map_err(|_| StoreError::corrupt("ingest_partition", "partition"))
}

/// The two numbers a cursor is kept as.
pub(crate) fn cursor_columns(cursor: Cursor) -> (i64, i64) {
    let n = cursor.entry().map_or(-1, |entry| number(entry.n));
    (number(cursor.epoch()), n)
}

/// A number of the log as Postgres keeps it.
pub(crate) fn number(number: u64) -> i64 {
    number.try_into().expect("a counter that is raised by one does not reach 2^63")
}

/// The number of a partition as Postgres keeps it.
pub(crate) fn column(partition: Partition) -> i16 {
    partition.0.try_into().expect("partitions come from a smallint column, or are checked against it")
}

impl Database {
    /// All partitions there are.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn partitions(&self) -> Result<Vec<Partition>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let sql = "SELECT partition FROM ingest_partition ORDER BY partition";
            let numbers: Vec<i16> = sqlx::query_scalar(sql).fetch_all(&pool).await?;
            numbers.into_iter().map(read_partition).collect()
        })
        .await
    }

    /// The cursors of all partitions.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn cursors(&self) -> Result<Vec<(Partition, Cursor)>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let sql = "SELECT partition, cursor_epoch, cursor_n FROM ingest_partition ORDER BY partition";
            let rows = sqlx::query(sql).fetch_all(&pool).await?;
            let cursor = |row: &PgRow| Ok((read_partition(row.try_get("partition")?)?, read_cursor(row)?));
            rows.iter().map(cursor).collect()
        })
        .await
    }

    /// The row of a partition, not locked.
    ///
    /// # Errors
    /// If Postgres cannot be asked, or there is no such row: there is no "from the beginning".
    pub async fn partition(&self, partition: Partition) -> Result<PartitionRow, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let sql = "SELECT cursor_epoch, cursor_n, attempts FROM ingest_partition WHERE partition = $1";
            let row = sqlx::query(sql).bind(column(partition)).fetch_one(&pool).await?;
            PartitionRow::read(&row)
        })
        .await
    }

    /// Counts one more attempt at the entry after the cursor, in a commit of its own, before the work
    /// begins: if the process dies over it, the count stays. Counts from `at_least` on, where what happened before already
    /// speaks against the entry. Gives the count as it is then, or `None` if somebody else works on the partition or
    /// the cursor has moved.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn raise_attempts(
        &self,
        partition: Partition,
        cursor: Cursor,
        at_least: u32,
    ) -> Result<Option<u32>, StoreError> {
        let pool = self.pool.clone();
        let (epoch, n) = cursor_columns(cursor);
        let at_least = i32::try_from(at_least).unwrap_or(i32::MAX);
        self.in_task(async move {
            let raised: Option<i32> = sqlx::query_scalar(
                "UPDATE ingest_partition SET attempts = greatest(attempts + 1, $4)
                 WHERE partition = (
                     -- Skipping a locked row: who holds it is alive and at work on the partition.
                     SELECT partition FROM ingest_partition
                     WHERE partition = $1 AND cursor_epoch = $2 AND cursor_n = $3
                     FOR UPDATE SKIP LOCKED
                 )
                 RETURNING attempts",
            )
            .bind(column(partition))
            .bind(epoch)
            .bind(n)
            .bind(at_least)
            .fetch_optional(&pool)
            .await?;
            Ok(raised.and_then(|attempts| attempts.try_into().ok()))
        })
        .await
    }

    /// Takes the attempts back: what ended the work was not the entry's fault.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn reset_attempts(&self, partition: Partition, cursor: Cursor) -> Result<(), StoreError> {
        let pool = self.pool.clone();
        let (epoch, n) = cursor_columns(cursor);
        self.in_task(async move {
            sqlx::query(
                "UPDATE ingest_partition SET attempts = 0
                 WHERE partition = $1 AND cursor_epoch = $2 AND cursor_n = $3",
            )
            .bind(column(partition))
            .bind(epoch)
            .bind(n)
            .execute(&pool)
            .await?;
            Ok(())
        })
        .await
    }
}
