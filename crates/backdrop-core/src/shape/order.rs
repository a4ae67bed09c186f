//! Sorting groups and flat rows. What has no value comes last either way, and what is equal keeps the
//! order it has: by keys, then by time.

use super::group::Group;
use super::{Cell, Partial, Scalar};
use crate::query::{Direction, GroupColumn, GroupOrder};
use crate::time::Timestamp;
use serde_json::Value;
use std::cmp::Ordering;

/// A row of a group and a period, before it is made.
#[derive(Debug)]
pub(super) struct FlatRow<'g> {
    pub(super) keys: &'g [Scalar],
    pub(super) bounds: (Timestamp, Timestamp),
    pub(super) cell: Option<&'g Cell>,
}

/// Sorts groups by what they are over all their periods.
pub(super) fn sort_groups(groups: &mut [Group], order: GroupOrder) {
    sort(groups, order.direction, |group| match order.column {
        GroupColumn::Key(index) => one(group.keys[index].0.clone()),
        GroupColumn::Count => one(group.count.into()),
        GroupColumn::GroupCount => one(group.cell_count().into()),
        GroupColumn::Period => Vec::new(),
        GroupColumn::Collected(index) => {
            group.collected.as_ref().map_or_else(Vec::new, |all| value(&all[index]))
        }
    });
}

/// Sorts flat rows by what they are themselves.
pub(super) fn sort_flat_rows(rows: &mut [FlatRow<'_>], order: GroupOrder) {
    sort(rows, order.direction, |row| match order.column {
        GroupColumn::Key(index) => one(row.keys[index].0.clone()),
        GroupColumn::Count => one(row.cell.map_or(0, |cell| cell.count).into()),
        GroupColumn::Period => one(row.bounds.0.timestamp().into()),
        GroupColumn::Collected(index) => row.cell.map_or_else(Vec::new, |cell| value(&cell.collected[index])),
        GroupColumn::GroupCount => Vec::new(),
    });
}

/// A value to sort by. A set is compared element by element; no element at all: there is no value.
type SortKey = Vec<Scalar>;

fn one(value: Value) -> SortKey {
    if value.is_null() { Vec::new() } else { vec![Scalar(value)] }
}

fn value(partial: &Partial) -> SortKey {
    match partial {
        Partial::Set(values) => values.iter().cloned().collect(),
        single => one(single.to_json()),
    }
}

fn sort<T>(items: &mut [T], direction: Direction, key: impl Fn(&T) -> SortKey) {
    items.sort_by_cached_key(|item| Directed { key: key(item), direction });
}

#[derive(PartialEq, Eq)]
struct Directed {
    key: SortKey,
    direction: Direction,
}

impl PartialOrd for Directed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Directed {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.key.is_empty(), other.key.is_empty()) {
            (false, false) if self.direction == Direction::Descending => other.key.cmp(&self.key),
            (false, false) => self.key.cmp(&other.key),
            (is_last, other_is_last) => is_last.cmp(&other_is_last),
        }
    }
}
