//! XLSX: one sheet of typed cells.
//!
//! **Invariant.** Texts are written as texts, whatever they look like: never as formulas, never as links.
//!
//! **Invariant.** Integers and times that a spreadsheet would change silently are texts: it keeps 15 digits of
//! a number, and does not agree with others on times before March 1900.

mod sheet;
mod time;

use super::table::Table;
use backdrop_core::error::{ApiError, ErrorCode};
use backdrop_core::shape::TableCell;
use sheet::Sheet;

/// How many columns a sheet has room for. (It has room for ten times as many rows as an answer has.)
const COLUMNS_MAX: usize = 16_384;
/// How many characters a cell has room for; what is beyond the basic plane counts twice.
const CHARACTERS_MAX: usize = 32_767;
/// How many cells that are not empty a sheet may have. All of them are in memory until the last one is
/// written, and take about 300 bytes each. (The library could put them into a temporary file instead, but
/// the service runs where there is none: its containers are read-only.)
const CELLS_MAX: usize = 1_000_000;
/// How many digits of a whole number a spreadsheet keeps.
const DIGITS_MAX: usize = 15;

/// The columns whose values are times.
const TIME_COLUMNS: [&str; 4] = ["_timestamp", "_start_at", "_end_at", "_updated_at"];

pub(super) fn render(table: &Table<'_>) -> Result<Vec<u8>, ApiError> {
    let columns = table.columns();
    if columns.len() > COLUMNS_MAX {
        let count = columns.len();
        return Err(refused(&format!(
            "a sheet has at most {COLUMNS_MAX} columns, and these rows have {count} different keys"
        )));
    }
    if table.value_count() > CELLS_MAX {
        let count = table.value_count();
        return Err(refused(&format!(
            "a sheet is made of at most {CELLS_MAX} values, and these rows have {count}"
        )));
    }
    let are_times: Vec<bool> = columns.iter().map(|name| TIME_COLUMNS.contains(&name.as_str())).collect();
    let mut sheet = Sheet::new(columns)?;
    for cells in table.rows() {
        sheet.begin_row();
        for ((cell, name), is_time) in cells.iter().zip(columns).zip(&are_times) {
            check_length(cell, name)?;
            sheet.push(if *is_time { typed_time(cell) } else { typed(cell) })?;
        }
    }
    sheet.finish()
}

/// A cell of a sheet.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Typed<'c> {
    Empty,
    Boolean(bool),
    Number(f64),
    /// Days since the beginning of 1900, as spreadsheets count them.
    Time(f64),
    Text(&'c str),
}

fn typed<'c>(cell: &'c TableCell<'_>) -> Typed<'c> {
    match cell {
        TableCell::Empty => Typed::Empty,
        TableCell::Boolean(boolean) => Typed::Boolean(*boolean),
        TableCell::Number(text) => typed_number(text),
        TableCell::Text(text) | TableCell::Nested(text) => Typed::Text(text),
    }
}

fn typed_number(text: &str) -> Typed<'_> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_whole = digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_whole && digits.len() > DIGITS_MAX {
        return Typed::Text(text);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Typed::Number(number),
        _ => Typed::Text(text),
    }
}

fn typed_time<'c>(cell: &'c TableCell<'_>) -> Typed<'c> {
    match cell {
        TableCell::Text(text) => time::serial(text).map_or(Typed::Text(text), Typed::Time),
        other => typed(other),
    }
}

fn check_length(cell: &TableCell<'_>, column: &str) -> Result<(), ApiError> {
    let (TableCell::Text(text) | TableCell::Nested(text) | TableCell::Number(text)) = cell else {
        return Ok(());
    };
    // A text has at least as many bytes as characters, so only a long one has to be counted.
    if text.len() <= CHARACTERS_MAX || text.encode_utf16().count() <= CHARACTERS_MAX {
        return Ok(());
    }
    Err(refused(&format!(
        "a cell holds at most {CHARACTERS_MAX} characters, and there is a longer text in the column {column:?}"
    )))
}

fn refused(what: &str) -> ApiError {
    let message = format!("format=xlsx: {what}; ask for format=csv, which has no such bound");
    ApiError::new(ErrorCode::InvalidQuery, message)
}

#[cfg(test)]
mod tests;
