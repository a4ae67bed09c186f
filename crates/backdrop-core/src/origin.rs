//! Where the records of a batch came from, so that an error can name the line or the cell.
//!
//! It travels in the envelope and is kept with rejected batches, so its form is part of their golden.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where the records of a batch came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "format", rename_all = "snake_case")]
pub enum Origin {
    /// A JSON document: the record's number is its place.
    Json,
    /// Not a document: the change was asked for by a request without records.
    Request,
    /// A text with a record per line, or few: JSON lines or CSV.
    Lines {
        /// On which line each record begins.
        lines: Places,
    },
    /// A sheet of a workbook.
    Sheet {
        /// Its name.
        sheet: String,
        /// In which row each record stands.
        rows: Places,
        /// The letters of the column of each field.
        columns: BTreeMap<String, String>,
    },
}

/// Where a record, or one of its fields, stands in what was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The line of a text, or the row of a sheet, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The name of the sheet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The address of the cell, such as `C4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<String>,
}

impl Origin {
    /// Where a record stands, and the field of it that a JSON pointer names.
    pub fn place(&self, record: usize, pointer: &str) -> Place {
        match self {
            Self::Json | Self::Request => Place::default(),
            Self::Lines { lines } => Place { line: lines.of(record), ..Place::default() },
            Self::Sheet { sheet, rows, columns } => {
                let line = rows.of(record);
                let column = pointer.strip_prefix('/').and_then(|field| columns.get(field));
                let cell = column.zip(line).map(|(column, row)| format!("{column}{row}"));
                Place { line, sheet: Some(sheet.clone()), cell }
            }
        }
    }

    /// The origin of some of the records, which are then numbered from 1. `records` holds their numbers,
    /// ascending.
    #[must_use]
    pub fn of_some(&self, records: &[usize]) -> Self {
        let select = |places: &Places| records.iter().filter_map(|record| places.of(*record)).collect();
        match self {
            Self::Json | Self::Request => self.clone(),
            Self::Lines { lines } => Self::Lines { lines: select(lines) },
            Self::Sheet { sheet, rows, columns } => {
                Self::Sheet { sheet: sheet.clone(), rows: select(rows), columns: columns.clone() }
            }
        }
    }
}

/// On which line or row each record begins. Most records follow each other without a hole, so only the
/// places where they do not are kept: `(record, place)`, and from there on both rise by one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Places(Vec<(u32, u32)>);

impl Places {
    /// Where the record with this number, counted from 1, begins; `None` if it is not one of these.
    pub fn of(&self, record: usize) -> Option<u32> {
        let record = u32::try_from(record).ok()?;
        let after = self.0.partition_point(|(first, _)| *first <= record);
        let (first, place) = self.0.get(after.checked_sub(1)?)?;
        Some(place + (record - first))
    }
}

impl FromIterator<u32> for Places {
    /// The places of the first record, the second, and so on.
    fn from_iter<I: IntoIterator<Item = u32>>(places: I) -> Self {
        let mut jumps: Vec<(u32, u32)> = Vec::new();
        for (record, place) in (1..).zip(places) {
            let expected = jumps.last().map(|(first, begun)| begun + (record - first));
            if expected != Some(place) {
                jumps.push((record, place));
            }
        }
        Self(jumps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_kept_where_they_jump() {
        let places: Places = [2, 3, 4, 9, 10, 20].into_iter().collect();
        assert_eq!(places.0, [(1, 2), (4, 9), (6, 20)]);
        let told: Vec<Option<u32>> = (0..=6).map(|record| places.of(record)).collect();
        assert_eq!(told, [None, Some(2), Some(3), Some(4), Some(9), Some(10), Some(20)]);
    }

    #[test]
    fn a_field_of_a_sheet_has_a_cell_and_a_record_without_a_field_a_row() {
        let rows = [2, 3, 5].into_iter().collect();
        let columns = BTreeMap::from([("count".into(), "C".into())]);
        let origin = Origin::Sheet { sheet: "Figures".into(), rows, columns };
        let cell = origin.place(3, "/count");
        assert_eq!((cell.line, cell.cell.as_deref()), (Some(5), Some("C5")));
        assert_eq!(origin.place(3, "").cell, None);
        assert_eq!(origin.of_some(&[1, 3]).place(2, "/count").cell.as_deref(), Some("C5"));
    }
}
