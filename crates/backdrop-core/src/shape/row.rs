//! Rows: which columns they have, and how these are called.

use super::group::Group;
use super::{Cell, Partial, Scalar};
use crate::query::{Collect, Grouping};
use crate::time::{self, Timestamp};
use serde_json::{Map, Value};

/// A row of an answer.
pub type Row = Map<String, Value>;

/// The names of the columns of a query.
#[derive(Debug)]
pub(super) struct Columns {
    keys: Vec<String>,
    collected: Vec<Column>,
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
        let column = |collect: &Collect| Column {
            name: collect.column(),
            plain: collect.is_plain().then(|| collect.field().to_string()),
        };
        Self {
            keys: grouping.keys().iter().map(ToString::to_string).collect(),
            collected: grouping.collect().iter().map(column).collect(),
        }
    }

    /// `{keys…, _count, collected…}`
    pub(super) fn group_row(&self, group: &Group) -> Row {
        let mut row = Row::new();
        self.add_keys(&mut row, &group.keys);
        row.insert("_count".into(), group.count.into());
        self.add_collected(&mut row, group.collected.as_deref());
        row
    }

    /// `{_start_at, _end_at, _count, collected…}`
    pub(super) fn period_row(&self, bounds: (Timestamp, Timestamp), cell: Option<&Cell>) -> Row {
        self.flat_row(&[], bounds, cell)
    }

    /// `{keys…, _count, _group_count, collected…, values: […]}`
    pub(super) fn nested_row(&self, group: &Group, values: Vec<Row>) -> Row {
        let mut row = self.group_row(group);
        row.insert("_group_count".into(), group.cell_count().into());
        row.insert("values".into(), values.into_iter().map(Value::Object).collect());
        row
    }

    /// `{keys…, _start_at, _end_at, _count, collected…}`
    pub(super) fn flat_row(
        &self,
        keys: &[Scalar],
        (start, end): (Timestamp, Timestamp),
        cell: Option<&Cell>,
    ) -> Row {
        let mut row = Row::new();
        self.add_keys(&mut row, keys);
        row.insert("_start_at".into(), time::format(start).into());
        row.insert("_end_at".into(), time::format(end).into());
        row.insert("_count".into(), cell.map_or(0, |cell| cell.count).into());
        self.add_collected(&mut row, cell.map(|cell| cell.collected.as_slice()));
        row
    }

    fn add_keys(&self, row: &mut Row, keys: &[Scalar]) {
        for (name, key) in self.keys.iter().zip(keys) {
            row.insert(name.clone(), key.0.clone());
        }
    }

    /// Without records every column is null, even those that would be 0 or empty over records without values.
    fn add_collected(&self, row: &mut Row, values: Option<&[Partial]>) {
        for (index, column) in self.collected.iter().enumerate() {
            let value = values.map_or(Value::Null, |values| values[index].to_json());
            if let Some(plain) = &column.plain {
                row.insert(plain.clone(), value.clone());
            }
            row.insert(column.name.clone(), value);
        }
    }
}
