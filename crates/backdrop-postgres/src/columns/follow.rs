//! Reading what has changed since a version.
//!
//! It is asked for after every write, by the request that needs it, and so goes over a connection that is kept open:
//! to take one from the pool costs three answers of Postgres instead of one.

use super::{ColumnRow, DataSetState, lend};
use crate::{DataVersion, Database, StoreError};
use backdrop_core::data_set::DataSetId;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Postgres, QueryBuilder, Row};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// How many data sets are followed at the same time, each over a connection that is kept for that.
const FOLLOWERS: usize = 2;
/// How long it may take: many changes take longer than to answer from the records, which is then done instead.
const FOLLOW_WITHIN: Duration = Duration::from_secs(5);

/// The state of a data set: the columns of [`DataSetState::read`].
pub(super) const STATE: &str = "SELECT generation, version, version_tag, deletions_since, records \
                                FROM data_set_state WHERE data_set_id = $1";

/// Where in a row of the changes the state begins, and where the record.
const STATE_COLUMN: usize = 1;
const RECORD_COLUMN: usize = 6;

/// What has changed in a data set since some version.
#[derive(Debug)]
pub struct Changes {
    /// The state in which it is now.
    pub state: DataSetState,
    /// Whether this is all that changed; if not, there is more than was asked for.
    pub is_all: bool,
    rows: Vec<PgRow>,
}

impl Changes {
    pub(super) fn of(rows: Vec<PgRow>, rows_max: usize) -> Result<Self, StoreError> {
        let mut state = None;
        let (mut stored, mut deleted) = (0, 0);
        for row in &rows {
            match row.try_get(0)? {
                None => state = Some(DataSetState::read(row, STATE_COLUMN)?),
                Some(true) => stored += 1,
                Some(false) => deleted += 1,
            }
        }
        let missing = || StoreError::corrupt("data_set_state", "version");
        // A full list may have been cut off.
        Ok(Self { state: state.ok_or_else(missing)?, is_all: stored.max(deleted) < rows_max, rows })
    }

    /// How many records were stored or deleted.
    pub fn len(&self) -> usize {
        self.rows.len() - 1
    }

    /// Whether nothing changed but, perhaps, the number of the version.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The ids of records that were deleted. Some may be there again: these are among the stored ones, which are to
    /// be taken after all of these.
    ///
    /// # Errors
    /// If a row cannot be read.
    pub fn deleted(&self) -> impl Iterator<Item = Result<&str, StoreError>> {
        let is_deleted = |row: &&PgRow| row.try_get(0).ok() == Some(Some(false));
        self.rows.iter().filter(is_deleted).map(|row| row.try_get(RECORD_COLUMN).map_err(StoreError::from))
    }

    /// Gives away the records that were stored, as they are now.
    ///
    /// # Errors
    /// If a row cannot be read; those of the taker.
    pub fn for_each_stored<E: From<StoreError>>(
        &self,
        mut take: impl FnMut(ColumnRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let is_stored = |row: &&PgRow| row.try_get(0).ok() == Some(Some(true));
        self.rows.iter().filter(is_stored).try_for_each(|row| lend(row, RECORD_COLUMN, &mut take)?)
    }
}

impl DataSetState {
    pub(super) fn read(row: &PgRow, first: usize) -> Result<Self, StoreError> {
        let records: i64 = row.try_get(first + 4)?;
        Ok(Self {
            version: DataVersion {
                generation: row.try_get(first)?,
                version: row.try_get(first + 1)?,
                version_tag: row.try_get(first + 2)?,
            },
            deletions_since: row.try_get(first + 3)?,
            records: records.try_into().map_err(|_| StoreError::corrupt("data_set_state", "records"))?,
        })
    }
}

/// The connections that are kept.
#[derive(Debug)]
pub(super) struct Followers {
    turns: Semaphore,
    idle: Mutex<Vec<PgConnection>>,
}

impl Followers {
    pub(super) const fn new() -> Self {
        Self { turns: Semaphore::const_new(FOLLOWERS), idle: Mutex::new(Vec::new()) }
    }

    /// The changes that a statement finds. Who comes while all connections are busy waits for a turn.
    pub(super) async fn read(
        &self,
        database: &Database,
        data_set: DataSetId,
        statement: impl Fn() -> QueryBuilder<Postgres>,
    ) -> Result<Vec<PgRow>, StoreError> {
        let _turn = self.turns.acquire().await.expect("it is never closed");
        // Taken out while it is used: whoever gives up in the middle leaves none behind.
        let kept = self.idle().pop();
        if let Some(connection) = kept {
            match self.read_over(connection, &statement).await {
                // Lost, perhaps by a restart that is over.
                Ok(None) | Err(StoreError::Unavailable(_)) => {}
                Ok(Some(rows)) => return Ok(rows),
                Err(error) => return Err(error),
            }
        }
        let connection = database.connect_apart(FOLLOW_WITHIN).await?;
        let missing = || StoreError::corrupt(format!("data_set_state {}", data_set.0), "data_set_id");
        self.read_over(connection, &statement).await?.ok_or_else(missing)
    }

    /// `None`: the server is not a primary, or does not have the data set; the connection is not used again.
    async fn read_over(
        &self,
        mut connection: PgConnection,
        statement: impl Fn() -> QueryBuilder<Postgres>,
    ) -> Result<Option<Vec<PgRow>>, StoreError> {
        let rows = statement().build().fetch_all(&mut connection).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        self.idle().push(connection);
        Ok(Some(rows))
    }

    fn idle(&self) -> MutexGuard<'_, Vec<PgConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
