//! One sheet of a workbook, row by row.
//!
//! XLSX is read as a stream; only the texts that its cells share are in memory. XLS and ODS, which the library reads
//! at once, are in memory as a whole.

use super::cell::is_empty;
use anyhow::{Context, bail};
use calamine::{Data, Range, Reader, SheetType, Sheets, Xlsx, open_workbook_auto};
use std::fs::File;
use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::Path;

/// The cells of a row that are not empty, each with its column, counted from 0, in order.
pub(super) type Cells = Vec<(u32, Data)>;

/// A sheet of a workbook.
pub(super) struct Book {
    name: String,
    size: Option<u64>,
    form: Form,
}

enum Form {
    Xlsx(Box<Xlsx<BufReader<File>>>),
    Whole(Range<Data>),
}

impl Book {
    /// Opens a workbook at the sheet of that name, or else at its first.
    pub(super) fn open(path: &Path, sheet: Option<&str>) -> anyhow::Result<Self> {
        let sheets = open_workbook_auto(path).context("it cannot be read as XLSX, XLS or ODS")?;
        // A chart has a sheet of its own, in which there are no rows.
        let tables = sheets.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
        let names: Vec<String> = tables.map(|sheet| sheet.name.clone()).collect();
        let name = match sheet {
            Some(wanted) if names.iter().any(|name| name == wanted) => wanted.to_owned(),
            Some(wanted) => bail!("it has no sheet {wanted:?}, but {}", names.join(", ")),
            None => names.first().context("it has no sheet")?.clone(),
        };
        match sheets {
            Sheets::Xlsx(mut book) => {
                let end = book.worksheet_cells_reader(&name)?.dimensions().end.0;
                let size = (end > 0).then_some(u64::from(end) + 1);
                Ok(Self { name, size, form: Form::Xlsx(Box::new(book)) })
            }
            mut other => {
                let range = other.worksheet_range(&name)?;
                let size = range.end().map(|(row, _)| u64::from(row) + 1);
                Ok(Self { name, size, form: Form::Whole(range) })
            }
        }
    }

    /// The name of the sheet.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// How many rows it has, if that is known.
    pub(super) fn size(&self) -> Option<u64> {
        self.size
    }

    /// Hands on each row that is not empty, counted from 0, until told to stop.
    pub(super) fn rows(
        &mut self,
        take: &mut dyn FnMut(u32, Cells) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<()> {
        match &mut self.form {
            Form::Xlsx(book) => {
                let mut reader = book.worksheet_cells_reader(&self.name)?;
                let (mut row, mut cells) = (0, Cells::new());
                while let Some(cell) = reader.next_cell()? {
                    let (at, column) = cell.get_position();
                    if at < row {
                        bail!("its rows are not in order; open it and save it anew");
                    }
                    if at > row {
                        cells.sort_by_key(|(column, _)| *column);
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
                cells.sort_by_key(|(column, _)| *column);
                if !cells.is_empty() {
                    let _ = take(row, cells)?;
                }
            }
            Form::Whole(range) => {
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
