//! Cells of groups, as the statement of [`super::statement::groups`] gives them.
//!
//! Columns are read by their place: the keys, the place of the period if there are any, the number of
//! records, then those of each collected value. Both files must agree on them.

use super::ReadError;
use crate::StoreError;
use backdrop_core::query::{Collect, Grouping, Method};
use backdrop_core::shape::{Cell, Collected, Number, Scalar};
use serde_json::Value;
use sqlx::postgres::{PgRow, Postgres};
use sqlx::{Decode, Row, Type};
use std::collections::BTreeSet;

pub(super) fn read(row: &PgRow, grouping: &Grouping) -> Result<Cell, ReadError> {
    let mut columns = Columns { row, next: 0 };
    let keys = grouping.keys().iter().map(|_| columns.take().map(Scalar)).collect::<Result<_, _>>()?;
    let period = grouping.periods().map(|_| columns.take_place()).transpose()?.flatten();
    let count = columns.take_count()?;
    let collected = grouping.collect().iter().map(|collect| collected(&mut columns, collect));
    Ok(Cell { keys, period, count, collected: collected.collect::<Result<_, _>>()? })
}

fn collected(columns: &mut Columns<'_>, collect: &Collect) -> Result<Collected, ReadError> {
    match collect.method() {
        Method::Count => return columns.take_count().map(Collected::Count),
        Method::Set => {
            return match columns.take()? {
                None => Ok(Collected::Set(BTreeSet::new())),
                Some(Value::Array(values)) => Ok(Collected::Set(values.into_iter().map(Scalar).collect())),
                Some(_) => Err(StoreError::corrupt("a group", "set").into()),
            };
        }
        _ => {}
    }
    let number = columns.take_number()?;
    let count = columns.take_count()?;
    let has_others: Option<bool> = columns.take()?;
    if has_others == Some(true) {
        return Err(collect.not_a_number().into());
    }
    Ok(Collected::Number(match collect.method() {
        Method::Mean => number.map(|sum| Number::Float(sum.to_f64() / count as f64)),
        // They lie between values, so they are floats even where they print without a fraction.
        Method::Median | Method::Percentile(_) => number.map(|number| Number::Float(number.to_f64())),
        _ => number,
    }))
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

    /// Periods are counted from 1 there, and all together have none.
    fn take_place(&mut self) -> Result<Option<usize>, ReadError> {
        let place: Option<i32> = self.take()?;
        let index = |place: i32| {
            let index = usize::try_from(place).ok().and_then(|place| place.checked_sub(1));
            index.ok_or_else(|| StoreError::corrupt("a group", "period").into())
        };
        place.map(index).transpose()
    }

    fn take_number(&mut self) -> Result<Option<Number>, ReadError> {
        let text: Option<&str> = self.take()?;
        let parse = |text| Number::parse(text).ok_or_else(|| StoreError::corrupt("a group", "number").into());
        text.map(parse).transpose()
    }
}
