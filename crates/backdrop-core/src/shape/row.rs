//! Rows: which columns they have, and how these are called.

use super::group::Group;
use super::{Cell, Scalar};
use crate::period::Periods;
use crate::query::{Collect, Grouping};
use crate::time;
use serde_json::{Map, Value};

/// A row of an answer.
pub type Row = Map<String, Value>;

/// What is known of one period (of a group).
#[derive(Clone, Copy, Debug)]
pub(super) struct PeriodFigures<'g> {
    /// Which of the periods it is, counted from 0.
    pub(super) place: usize,
    /// Its records, if it has any.
    pub(super) cell: Option<&'g Cell>,
    /// The records of the period it is compared with, if there are any.
    pub(super) earlier: Option<&'g Cell>,
}

/// The names of the columns of a query.
#[derive(Debug)]
pub(super) struct Columns {
    keys: Vec<String>,
    count: String,
    collected: Vec<Column>,
    /// The columns of the period that each is compared with; as above, with names of their own.
    compared: Option<(String, Vec<Column>)>,
    /// When each period begins, and then when the last ends, as rows show it: the groups share them.
    boundaries: Vec<String>,
}

/// A collected column.
#[derive(Debug)]
struct Column {
    name: String,
    /// The name of the field, if the value stands under that too.
    plain: Option<String>,
}

impl Columns {
    pub(super) fn of(grouping: &Grouping) -> Self {
        let columns = |suffix: &str| {
            let column = |collect: &Collect| Column {
                name: format!("{}{suffix}", collect.column()),
                plain: collect.is_plain().then(|| format!("{}{suffix}", collect.field())),
            };
            (format!("_count{suffix}"), grouping.collect().iter().map(column).collect())
        };
        let (count, collected) = columns("");
        Self {
            keys: grouping.keys().iter().map(ToString::to_string).collect(),
            count,
            collected,
            compared: grouping.comparison().map(|comparison| columns(&format!(":{comparison}"))),
            boundaries: grouping.periods().map(printed).unwrap_or_default(),
        }
    }

    /// How many values a row of a period has, the keys of a flat one included.
    pub(super) fn width(&self) -> usize {
        self.names().count()
    }

    /// How many bytes the names of those values have.
    pub(super) fn name_bytes(&self) -> usize {
        self.names().map(str::len).sum()
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let (count, compared) = self
            .compared
            .as_ref()
            .map_or((None, [].as_slice()), |(count, columns)| (Some(count.as_str()), columns.as_slice()));
        let figures = self.collected.iter().chain(compared);
        let collected = figures.flat_map(|column| [Some(column.name.as_str()), column.plain.as_deref()]);
        let keys = self.keys.iter().map(String::as_str);
        keys.chain(["_start_at", "_end_at", &self.count]).chain(count).chain(collected.flatten())
    }

    /// `{keys…, _count, collected…}`
    pub(super) fn group_row(&self, group: &Group) -> Row {
        let mut row = Row::new();
        self.add_keys(&mut row, &group.keys);
        add_figures(&mut row, &self.count, &self.collected, group.whole.as_ref());
        row
    }

    /// `{_start_at, _end_at, _count, collected…}`
    pub(super) fn period_row(&self, figures: &PeriodFigures<'_>) -> Row {
        self.flat_row(&[], figures)
    }

    /// `{keys…, _count, _group_count, collected…, values: […]}`
    pub(super) fn nested_row(&self, group: &Group, values: Vec<Row>) -> Row {
        let mut row = self.group_row(group);
        row.insert("_group_count".into(), group.cells.len().into());
        row.insert("values".into(), values.into_iter().map(Value::Object).collect());
        row
    }

    /// `{keys…, _start_at, _end_at, _count, collected…}`, and the figures compared with.
    pub(super) fn flat_row(&self, keys: &[Scalar], figures: &PeriodFigures<'_>) -> Row {
        let mut row = Row::new();
        self.add_keys(&mut row, keys);
        row.insert("_start_at".into(), self.boundaries[figures.place].as_str().into());
        row.insert("_end_at".into(), self.boundaries[figures.place + 1].as_str().into());
        add_figures(&mut row, &self.count, &self.collected, figures.cell);
        if let Some((count, collected)) = &self.compared {
            add_figures(&mut row, count, collected, figures.earlier);
        }
        row
    }

    fn add_keys(&self, row: &mut Row, keys: &[Scalar]) {
        for (name, key) in self.keys.iter().zip(keys) {
            row.insert(name.clone(), key.0.clone());
        }
    }
}

/// The boundaries of periods by the clock of their zone.
fn printed(periods: &Periods) -> Vec<String> {
    let zone = periods.calendar().zone;
    let boundaries = periods.starts().iter().copied().chain([periods.end()]);
    boundaries.map(|boundary| time::format_in(zone, boundary)).collect()
}

/// Without records every collected column is null, even those that would be 0 or empty over records
/// without values.
fn add_figures(row: &mut Row, count: &str, columns: &[Column], cell: Option<&Cell>) {
    row.insert(count.to_owned(), cell.map_or(0, |cell| cell.count).into());
    for (index, column) in columns.iter().enumerate() {
        let value = cell.map_or(Value::Null, |cell| cell.collected[index].to_json());
        if let Some(plain) = &column.plain {
            row.insert(plain.clone(), value.clone());
        }
        row.insert(column.name.clone(), value);
    }
}
