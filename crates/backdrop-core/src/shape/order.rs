//! Sorting groups and flat rows. What has no value comes last either way, and what is equal keeps the
//! order it has: by keys, then by time.

use super::group::Group;
use super::row::PeriodFigures;
use super::{Cell, Collected, Number, Scalar};
use crate::query::{Direction, GroupColumn, GroupOrder};
use serde_json::Value;
use std::cmp::Ordering;

/// A row of a group and a period, before it is made.
#[derive(Debug)]
pub(super) struct FlatRow<'g> {
    pub(super) keys: &'g [Scalar],
    pub(super) figures: PeriodFigures<'g>,
}

/// Sorts groups by what they are over all their periods.
pub(super) fn sort_groups(groups: &mut [Group], order: GroupOrder) {
    sort(groups, order.direction, |group| match order.column {
        GroupColumn::Key(index) => one(group.keys[index].0.clone()),
        GroupColumn::Count => count(group.whole.as_ref()),
        GroupColumn::GroupCount => one(group.cells.len().into()),
        GroupColumn::Collected(index) => value(group.whole.as_ref(), index),
        GroupColumn::Period | GroupColumn::EarlierCount | GroupColumn::EarlierCollected(_) => Vec::new(),
    });
}

/// Sorts flat rows by what they are themselves.
pub(super) fn sort_flat_rows(rows: &mut [FlatRow<'_>], order: GroupOrder) {
    sort(rows, order.direction, |FlatRow { keys, figures }| match order.column {
        GroupColumn::Key(index) => one(keys[index].0.clone()),
        GroupColumn::Count => count(figures.cell),
        GroupColumn::Period => one(figures.place.into()),
        GroupColumn::Collected(index) => value(figures.cell, index),
        GroupColumn::EarlierCount => count(figures.earlier),
        GroupColumn::EarlierCollected(index) => value(figures.earlier, index),
        GroupColumn::GroupCount => Vec::new(),
    });
}

/// A value to sort by. A set is compared element by element; no element at all: there is no value.
type SortKey = Vec<Scalar>;

fn one(value: Value) -> SortKey {
    if value.is_null() { Vec::new() } else { vec![Scalar(value)] }
}

fn count(cell: Option<&Cell>) -> SortKey {
    one(cell.map_or(0, |cell| cell.count).into())
}

fn value(cell: Option<&Cell>, index: usize) -> SortKey {
    match cell.map(|cell| &cell.collected[index]) {
        None => Vec::new(),
        Some(Collected::Set(values)) => values.iter().cloned().collect(),
        Some(Collected::Subset(subset)) => subset.iter().cloned().collect(),
        Some(Collected::Number(number)) => one(number.map_or(Value::Null, Number::to_json)),
        Some(Collected::Count(count)) => one((*count).into()),
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
