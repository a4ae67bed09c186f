//! Cells of groups, as the statement of [`super::statement::groups`] gives them.
//!
//! Columns are read by their place: the keys, the start of the period if there is one, the number of
//! records, then those of each collected value. Both files must agree on them.

use super::ReadError;
use crate::StoreError;
use backdrop_core::query::{Collect, Grouping, Method};
use backdrop_core::shape::{Cell, Number, Partial, Scalar};
use serde_json::Value;
use sqlx::postgres::{PgRow, Postgres};
use sqlx::{Decode, Row, Type};

pub(super) fn read(row: &PgRow, grouping: &Grouping) -> Result<Cell, ReadError> {
    let mut columns = Columns { row, next: 0 };
    let keys = grouping.keys().iter().map(|_| columns.take().map(Scalar)).collect::<Result<_, _>>()?;
    let period_start = grouping.periods().map(|_| columns.take()).transpose()?;
    let count = columns.take_count()?;
    let collected = grouping.collect().iter().map(|collect| partial(&mut columns, collect));
    Ok(Cell { keys, period_start, count, collected: collected.collect::<Result<_, _>>()? })
}

fn partial(columns: &mut Columns<'_>, collect: &Collect) -> Result<Partial, ReadError> {
    Ok(match collect.method() {
        Method::Count => Partial::Count(columns.take_count()?),
        Method::Set => match columns.take()? {
            None => Partial::empty(Method::Set),
            Some(Value::Array(values)) => Partial::Set(values.into_iter().map(Scalar).collect()),
            Some(_) => return Err(StoreError::corrupt("a group", "set").into()),
        },
        method => {
            let number = columns.take_number()?;
            let count = columns.take_count()?;
            let has_others: Option<bool> = columns.take()?;
            if has_others == Some(true) {
                return Err(collect.not_a_number().into());
            }
            match method {
                Method::Mean => Partial::Mean { sum: number.unwrap_or(Number::ZERO), count },
                Method::Min => Partial::Min(number),
                Method::Max => Partial::Max(number),
                Method::Sum | Method::Count | Method::Set => Partial::Sum(number),
            }
        }
    })
}

/// The columns of a row from the first to the last.
struct Columns<'r> {
    row: &'r PgRow,
    next: usize,
}

impl<'r> Columns<'r> {
    fn take<T: Decode<'r, Postgres> + Type<Postgres>>(&mut self) -> Result<T, sqlx::Error> {
        let index = self.next;
        self.next += 1;
        self.row.try_get(index)
    }

    fn take_count(&mut self) -> Result<u64, ReadError> {
        let count: i64 = self.take()?;
        u64::try_from(count).map_err(|_| StoreError::corrupt("a group", "count").into())
    }

    fn take_number(&mut self) -> Result<Option<Number>, ReadError> {
        let text: Option<&str> = self.take()?;
        let parse = |text| Number::parse(text).ok_or_else(|| StoreError::corrupt("a group", "number").into());
        text.map(parse).transpose()
    }
}
