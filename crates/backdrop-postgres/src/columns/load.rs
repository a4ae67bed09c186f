//! Reading the fields of all records in one pass.

use super::{ColumnRow, DataSetState, lend};
use crate::columns::follow::STATE;
use crate::reader::statement::columns;
use crate::{Database, StoreError};
use backdrop_core::data_set::DataSetId;
use backdrop_core::query::FieldName;
use futures_util::TryStreamExt;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};
use std::ops::ControlFlow;
use std::time::Duration;
use tokio::task::yield_now;

/// How long it may take. A million records take two seconds; this is for hundreds of millions, or a store that is busy.
const LOAD_WITHIN: Duration = Duration::from_secs(600);
/// After how many rows other tasks of the runtime have their turn: half a millisecond of work.
const ROWS_PER_TURN: usize = 256;

/// Takes the rows of a load, one after the other.
pub trait ColumnSink: Send + 'static {
    /// Takes a row; `Break`: it wants no more.
    fn take(&mut self, row: ColumnRow<'_>) -> ControlFlow<()>;
}

pub(super) async fn load<S: ColumnSink>(
    database: Database,
    data_set: DataSetId,
    fields: Vec<FieldName>,
    mut sink: S,
) -> Result<(DataSetState, S), StoreError> {
    let mut connection = database.connect_apart(LOAD_WITHIN).await?;
    let mut transaction = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let row = transaction.fetch_optional(sqlx::query(STATE).bind(data_set.0)).await?;
    let state =
        row.ok_or_else(|| StoreError::corrupt(format!("data_set_state {}", data_set.0), "data_set_id"))?;
    let state = DataSetState::read(&state, 0)?;
    if read(&mut transaction, data_set, state, &fields, &mut sink).await?.is_continue() {
        transaction.rollback().await?;
        // What was read stays read, whatever becomes of the farewell.
        let _ = connection.close().await;
    }
    // Else it is dropped without one: the rows that nobody wants would all be sent first.
    Ok((state, sink))
}

async fn read<S: ColumnSink>(
    connection: &mut PgConnection,
    data_set: DataSetId,
    state: DataSetState,
    fields: &[FieldName],
    sink: &mut S,
) -> Result<ControlFlow<()>, StoreError> {
    let mut statement = columns::all(data_set, state.version, fields);
    let mut rows = statement.build().fetch(connection);
    let mut count = 0_usize;
    while let Some(row) = rows.try_next().await? {
        if lend(&row, 0, |row| sink.take(row))?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        count += 1;
        if count.is_multiple_of(ROWS_PER_TURN) {
            yield_now().await;
        }
    }
    Ok(ControlFlow::Continue(()))
}
