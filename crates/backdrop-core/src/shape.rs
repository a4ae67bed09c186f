//! Shaping: from what an engine found to the rows of an answer.
//!
//! An engine gives [`Cell`]s, one per combination of keys and period that has records at all. Here they
//! are brought together to groups, periods without records are filled in, and groups are sorted and
//! limited. Every engine shares this, so that they can differ in nothing that a client sees.
//!
//! **Invariant.** An answer has at most [`ROWS_MAX`] rows, and that is known before the rows are made.

mod bounds;
mod cell;
mod group;
mod number;
mod order;
mod record;
mod row;
mod scalar;

pub use bounds::{ANSWER_BYTES_MAX, ROWS_MAX, too_large, too_many_rows};
pub use cell::{Cell, Partial};
pub use number::Number;
pub use record::record_row;
pub use row::Row;
pub use scalar::Scalar;

use crate::error::ApiError;
use crate::period::Periods;
use crate::query::{Grouping, Layout};
use group::Group;
use order::FlatRow;
use row::Columns;

/// The rows of a grouped query.
///
/// # Errors
/// [`ErrorCode::InvalidQuery`](crate::error::ErrorCode::InvalidQuery) if there would be too many.
pub fn rows(grouping: &Grouping, cells: Vec<Cell>) -> Result<Vec<Row>, ApiError> {
    let columns = Columns::of(grouping);
    let groups = group::groups(cells);
    match (grouping.periods(), grouping.layout()) {
        (None, _) => {
            let groups = selected(grouping, groups);
            bounds::check(groups.len(), 1)?;
            Ok(groups.iter().map(|group| columns.group_row(group)).collect())
        }
        (Some(periods), _) if grouping.keys().is_empty() => {
            let all = groups.into_iter().next().unwrap_or_else(|| Group::without_records(Vec::new()));
            Ok(period_rows(&columns, periods, &all))
        }
        (Some(periods), Layout::Nested) => {
            let groups = selected(grouping, groups);
            bounds::check(groups.len(), periods.count())?;
            let row = |group| columns.nested_row(group, period_rows(&columns, periods, group));
            Ok(groups.iter().map(row).collect())
        }
        (Some(periods), Layout::Flat) => {
            let groups = selected(grouping, group::all_combinations(groups)?);
            bounds::check(groups.len(), periods.count())?;
            Ok(flat_rows(&columns, grouping, periods, &groups))
        }
    }
}

/// The groups that the query asks for, in its order.
fn selected(grouping: &Grouping, mut groups: Vec<Group>) -> Vec<Group> {
    if let Some(order) = grouping.order() {
        order::sort_groups(&mut groups, *order);
    }
    if let Some(limit) = grouping.limit() {
        groups.truncate(limit as usize);
    }
    groups
}

/// One row per period, in the order of time, whether it has records or not.
fn period_rows(columns: &Columns, periods: &Periods, group: &Group) -> Vec<Row> {
    let cells = group.by_period(periods);
    periods.iter().zip(cells).map(|(bounds, cell)| columns.period_row(bounds, cell)).collect()
}

/// One row per group and period. The order of the query holds for the rows too; without one, they go by
/// group, then by time.
fn flat_rows(columns: &Columns, grouping: &Grouping, periods: &Periods, groups: &[Group]) -> Vec<Row> {
    let mut rows: Vec<FlatRow<'_>> = Vec::new();
    for group in groups {
        let cells = periods.iter().zip(group.by_period(periods));
        rows.extend(cells.map(|(bounds, cell)| FlatRow { keys: &group.keys, bounds, cell }));
    }
    if let Some(order) = grouping.order() {
        order::sort_flat_rows(&mut rows, *order);
    }
    rows.iter().map(|row| columns.flat_row(row.keys, row.bounds, row.cell)).collect()
}

#[cfg(test)]
mod tests;
