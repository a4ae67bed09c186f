//! Groups: the cells that have the same keys.

use super::{Cell, Partial, ROWS_MAX, Scalar, cell, too_many_rows};
use crate::error::ApiError;
use crate::period::Periods;
use std::collections::BTreeSet;

/// The records that have the same keys.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) keys: Vec<Scalar>,
    /// How many records.
    pub(super) count: u64,
    /// What was collected over all of them; nothing if there are none.
    pub(super) collected: Option<Vec<Partial>>,
    /// The cells, in the order of time.
    cells: Vec<Cell>,
}

impl Group {
    pub(super) const fn without_records(keys: Vec<Scalar>) -> Self {
        Self { keys, count: 0, collected: None, cells: Vec::new() }
    }

    fn add(&mut self, cell: Cell) {
        self.count += cell.count;
        match &mut self.collected {
            Some(collected) => cell::merge(collected, &cell.collected),
            None => self.collected = Some(cell.collected.clone()),
        }
        match self.cells.last_mut() {
            Some(last) if last.period_start == cell.period_start => last.merge(&cell),
            _ => self.cells.push(cell),
        }
    }

    /// How many periods have records.
    pub(super) const fn cell_count(&self) -> usize {
        self.cells.len()
    }

    /// The cell of each of the periods, if it has one.
    pub(super) fn by_period(&self, periods: &Periods) -> Vec<Option<&Cell>> {
        let mut by_period = vec![None; periods.count() as usize];
        for cell in &self.cells {
            if let Some(position) = cell.period_start.and_then(|start| periods.position(start)) {
                by_period[position] = Some(cell);
            }
        }
        by_period
    }
}

/// Brings the cells with the same keys together; the groups are in the order of their keys.
pub(super) fn groups(mut cells: Vec<Cell>) -> Vec<Group> {
    cells.sort_by(|left, right| {
        left.keys.cmp(&right.keys).then_with(|| left.period_start.cmp(&right.period_start))
    });
    let mut groups: Vec<Group> = Vec::new();
    for mut cell in cells {
        match groups.last_mut() {
            Some(group) if group.keys == cell.keys => group.add(cell),
            _ => {
                let mut group = Group::without_records(std::mem::take(&mut cell.keys));
                group.add(cell);
                groups.push(group);
            }
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
        return Err(too_many_rows());
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
