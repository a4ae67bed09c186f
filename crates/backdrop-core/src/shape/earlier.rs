//! The earlier periods that those of a query are compared with.

use super::group::Group;
use super::{Cell, Scalar};
use crate::period::Periods;

/// Cells of earlier periods, by the keys and the period that they are compared with.
#[derive(Debug)]
pub(super) struct Earlier {
    periods: Periods,
    /// In the order of their keys.
    groups: Vec<Group>,
    /// For each period of the query, which of the earlier ones goes with it.
    positions: Vec<usize>,
}

impl Earlier {
    pub(super) const fn new(periods: Periods, groups: Vec<Group>, positions: Vec<usize>) -> Self {
        Self { periods, groups, positions }
    }

    /// For each period of the query the cell that it is compared with, if there is one.
    pub(super) fn cells(&self, keys: &[Scalar]) -> Vec<Option<&Cell>> {
        let found = self.groups.binary_search_by(|group| group.keys.as_slice().cmp(keys));
        let Ok(index) = found else { return vec![None; self.positions.len()] };
        let by_period = self.groups[index].by_period(&self.periods);
        self.positions.iter().map(|position| by_period[*position]).collect()
    }
}
