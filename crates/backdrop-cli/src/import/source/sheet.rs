//! One sheet of a workbook: the first row that is not empty are the keys, each other row is a record.
//!
//! XLSX is read row by row; the texts that its cells share are in memory. XLS and ODS, whose sheets cannot be large, are in memory as a
//! whole.

use super::cell::{is_empty, json_of_cell};
use super::columns::{Columns, letters};
use super::{Extent, Layout, Reading, Record, Take};
use anyhow::{Context, anyhow, bail};
use calamine::{Data, Range, Reader, Sheets, Xlsx, open_workbook_auto};
use std::borrow::Cow;
use std::fs::File;
use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::Ordering;

/// A sheet whose first row was read.
pub(crate) struct SheetSource {
    book: Book,
    name: String,
    header: Header,
    extent: Extent,
}

enum Book {
    Xlsx(Box<Xlsx<BufReader<File>>>),
    Read(Range<Data>),
}

/// The row with the keys.
struct Header {
    /// Its number, counted from 0.
    row: u32,
    /// The column of the first key, counted from 0.
    first: u32,
    columns: Columns,
}

/// The cells of a row that are not empty, each with its column.
type Cells = Vec<(u32, Data)>;

impl SheetSource {
    /// Opens a workbook and reads the keys of a sheet.
    pub(super) fn open(path: &Path, reading: &Reading) -> anyhow::Result<Self> {
        let sheets = open_workbook_auto(path).context("it cannot be read as XLSX, XLS or ODS")?;
        let names = sheets.sheet_names();
        let name = match &reading.sheet {
            Some(wanted) if names.contains(wanted) => wanted.clone(),
            Some(wanted) => bail!("it has no sheet {wanted:?}, but {}", names.join(", ")),
            None => names.first().context("it has no sheet")?.clone(),
        };
        let (mut book, size) = Book::of(sheets, &name)?;
        let header = header(&mut book, &name, reading)?;
        Ok(Self { book, name, header, extent: Extent { size, ..Extent::default() } })
    }

    /// How many rows have been read.
    pub(super) fn extent(&self) -> Extent {
        self.extent.clone()
    }

    /// The sheet and the columns of its fields.
    pub(super) fn layout(&self) -> Layout {
        let places = self.header.columns.places().into_iter();
        let columns = places.map(|(field, place)| (field, letters(self.header.first as usize + place)));
        Layout::Sheet { sheet: self.name.clone(), columns: columns.collect() }
    }

    /// Hands each record to `take`, in order.
    pub(super) fn records(self, take: &mut impl Take) -> anyhow::Result<()> {
        let Self { mut book, name, header, extent } = self;
        book.rows(&name, &mut |row, cells| {
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
            let Some((_, cell)) = cells.iter().find(|(place, _)| *place as usize == column) else {
                return Ok(Cow::Borrowed("null"));
            };
            json_of_cell(cell, is_text).map_err(|error| {
                anyhow!(
                    "{} holds the error {error}; correct its formula, or clear it",
                    address(sheet, row, column)
                )
            })
        })?;
        record.map_err(|index| nameless(sheet, row, self.first as usize + index))
    }
}

fn nameless(sheet: &str, row: u32, column: usize) -> anyhow::Error {
    let cell = address(sheet, row, column);
    anyhow!("{cell} holds something, and its column has no name; name it `comment` to leave it out")
}

fn address(sheet: &str, row: u32, column: usize) -> String {
    format!("{sheet}!{}{}", letters(column), row + 1)
}

fn is_comment(cells: &Cells, first: u32) -> bool {
    let begins = |cell: &Data| matches!(cell, Data::String(text) if text.starts_with('#'));
    cells.iter().any(|(column, cell)| *column == first && begins(cell))
}

/// Finds the row with the keys.
fn header(book: &mut Book, name: &str, reading: &Reading) -> anyhow::Result<Header> {
    let mut found = None;
    book.rows(name, &mut |row, cells| {
        let first = cells.first().map_or(0, |(column, _)| *column);
        if is_comment(&cells, first) {
            return Ok(ControlFlow::Continue(()));
        }
        found = Some((row, first, cells));
        Ok(ControlFlow::Break(()))
    })?;
    let (row, first, cells) = found.with_context(|| format!("there is nothing in the sheet {name:?}"))?;
    let last = cells.last().map_or(first, |(column, _)| *column);
    let text = |column: u32| {
        let cell = cells.iter().find(|(place, _)| *place == column);
        cell.map(|(_, cell)| cell.to_string().trim().to_owned()).unwrap_or_default()
    };
    let names = (first..=last).map(text).collect();
    let columns = Columns::new(names, &reading.texts).with_context(|| format!("{name}, row {}", row + 1))?;
    Ok(Header { row, first, columns })
}

impl Book {
    /// The sheet of that name, and how many rows it has, if that is known.
    fn of(sheets: Sheets<BufReader<File>>, name: &str) -> anyhow::Result<(Self, Option<u64>)> {
        match sheets {
            Sheets::Xlsx(mut book) => {
                let end = book.worksheet_cells_reader(name)?.dimensions().end.0;
                Ok((Self::Xlsx(Box::new(book)), (end > 0).then_some(u64::from(end) + 1)))
            }
            mut other => {
                let range = other.worksheet_range(name)?;
                let size = range.end().map(|(row, _)| u64::from(row) + 1);
                Ok((Self::Read(range), size))
            }
        }
    }

    /// Hands on each row that is not empty, counted from 0, until told to stop.
    fn rows(
        &mut self,
        name: &str,
        take: &mut dyn FnMut(u32, Cells) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Xlsx(book) => {
                let mut reader = book.worksheet_cells_reader(name)?;
                let (mut row, mut cells) = (0, Cells::new());
                while let Some(cell) = reader.next_cell()? {
                    let (at, column) = cell.get_position();
                    if at != row {
                        if !cells.is_empty() && take(row, std::mem::take(&mut cells))?.is_break() {
                            return Ok(());
                        }
                        row = at;
                    }
                    let data = Data::from(cell.get_value().clone());
                    if !is_empty(&data) {
                        cells.push((column, data));
                    }
                }
                if !cells.is_empty() {
                    let _ = take(row, cells)?;
                }
            }
            Self::Read(range) => {
                let (first_row, first_column) = range.start().unwrap_or_default();
                for (row, cells) in (first_row..).zip(range.rows()) {
                    let cells = (first_column..).zip(cells).filter(|(_, cell)| !is_empty(cell));
                    let cells: Cells = cells.map(|(column, cell)| (column, cell.clone())).collect();
                    if !cells.is_empty() && take(row, cells)?.is_break() {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }
}
