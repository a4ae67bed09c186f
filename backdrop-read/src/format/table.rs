//! Rows as a table: every row has a cell for every column, and a cell is a scalar.
//!
//! A record is taken apart when its row is asked for and no earlier: the texts of an answer may be 64 MiB,
//! and would be several times that as values. Numbers are kept as they are written, so that they lose
//! nothing on the way.
//!
//! **Invariant.** A table has at most [`CELLS_MAX`] cells, and that is known before the first is made.

use crate::answers::Rows;
use backdrop_core::error::{ApiError, ErrorCode};
use backdrop_core::query::Format;
use backdrop_core::shape::{Row, TableCell};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// How many cells a table may have, empty ones too. An answer has at most 64 MiB, and a value that is there
/// takes seven bytes of it or more. So this refuses only tables that are all but empty: a hundred thousand
/// records each of which has fields of its own would make one of terabytes.
const CELLS_MAX: usize = 10_000_000;

/// The rows of an answer as a table.
#[derive(Debug)]
pub(super) struct Table<'r> {
    rows: &'r Rows,
    columns: Vec<String>,
    value_count: usize,
}

impl<'r> Table<'r> {
    /// The table whose columns are the keys of all rows, sorted.
    pub(super) fn of(rows: &'r Rows, format: Format) -> Result<Self, ApiError> {
        let mut table = Self { rows, columns: Vec::new(), value_count: 0 };
        let mut columns = BTreeSet::new();
        match rows {
            Rows::Records(records) => {
                for record in records {
                    let fields = fields(record);
                    add_missing(&mut columns, fields.keys().map(AsRef::as_ref));
                    table.value_count += fields.values().filter(|value| value.get() != "null").count();
                }
            }
            Rows::Groups(groups) => {
                for group in groups {
                    add_missing(&mut columns, group.keys().map(String::as_str));
                    table.value_count += group.values().filter(|value| !value.is_null()).count();
                }
            }
        }
        table.columns = columns.into_iter().collect();
        table.check_size(format)?;
        Ok(table)
    }

    fn check_size(&self, format: Format) -> Result<(), ApiError> {
        let (rows, columns) = (self.row_count(), self.columns.len());
        if rows.saturating_mul(columns) <= CELLS_MAX {
            return Ok(());
        }
        let message = format!(
            "format={}: {rows} rows with {columns} different keys make a table of more than {CELLS_MAX} cells, \
             most of which would be empty; ask for format=ndjson, or for fewer rows or fields",
            format.as_str()
        );
        Err(ApiError::new(ErrorCode::InvalidQuery, message))
    }

    /// The names of the columns, in order.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// How many rows there are.
    pub(super) const fn row_count(&self) -> usize {
        match self.rows {
            Rows::Records(records) => records.len(),
            Rows::Groups(groups) => groups.len(),
        }
    }

    /// How many cells are not empty.
    pub(super) const fn value_count(&self) -> usize {
        self.value_count
    }

    /// The cells of each row, in the order of the columns.
    pub(super) fn rows(&self) -> impl Iterator<Item = Vec<TableCell<'r>>> {
        (0..self.row_count()).map(|index| match self.rows {
            Rows::Records(records) => self.record_cells(&records[index]),
            Rows::Groups(groups) => self.group_cells(&groups[index]),
        })
    }

    fn record_cells(&self, record: &'r RawValue) -> Vec<TableCell<'r>> {
        let fields = fields(record);
        let cell = |column: &String| {
            fields.get(column.as_str()).map_or(TableCell::Empty, |value| TableCell::of_json(value.get()))
        };
        self.columns.iter().map(cell).collect()
    }

    fn group_cells(&self, group: &'r Row) -> Vec<TableCell<'r>> {
        let cell = |column: &String| group.get(column).map_or(TableCell::Empty, TableCell::of_value);
        self.columns.iter().map(cell).collect()
    }
}

fn fields(record: &RawValue) -> BTreeMap<Cow<'_, str>, &RawValue> {
    serde_json::from_str(record.get()).expect("a row was made as a JSON object")
}

fn add_missing<'k>(columns: &mut BTreeSet<String>, keys: impl Iterator<Item = &'k str>) {
    for key in keys {
        if !columns.contains(key) {
            columns.insert(key.to_owned());
        }
    }
}

/// Groups, from a list of objects.
#[cfg(test)]
pub(super) fn rows_of(rows: &serde_json::Value) -> Rows {
    let rows = rows.as_array().expect("a list").iter();
    Rows::Groups(rows.map(|row| row.as_object().expect("an object").clone()).collect())
}

/// Records, from their texts.
#[cfg(test)]
pub(super) fn records_of(records: &[&str]) -> Rows {
    let record = |text: &&str| RawValue::from_string((*text).to_owned()).expect("JSON");
    Rows::Records(records.iter().map(record).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cells(rows: &Rows) -> (Vec<String>, Vec<Vec<TableCell<'_>>>) {
        let table = Table::of(rows, Format::Csv).expect("a table");
        (table.columns().to_vec(), table.rows().collect())
    }

    #[test]
    fn values_are_counted_without_nulls() {
        let count = |rows: &Rows| Table::of(rows, Format::Csv).expect("a table").value_count();
        assert_eq!(count(&rows_of(&json!([{"a": 1, "b": null}, {"b": ""}, {}]))), 2);
        assert_eq!(count(&records_of(&[r#"{"a": 1, "b": null}"#, r#"{"b": ""}"#, "{}"])), 2);
    }

    #[test]
    fn columns_are_the_sorted_union_of_keys() {
        let groups = rows_of(&json!([{"b": 1}, {"c": [1], "a": null}]));
        let (columns, rows) = cells(&groups);
        assert_eq!(columns, ["a", "b", "c"]);
        let (one, list) = (TableCell::Number("1".into()), TableCell::Nested("[1]".into()));
        assert_eq!(
            rows,
            [[TableCell::Empty, one, TableCell::Empty], [TableCell::Empty, TableCell::Empty, list]]
        );
    }

    #[test]
    fn records_keep_their_numbers_as_they_are_written() {
        let records = records_of(&[
            r#"{"n": 1.50, "t": "a\"é\n", "y": true}"#,
            r#"{"n": 18446744073709551615, "t": null, "y": false}"#,
            r#"{"n": -1e-7, "t": {"k": 1}}"#,
        ]);
        let (columns, rows) = cells(&records);
        assert_eq!(columns, ["n", "t", "y"]);
        let number = |text: &'static str| TableCell::Number(text.into());
        assert_eq!(
            rows,
            [
                [number("1.50"), TableCell::Text("a\"é\n".into()), TableCell::Boolean(true)],
                [number("18446744073709551615"), TableCell::Empty, TableCell::Boolean(false)],
                [number("-1e-7"), TableCell::Nested(r#"{"k": 1}"#.into()), TableCell::Empty],
            ]
        );
    }

    #[test]
    fn a_table_that_is_all_but_empty_is_refused_before_it_is_made() {
        let groups: Vec<_> = (0..4_000).map(|n| Row::from_iter([(format!("key_{n}"), json!(n))])).collect();
        let error = Table::of(&Rows::Groups(groups), Format::Csv).expect_err("16 million cells");
        assert_eq!(error.code, ErrorCode::InvalidQuery);
        assert!(
            error.message.contains("format=csv") && error.message.contains("ndjson"),
            "{}",
            error.message
        );
    }
}
