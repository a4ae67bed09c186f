//! One sheet of a workbook: the first row that is not empty are the keys, each other row is a record.

use super::book::{Book, Cells};
use super::cell::{json_of_cell, name_of};
use super::columns::{Columns, letters};
use super::{Extent, Layout, Reading, Record, Take};
use anyhow::{Context, anyhow};
use calamine::Data;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::Ordering;

/// A sheet whose first row was read.
pub(crate) struct SheetSource {
    book: Book,
    header: Header,
    extent: Extent,
}

/// The row with the keys.
struct Header {
    /// Its number, counted from 0.
    row: u32,
    /// The column of the first key, counted from 0.
    first: u32,
    columns: Columns,
}

impl SheetSource {
    /// Opens a workbook and reads the keys of a sheet.
    pub(super) fn open(path: &Path, reading: &Reading) -> anyhow::Result<Self> {
        let mut book = Book::open(path, reading.sheet.as_deref())?;
        let header = header(&mut book, reading)?;
        let extent = Extent { size: book.size(), ..Extent::default() };
        Ok(Self { book, header, extent })
    }

    /// How many rows have been read.
    pub(super) fn extent(&self) -> Extent {
        self.extent.clone()
    }

    /// The name of the sheet.
    pub(super) fn sheet(&self) -> &str {
        self.book.name()
    }

    /// Its fields whose values are texts.
    pub(super) fn texts(&self) -> BTreeSet<String> {
        self.header.columns.texts()
    }

    /// The sheet and the columns of its fields.
    pub(super) fn layout(&self) -> Layout {
        let places = self.header.columns.places().into_iter();
        let columns = places.map(|(field, place)| (field, letters(self.header.first as usize + place)));
        Layout::Sheet { sheet: self.book.name().to_owned(), columns: columns.collect() }
    }

    /// Hands each record to `take`, in order.
    pub(super) fn records(self, take: &mut impl Take) -> anyhow::Result<()> {
        let Self { mut book, header, extent } = self;
        let name = book.name().to_owned();
        book.rows(&mut |row, cells| {
            extent.position.store(u64::from(row) + 1, Ordering::Relaxed);
            if row > header.row && !is_comment(&cells, header.first) {
                take(Record { json: header.record(&name, row, &cells)?, line: row + 1 })?;
            }
            Ok(ControlFlow::Continue(()))
        })
    }
}

impl Header {
    /// The record of a row.
    fn record(&self, sheet: &str, row: u32, cells: &Cells) -> anyhow::Result<String> {
        let end = self.first as usize + self.columns.len();
        let is_outside = |column: &u32| *column < self.first || *column as usize >= end;
        if let Some((column, _)) = cells.iter().find(|(column, _)| is_outside(column)) {
            return Err(nameless(sheet, row, *column as usize));
        }
        let record = self.columns.record(|index, is_text| {
            let column = self.first as usize + index;
            let Ok(at) = cells.binary_search_by_key(&column, |(place, _)| *place as usize) else {
                return Ok(Cow::Borrowed("null"));
            };
            let (_, cell) = &cells[at];
            json_of_cell(cell, is_text).map_err(|held| no_value(sheet, row, column, &held))
        })?;
        record.map_err(|index| nameless(sheet, row, self.first as usize + index))
    }
}

fn no_value(sheet: &str, row: u32, column: usize, held: &str) -> anyhow::Error {
    let cell = address(sheet, row, column);
    anyhow!("{cell} holds {held}; correct its formula, or clear it")
}

fn nameless(sheet: &str, row: u32, column: usize) -> anyhow::Error {
    let cell = address(sheet, row, column);
    anyhow!("{cell} holds something, and its column has no name; name it `comment` to leave it out")
}

fn address(sheet: &str, row: u32, column: usize) -> String {
    format!("{sheet}!{}{}", letters(column), row + 1)
}

/// Whether a row is for people: its first cell begins with `#`, and not because it holds an error such as `#REF!`.
fn is_comment(cells: &Cells, first: u32) -> bool {
    let begins = |cell: &Data| matches!(cell, Data::String(text) if text.starts_with('#'));
    cells.iter().any(|(column, cell)| *column == first && begins(cell) && json_of_cell(cell, true).is_ok())
}

/// Finds the row with the keys.
fn header(book: &mut Book, reading: &Reading) -> anyhow::Result<Header> {
    let mut found = None;
    book.rows(&mut |row, cells| {
        let first = cells.first().map_or(0, |(column, _)| *column);
        if is_comment(&cells, first) {
            return Ok(ControlFlow::Continue(()));
        }
        found = Some((row, first, cells));
        Ok(ControlFlow::Break(()))
    })?;
    let name = book.name();
    let (row, first, cells) = found.with_context(|| format!("there is nothing in the sheet {name:?}"))?;
    let last = cells.last().map_or(first, |(column, _)| *column);
    let text = |column: u32| match cells.binary_search_by_key(&column, |(place, _)| *place) {
        Ok(at) => name_of(&cells[at].1).map_err(|held| no_value(name, row, column as usize, &held)),
        Err(_) => Ok(String::new()),
    };
    let names = (first..=last).map(text).collect::<anyhow::Result<_>>()?;
    let columns = Columns::new(names, &reading.texts).with_context(|| format!("{name}, row {}", row + 1))?;
    Ok(Header { row, first, columns })
}
