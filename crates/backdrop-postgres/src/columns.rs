//! Some fields of all records of a data set, to be held in memory, and what has changed in them since.
//!
//! **Invariant.** What is read belongs to the state it is given with: all of it is read from one snapshot.
//!
//! **Invariant.** No value is parsed or copied here: a field is the text of its JSON, as it lies in the row.

mod follow;
mod load;

pub use follow::Changes;
pub use load::ColumnSink;

use crate::reader::statement::columns;
use crate::{DataVersion, Database, StoreError};
use backdrop_core::data_set::DataSetId;
use backdrop_core::query::FieldName;
use follow::Followers;
use sqlx::postgres::{PgRow, PgValueRef};
use sqlx::{Row, ValueRef};
use std::sync::Arc;

/// Microseconds from 1970 to 2000, from where Postgres counts.
const EPOCH_OF_POSTGRES: i64 = 946_684_800_000_000;

/// Reads columns. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ColumnReader {
    database: Database,
    followers: Arc<Followers>,
}

/// A state of a data set, and how many records it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataSetState {
    /// Which state.
    pub version: DataVersion,
    /// Deletions up to this version may not be known any more: who has followed less far must read all anew.
    pub deletions_since: i64,
    /// How many records there are.
    pub records: u64,
}

/// A record: some of its fields.
#[derive(Clone, Copy, Debug)]
pub struct ColumnRow<'r> {
    /// Its id.
    pub id: &'r str,
    /// Its time in microseconds since 1970 UTC.
    pub time: i64,
    /// The JSON text of each field that was asked for, in that order; `None`: the record does not have it.
    pub values: &'r [Option<&'r str>],
}

impl ColumnReader {
    /// A reader of that store.
    pub fn new(database: Database) -> Self {
        Self { database, followers: Arc::new(Followers::new()) }
    }

    /// Reads the fields of all records, in no order, until the sink has enough.
    ///
    /// It takes a connection of its own, so that queries have all of theirs, and ten minutes at most.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn load<S: ColumnSink>(
        &self,
        data_set: DataSetId,
        fields: Vec<FieldName>,
        sink: S,
    ) -> Result<(DataSetState, S), StoreError> {
        let database = self.database.clone();
        self.database.in_task(load::load(database, data_set, fields, sink)).await
    }

    /// What has changed since a version; of records that were stored, and of those that were deleted, so many at
    /// most. One statement, and so one snapshot and one answer.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn changes(
        &self,
        data_set: DataSetId,
        since: DataVersion,
        fields: &[FieldName],
        rows_max: usize,
    ) -> Result<Changes, StoreError> {
        let (database, followers) = (self.database.clone(), Arc::clone(&self.followers));
        let fields = fields.to_vec();
        let work = async move {
            let statement = || columns::changes(data_set, since, &fields, rows_max);
            followers.read(&database, data_set, statement).await
        };
        Changes::of(self.database.in_task(work).await?, rows_max)
    }
}

/// Gives away a row, of which the columns from the given one on are those of a record.
fn lend<T>(row: &PgRow, first: usize, take: impl FnOnce(ColumnRow<'_>) -> T) -> Result<T, StoreError> {
    let id = text(row.try_get_raw(first)?)?.ok_or_else(|| corrupt("id"))?;
    let time = row.try_get_raw(first + 1)?;
    let time: [u8; 8] =
        bytes(&time)?.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| corrupt("timestamp"))?;
    let fields = first + 2..row.len();
    let values = fields.map(|index| json(row.try_get_raw(index)?)).collect::<Result<Vec<_>, StoreError>>()?;
    let time = i64::from_be_bytes(time) + EPOCH_OF_POSTGRES;
    Ok(take(ColumnRow { id, time, values: &values }))
}

/// The text of a JSON value: its binary form is the number of a version, 1, and the text.
fn json(value: PgValueRef<'_>) -> Result<Option<&str>, StoreError> {
    let Some(text) = text(value)? else { return Ok(None) };
    text.strip_prefix('\u{1}').map(Some).ok_or_else(|| corrupt("body"))
}

fn text(value: PgValueRef<'_>) -> Result<Option<&str>, StoreError> {
    let text = |bytes| std::str::from_utf8(bytes).map_err(|_| corrupt("text"));
    bytes(&value)?.map(text).transpose()
}

fn bytes<'r>(value: &PgValueRef<'r>) -> Result<Option<&'r [u8]>, StoreError> {
    if value.is_null() {
        return Ok(None);
    }
    value.as_bytes().map(Some).map_err(|_| corrupt("value"))
}

fn corrupt(column: &'static str) -> StoreError {
    StoreError::corrupt("a record", column)
}
