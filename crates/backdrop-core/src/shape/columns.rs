//! Columns: which there are, and how they are called.

use crate::query::{Collect, Grouping};
use std::collections::BTreeMap;

/// A column of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// The value of a field that is grouped by.
    Key(usize),
    /// When the period begins.
    Start,
    /// When it ends.
    End,
    /// How many records.
    Count,
    /// What was collected over them.
    Collected(usize),
    /// How many records the period has that this one is compared with.
    EarlierCount,
    /// What was collected over those.
    EarlierCollected(usize),
    /// How many periods of the group have records.
    GroupCount,
    /// The periods of the group, each a row.
    Periods,
}

/// The columns of a kind of row, in the order in which it shows them.
pub(super) type Shown = Vec<(String, Column)>;

/// The columns of a query, with names some of which may be the same.
#[derive(Debug)]
pub(super) struct Columns {
    keys: Vec<(String, Column)>,
    /// Those of the records of a group or period.
    figures: Vec<(String, Column)>,
    /// As these, of the period that each is compared with.
    compared: Vec<(String, Column)>,
}

impl Columns {
    pub(super) fn of(grouping: &Grouping) -> Self {
        let keys = grouping.keys().iter().enumerate();
        let compared = grouping.comparison().map(|comparison| format!(":{comparison}"));
        let compared =
            compared.map(|suffix| figures(grouping, &suffix, Column::EarlierCount, Column::EarlierCollected));
        Self {
            keys: keys.map(|(index, key)| (key.to_string(), Column::Key(index))).collect(),
            figures: figures(grouping, "", Column::Count, Column::Collected),
            compared: compared.unwrap_or_default(),
        }
    }

    /// How many values a row of a period has, the keys of a flat one included.
    pub(super) fn width(&self) -> usize {
        self.of_flat_rows().count()
    }

    /// How many bytes the names of those values have.
    pub(super) fn name_bytes(&self) -> usize {
        self.of_flat_rows().map(|(name, _)| name.len()).sum()
    }

    /// `{keys…, _count, collected…}`
    pub(super) fn of_groups(&self) -> Shown {
        shown(self.keys.iter().chain(&self.figures).cloned())
    }

    /// `{keys…, _count, _group_count, collected…, values: […]}`
    pub(super) fn of_nested_groups(&self) -> Shown {
        let nested = [("_group_count".into(), Column::GroupCount), ("values".into(), Column::Periods)];
        shown(self.keys.iter().chain(&self.figures).cloned().chain(nested))
    }

    /// `{_start_at, _end_at, _count, collected…}`, and the figures compared with.
    pub(super) fn of_periods(&self) -> Shown {
        shown(self.of_flat_rows().skip(self.keys.len()))
    }

    /// `{keys…, _start_at, _end_at, _count, collected…}`, and the figures compared with.
    pub(super) fn of_flat(&self) -> Shown {
        shown(self.of_flat_rows())
    }

    fn of_flat_rows(&self) -> impl Iterator<Item = (String, Column)> {
        let ends = [("_start_at".into(), Column::Start), ("_end_at".into(), Column::End)];
        let figures = self.figures.iter().chain(&self.compared).cloned();
        self.keys.iter().cloned().chain(ends).chain(figures)
    }
}

/// What is known of the records of a group or period. The value of a plain `collect` stands under the name of the
/// field, too.
fn figures(
    grouping: &Grouping,
    suffix: &str,
    count: Column,
    collected: fn(usize) -> Column,
) -> Vec<(String, Column)> {
    let names = |(index, collect): (usize, &Collect)| {
        let plain = collect.is_plain().then(|| format!("{}{suffix}", collect.field()));
        let names = plain.into_iter().chain([format!("{}{suffix}", collect.column())]);
        names.map(move |name| (name, collected(index)))
    };
    let collected = grouping.collect().iter().enumerate().flat_map(names);
    [(format!("_count{suffix}"), count)].into_iter().chain(collected).collect()
}

/// The columns by their names. Of several with the same name the last is shown.
fn shown(columns: impl Iterator<Item = (String, Column)>) -> Shown {
    columns.collect::<BTreeMap<_, _>>().into_iter().collect()
}
