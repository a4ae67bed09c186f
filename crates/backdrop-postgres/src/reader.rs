//! Answering queries from the records.
//!
//! A query is one read-only transaction that sees one state of the store: it reads which version of the
//! data set that is, then runs its statements. So what is found belongs to the version it is given with,
//! and may be cached under it.
//!
//! **Invariant.** The statement is put together in [`statement`] alone, and whatever a client wrote
//! travels as a bound value, never in the text of the statement.

mod cells;
mod rows;
pub(crate) mod statement;

pub use rows::Page;

use crate::{Database, StoreError};
use backdrop_core::data_set::DataSetId;
use backdrop_core::error::ApiError;
use backdrop_core::query::{Grouping, Listing, Selection};
use backdrop_core::shape::{ANSWER_BYTES_MAX, Gathering, cells_max, too_large, too_many_groups};
use futures_util::TryStreamExt;
use rows::PageReader;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{PgPool, Postgres, QueryBuilder, Row, Transaction, ValueRef};
use uuid::Uuid;

/// Reads the records of data sets.
#[derive(Clone, Debug)]
pub struct RecordReader {
    database: Database,
}

/// Which state of a data set something was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DataVersion {
    /// How often the data set was emptied.
    pub generation: i32,
    /// How often it changed.
    pub version: i64,
    /// Goes with each version, so that a restored database cannot pass for the one it was.
    pub version_tag: Uuid,
}

/// What was found, and in which state of the data set.
#[derive(Clone, Debug)]
pub struct Found<T> {
    /// The state.
    pub version: DataVersion,
    /// What was found.
    pub found: T,
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The query asks for something that these records do not allow; the client can do something about it.
    #[error("the query cannot be answered")]
    Refused(#[source] ApiError),
    /// The store failed.
    #[error("the records cannot be read")]
    Store(#[source] StoreError),
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        // 54: an array of more than 256 MiB, which is also an answer that is too large.
        let sqlstate = match &error {
            StoreError::Statement(sqlx::Error::Database(database)) => database.code(),
            _ => None,
        };
        if sqlstate.is_some_and(|code| code.starts_with("54")) {
            Self::Refused(too_large())
        } else {
            Self::Store(error)
        }
    }
}

impl From<ApiError> for ReadError {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl From<sqlx::Error> for ReadError {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl RecordReader {
    /// A reader of that store.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// The records that are selected, as rows, in the order that is asked for.
    ///
    /// # Errors
    /// If they are too many or too large for one answer, or the store fails.
    pub async fn rows(
        &self,
        data_set: DataSetId,
        selection: &Selection,
        listing: &Listing,
    ) -> Result<Found<Page>, ReadError> {
        let (selection, listing) = (selection.clone(), listing.clone());
        let pool = self.database.pool.clone();
        let work = async move {
            let (mut transaction, version) = begin(&pool, data_set).await?;
            let statement = statement::rows(data_set, version, &selection, &listing);
            let mut page = PageReader::new(listing);
            let read = read_all(&mut transaction, statement, |row| page.take(row)).await;
            transaction.rollback().await?;
            Ok(read.map(|()| Found { version, found: page.finish() }))
        };
        self.database.in_task(work).await?
    }

    /// The groups that are asked for, gathered and ready to be shaped.
    ///
    /// # Errors
    /// If they are too many or too large for one answer, if something is to be added up that is not a
    /// number, or if the store fails.
    pub async fn groups(
        &self,
        data_set: DataSetId,
        selection: &Selection,
        grouping: &Grouping,
    ) -> Result<Found<Gathering>, ReadError> {
        let gathering = Gathering::new(selection, grouping);
        let pool = self.database.pool.clone();
        let work = async move {
            let (mut transaction, version) = begin(&pool, data_set).await?;
            let gathered = gather(&mut transaction, data_set, version, gathering).await;
            transaction.rollback().await?;
            Ok(gathered.map(|found| Found { version, found }))
        };
        self.database.in_task(work).await?
    }
}

/// A plan that is made without the values, after some repetitions, takes any range of time for a short one. Compiling
/// a plan takes longer than it saves here. Groups are many at times; what they take beyond this goes to the disk.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
                     SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL jit = off; SET LOCAL work_mem = '16MB'";

/// Begins a transaction that sees one state of the store, and reads which one of the data set that is.
async fn begin(
    pool: &PgPool,
    data_set: DataSetId,
) -> Result<(Transaction<'static, Postgres>, DataVersion), StoreError> {
    let mut transaction = pool.begin_with(BEGIN).await?;
    let version = read_version(&mut transaction, data_set).await?;
    Ok((transaction, version))
}

/// Answers all questions of a query.
async fn gather(
    connection: &mut PgConnection,
    data_set: DataSetId,
    version: DataVersion,
    mut gathering: Gathering,
) -> Result<Gathering, ReadError> {
    while let Some((selection, grouping)) = gathering.question() {
        let statement = statement::groups(data_set, version, selection, grouping);
        let mut found = Vec::new();
        let take = |row: PgRow| {
            if found.len() >= cells_max(grouping) {
                return Err(too_many_groups().into());
            }
            found.push(cells::read(&row, grouping)?);
            Ok(())
        };
        read_all(connection, statement, take).await?;
        gathering.answered(found)?;
    }
    Ok(gathering)
}

async fn read_version(connection: &mut PgConnection, data_set: DataSetId) -> Result<DataVersion, StoreError> {
    let row =
        sqlx::query("SELECT generation, version, version_tag FROM data_set_state WHERE data_set_id = $1")
            .bind(data_set.0)
            .fetch_optional(connection)
            .await?
            .ok_or_else(|| StoreError::corrupt(format!("data_set_state {}", data_set.0), "data_set_id"))?;
    Ok(DataVersion {
        generation: row.try_get("generation")?,
        version: row.try_get("version")?,
        version_tag: row.try_get("version_tag")?,
    })
}

/// Runs the statement and gives its rows away, as many bytes of them as an answer may have.
async fn read_all(
    connection: &mut PgConnection,
    mut statement: QueryBuilder<Postgres>,
    mut take: impl FnMut(PgRow) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut stream = statement.build().fetch(connection);
    let mut bytes = 0;
    while let Some(row) = stream.try_next().await? {
        bytes += size_in_bytes(&row);
        if bytes > ANSWER_BYTES_MAX {
            return Err(too_large().into());
        }
        take(row)?;
    }
    Ok(())
}

fn size_in_bytes(row: &PgRow) -> usize {
    let size = |index| {
        let value = row.try_get_raw(index).ok()?;
        (!value.is_null()).then(|| value.as_bytes().map_or(0, <[u8]>::len))
    };
    (0..row.len()).filter_map(size).sum()
}
