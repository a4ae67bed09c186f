//! Opening a workbook, whatever its format, and walking over the rows of one sheet.
//!
//! XLSX is read cell by cell. The readers of XLS and ODS hold a sheet as a dense table; how large that may become
//! is the business of the limits of this process.

use super::table::Table;
use super::{archive, cell};
use crate::formats::{Decoded, Reading};
use backdrop_core::error::{ApiError, ErrorCode};
use calamine::{Data, Ods, Range, Reader, Sheet, SheetType, SheetVisible, Xls, Xlsx};
use std::fmt::Display;
use std::io::Cursor;

/// How a file of the older Microsoft formats begins; also an XLSX that is protected by a password.
const COMPOUND_FILE: &[u8] = b"\xd0\xcf\x11\xe0";
/// How a zip begins, which XLSX and ODS are.
const ZIP: &[u8] = b"PK\x03\x04";
/// How many names of sheets are told to somebody who asked for another one.
const NAMES_TOLD_MAX: usize = 20;

/// The records of one sheet.
pub(super) fn decode(workbook: Vec<u8>, reading: &Reading) -> Result<Decoded, ApiError> {
    if workbook.starts_with(COMPOUND_FILE) {
        let mut xls = Xls::new(Cursor::new(workbook)).map_err(|error| unreadable(&error))?;
        let name = choose(xls.sheets_metadata(), reading)?;
        let range = xls.worksheet_range(&name).map_err(|error| unreadable(&error))?;
        return of_range(name, &range, reading);
    }
    if !workbook.starts_with(ZIP) {
        return Err(refused("The file is not a spreadsheet: send XLSX, XLS or ODS."));
    }
    if archive::is_ods(&workbook) {
        let mut ods = Ods::new(Cursor::new(workbook)).map_err(|error| unreadable(&error))?;
        let name = choose(ods.sheets_metadata(), reading)?;
        let range = ods.worksheet_range(&name).map_err(|error| unreadable(&error))?;
        return of_range(name, &range, reading);
    }
    of_xlsx(workbook, reading)
}

fn of_xlsx(workbook: Vec<u8>, reading: &Reading) -> Result<Decoded, ApiError> {
    let mut xlsx = Xlsx::new(Cursor::new(workbook)).map_err(|error| unreadable(&error))?;
    let name = choose(xlsx.sheets_metadata(), reading)?;
    let mut cells = xlsx.worksheet_cells_reader(&name).map_err(|error| unreadable(&error))?;
    let mut table = Table::new(name.clone(), reading);
    let mut row: Vec<(u32, Data)> = Vec::new();
    let mut at = 0;
    while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(|error| unreadable(&error))? {
        let (number, column) = cell.pos;
        if number != at {
            if number < at {
                return Err(refused("The spreadsheet cannot be read: its rows are not in order."));
            }
            table.row(at, std::mem::take(&mut row))?;
            at = number;
        }
        row.push((
            column,
            match Data::from(cell.value) {
                // Programs that write formulas and do not compute them leave the value out.
                Data::Empty if cell.formula.is_some() => cell::NOT_COMPUTED,
                value => value,
            },
        ));
    }
    table.row(at, row)?;
    table.finish()
}

fn of_range(name: String, range: &Range<Data>, reading: &Reading) -> Result<Decoded, ApiError> {
    let mut table = Table::new(name, reading);
    let (first_row, first_column) = range.start().unwrap_or_default();
    for (number, cells) in (first_row..).zip(range.rows()) {
        let cells = (first_column..).zip(cells).filter(|(_, cell)| **cell != Data::Empty);
        table.row(number, cells.map(|(column, cell)| (column, cell.clone())).collect())?;
    }
    table.finish()
}

/// The name of the sheet that is asked for, or of the first one that holds cells and can be seen.
fn choose(sheets: &[Sheet], reading: &Reading) -> Result<String, ApiError> {
    let mut tables = sheets.iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let chosen = match &reading.sheet {
        Some(name) => tables.clone().find(|sheet| sheet.name == *name),
        None => tables.find(|sheet| sheet.visible == SheetVisible::Visible),
    };
    let known = || {
        let names = sheets.iter().take(NAMES_TOLD_MAX).map(|sheet| format!("{:?}", sheet.name));
        names.collect::<Vec<_>>().join(", ")
    };
    chosen.map(|sheet| sheet.name.clone()).ok_or_else(|| {
        refused(match &reading.sheet {
            Some(name) => format!("There is no sheet {name:?} in the workbook. It has: {}.", known()),
            None => "There is no sheet in the workbook that is not hidden.".to_owned(),
        })
    })
}

fn unreadable(error: &dyn Display) -> ApiError {
    refused(format!(
        "The spreadsheet cannot be read: {error}. Open it and save it anew as XLSX, without a password; or save the \
         sheet as CSV UTF-8 and send that."
    ))
}

fn refused(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidSheet, message)
}

#[cfg(test)]
mod tests;
