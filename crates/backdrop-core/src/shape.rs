//! Shaping: from what an engine found to the rows of an answer.
//!
//! An engine gives [`Cell`]s, one per combination of keys and period that has records at all. Here they
//! are brought together to groups, periods without records are filled in, and groups are sorted and
//! limited. Every engine shares this, so that they can differ in nothing that a client sees.
//!
//! **Invariant.** An answer has at most [`ROWS_MAX`] rows, and that is known before the rows are made.

mod bounds;
mod cell;
mod earlier;
mod gathering;
mod group;
mod number;
mod order;
mod record;
mod row;
mod scalar;
mod table_cell;

pub use bounds::{ANSWER_BYTES_MAX, ROWS_MAX, cells_max, too_large, too_many_groups, too_many_rows};
pub use cell::{Cell, Collected};
pub use gathering::Gathering;
pub use number::Number;
pub use record::record_row;
pub use row::Row;
pub use scalar::Scalar;
pub use table_cell::TableCell;

use crate::error::ApiError;
use crate::query::{Grouping, Layout};
use earlier::Earlier;
use group::Group;
use order::FlatRow;
use row::{Columns, PeriodFigures};

/// The rows of a grouped query.
fn rows(grouping: &Grouping, groups: Vec<Group>, earlier: Option<&Earlier>) -> Result<Vec<Row>, ApiError> {
    let columns = Columns::of(grouping);
    let Some(periods) = grouping.periods() else {
        let groups = selected(grouping, groups);
        bounds::check(&groups, 1, &columns)?;
        return Ok(groups.iter().map(|group| columns.group_row(group)).collect());
    };
    let figures = |group| period_figures(grouping, group, earlier);
    let period_rows = |group| figures(group).iter().map(|figures| columns.period_row(figures)).collect();
    if grouping.keys().is_empty() {
        let all = groups.into_iter().next().unwrap_or_else(|| Group::without_records(Vec::new()));
        bounds::check(std::slice::from_ref(&all), periods.len(), &columns)?;
        return Ok(period_rows(&all));
    }
    let groups = match grouping.layout() {
        Layout::Nested => groups,
        Layout::Flat => group::all_combinations(groups)?,
    };
    let mut groups = selected(grouping, groups);
    bounds::check(&groups, periods.len(), &columns)?;
    Ok(match grouping.layout() {
        Layout::Nested => groups.iter().map(|group| columns.nested_row(group, period_rows(group))).collect(),
        Layout::Flat => {
            // The order of the query holds for rows; what is equal in it goes by group, then by time.
            groups.sort_by(|one, other| one.keys.cmp(&other.keys));
            let of_group =
                |group| figures(group).into_iter().map(|figures| FlatRow { keys: &group.keys, figures });
            let mut rows: Vec<FlatRow<'_>> = groups.iter().flat_map(of_group).collect();
            if let Some(order) = grouping.order() {
                order::sort_flat_rows(&mut rows, *order);
            }
            rows.iter().map(|row| columns.flat_row(row.keys, &row.figures)).collect()
        }
    })
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

/// What is known of each period of a group, in the order of time, whether it has records or not.
fn period_figures<'g>(
    grouping: &Grouping,
    group: &'g Group,
    earlier: Option<&'g Earlier>,
) -> Vec<PeriodFigures<'g>> {
    let Some(periods) = grouping.periods() else { return Vec::new() };
    let earlier = earlier.map_or_else(|| vec![None; periods.len()], |earlier| earlier.cells(&group.keys));
    let cells = group.by_period(periods).into_iter().zip(earlier);
    cells.enumerate().map(|(place, (cell, earlier))| PeriodFigures { place, cell, earlier }).collect()
}

#[cfg(test)]
mod tests;
