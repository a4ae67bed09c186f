//! Groups: the cells that have the same keys.

use super::{Cell, ROWS_MAX, Scalar, too_many_groups};
use crate::error::ApiError;
use crate::period::Periods;
use std::collections::BTreeSet;

/// The records that have the same keys.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) keys: Vec<Scalar>,
    /// All of them; `None` if there are none, or nobody needs to know.
    pub(super) whole: Option<Cell>,
    /// Those of each period that has any, in the order of time.
    pub(super) cells: Vec<Cell>,
}

impl Group {
    pub(super) const fn without_records(keys: Vec<Scalar>) -> Self {
        Self { keys, whole: None, cells: Vec::new() }
    }

    /// The cell of each of the periods, if it has one.
    pub(super) fn by_period(&self, periods: &Periods) -> Vec<Option<&Cell>> {
        let mut by_period = vec![None; periods.len()];
        for cell in &self.cells {
            if let Some(position) = cell.period {
                by_period[position] = Some(cell);
            }
        }
        by_period
    }
}

/// Brings the cells with the same keys together; the groups are in the order of their keys.
pub(super) fn groups(mut cells: Vec<Cell>) -> Vec<Group> {
    cells.sort_by(|left, right| left.keys.cmp(&right.keys).then(left.period.cmp(&right.period)));
    let mut groups: Vec<Group> = Vec::new();
    for cell in cells {
        if groups.last().is_none_or(|group| group.keys != cell.keys) {
            groups.push(Group::without_records(cell.keys.clone()));
        }
        let group = groups.last_mut().expect("there is one, or it was just made");
        match cell.period {
            None => group.whole = Some(cell),
            Some(_) => group.cells.push(cell),
        }
    }
    groups
}

/// Adds the combinations of the values seen that no record has.
///
/// # Errors
/// If there are more than [`ROWS_MAX`] combinations.
pub(super) fn all_combinations(groups: Vec<Group>) -> Result<Vec<Group>, ApiError> {
    let Some(first) = groups.first() else { return Ok(groups) };
    let width = first.keys.len();
    let seen: Vec<BTreeSet<Scalar>> =
        (0..width).map(|index| groups.iter().map(|group| group.keys[index].clone()).collect()).collect();
    let count = seen.iter().try_fold(1_usize, |count, values| count.checked_mul(values.len()));
    if count.is_none_or(|count| count > ROWS_MAX as usize) {
        return Err(too_many_groups());
    }
    let mut combinations: Vec<Vec<Scalar>> = vec![Vec::new()];
    for values in &seen {
        let extended = combinations.iter().flat_map(|head| {
            values.iter().map(move |value| head.iter().cloned().chain([value.clone()]).collect())
        });
        combinations = extended.collect();
    }
    // Both are in the order of their keys, and every group is among the combinations.
    let mut groups = groups.into_iter().peekable();
    let complete = combinations.into_iter().map(|keys| {
        groups.next_if(|group| group.keys == keys).unwrap_or_else(|| Group::without_records(keys))
    });
    Ok(complete.collect())
}
