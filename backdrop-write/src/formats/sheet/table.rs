//! The rows of a sheet as records: the first row that is not empty are the keys; empty rows, rows whose first cell
//! begins with `#`, and a column named `comment` are skipped.

use super::cell;
use crate::formats::columns::{self, COLUMNS_MAX, Column, letters};
use crate::formats::gathering::{Gathering, push_text};
use crate::formats::{Decoded, Reading};
use backdrop_core::error::{ApiError, ErrorCode};
use backdrop_core::origin::Origin;
use backdrop_core::schema::TextFields;
use calamine::Data;
use std::collections::BTreeMap;

/// A sheet, row by row.
pub(super) struct Table {
    sheet: String,
    texts: TextFields,
    head: Option<Head>,
    gathering: Gathering,
    json: String,
    /// The letters of columns without a name that hold values, by what stands for their name in a pointer, so that
    /// the fault has its cell. With its space it is the name of no field.
    unnamed: BTreeMap<String, String>,
}

struct Head {
    /// Where the first column stands; all further columns follow it.
    first: u32,
    columns: Vec<Column>,
    /// What is said to whoever has values in columns without a name.
    advice: String,
}

impl Table {
    pub(super) fn new(sheet: String, reading: &Reading) -> Self {
        let gathering = Gathering::new(reading.bounds, reading.handling);
        Self {
            sheet,
            texts: reading.texts(),
            head: None,
            gathering,
            json: String::new(),
            unnamed: BTreeMap::new(),
        }
    }

    /// Takes the next row: its index, and its cells by the index of their column.
    pub(super) fn row(&mut self, index: u32, mut cells: Vec<(u32, Data)>) -> Result<(), ApiError> {
        cells.retain(|(_, cell)| !is_empty(cell));
        cells.sort_by_key(|(column, _)| *column);
        cells.dedup_by_key(|(column, _)| *column);
        let Some((column, first)) = cells.first() else { return Ok(()) };
        // Once the first column is known, the remark must stand in it.
        let is_first = self.head.as_ref().is_none_or(|head| head.first == *column);
        if is_first && is_remark(first) {
            return Ok(());
        }
        match self.head.take() {
            None => self.head = Some(self.read_head(index, &cells)?),
            Some(head) => {
                let added = self.add(index.saturating_add(1), &head, &cells);
                self.head = Some(head);
                added?;
            }
        }
        Ok(())
    }

    fn read_head(&self, index: u32, cells: &[(u32, Data)]) -> Result<Head, ApiError> {
        let row = format!("row {}", index.saturating_add(1));
        let refused_as =
            |code, detail: String| ApiError::new(code, format!("Sheet {:?}, {row}: {detail}", self.sheet));
        let refused = |detail| refused_as(ErrorCode::InvalidSheet, detail);
        let (first, last) = match cells {
            [(first, _), .., (last, _)] => (*first, *last),
            [(only, _)] => (*only, *only),
            [] => (0, 0),
        };
        if offset(first, last) >= COLUMNS_MAX {
            return Err(refused(format!("there are more than {COLUMNS_MAX} columns")));
        }
        let mut names = vec![String::new(); offset(first, last) + 1];
        for (column, cell) in cells {
            if let Some(error) = cell::error(cell) {
                let place = letters(offset(0, *column));
                return Err(refused(format!("the name of column {place} is the error {error}")));
            }
            names[offset(first, *column)] = cell::text(cell);
        }
        let place = |index| letters(offset(0, first) + index);
        let columns = columns::of(&names, &self.texts, place).map_err(refused)?;
        columns::check_keys(&columns, &row, place)
            .map_err(|detail| refused_as(ErrorCode::InvalidKey, detail))?;
        let advice = columns::title_advice(&columns, &row);
        Ok(Head { first, columns, advice })
    }

    /// Adds the record of a row, whose number counts from 1.
    fn add(&mut self, row: u32, head: &Head, cells: &[(u32, Data)]) -> Result<(), ApiError> {
        let mut cells_left = cells.iter().peekable();
        while let Some((column, _)) = cells_left.next_if(|(column, _)| *column < head.first) {
            self.fault_unnamed(*column, head);
        }
        self.json.clear();
        self.json.push('{');
        for (column, kind) in (head.first..).zip(&head.columns) {
            let cell = cells_left.next_if(|(at, _)| *at == column).map(|(_, cell)| cell);
            match (kind, cell) {
                (Column::Comment, _) | (Column::Unnamed | Column::Field { is_reserved: true, .. }, None) => {}
                (Column::Unnamed, Some(_)) => self.fault_unnamed(column, head),
                (Column::Field { key, label, is_text, .. }, cell) => {
                    if self.json.len() > 1 {
                        self.json.push(',');
                    }
                    self.json.push_str(label);
                    let cell = cell.unwrap_or(&Data::Empty);
                    if let Err(fault) = cell::push(&mut self.json, cell, *is_text) {
                        let code = ErrorCode::CellError;
                        self.gathering.fault(&pointer(key), code, &fault, || fault.clone());
                        push_text(&mut self.json, &cell::text(cell).replace('\0', "\u{fffd}"));
                    }
                }
            }
        }
        for (column, _) in cells_left {
            self.fault_unnamed(*column, head);
        }
        self.json.push('}');
        self.gathering.add(row, &self.json)
    }

    fn fault_unnamed(&mut self, column: u32, head: &Head) {
        let letters = letters(offset(0, column));
        let name = format!("column {letters}");
        let message = || {
            format!("there is a value in column {letters}, which has no name in the first row{}", head.advice)
        };
        self.gathering.fault(&pointer(&name), ErrorCode::CellError, "", message);
        self.unnamed.insert(name, letters);
    }

    /// The records.
    pub(super) fn finish(self) -> Result<Decoded, ApiError> {
        let Self { sheet, head, gathering, unnamed, .. } = self;
        let Some(head) = head else {
            let message = format!(
                "Sheet {sheet:?} is empty. Expected the names of the columns in the first row that is not."
            );
            return Err(ApiError::new(ErrorCode::InvalidSheet, message));
        };
        let named = (offset(0, head.first)..).zip(head.columns);
        let columns: BTreeMap<String, String> = named
            .filter_map(|(index, column)| match column {
                Column::Field { key, .. } => Some((key, letters(index))),
                Column::Comment | Column::Unnamed => None,
            })
            .chain(unnamed)
            .collect();
        gathering.finish(ErrorCode::InvalidRecords, |rows| Origin::Sheet { sheet, rows, columns })
    }
}

fn is_remark(cell: &Data) -> bool {
    matches!(cell, Data::String(text) if text.starts_with('#')) && cell::error(cell).is_none()
}

fn is_empty(cell: &Data) -> bool {
    match cell {
        Data::Empty => true,
        Data::String(text) => text.is_empty(),
        _ => false,
    }
}

/// How far a column is from another one on its left.
fn offset(first: u32, column: u32) -> usize {
    usize::try_from(column.saturating_sub(first)).expect("a column's number fits")
}

/// RFC 6901: in a pointer `~` is written `~0` and `/` is written `~1`.
fn pointer(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests;
