//! Writing a sheet: the header above, then cell by cell.

use super::Typed;
use crate::fault;
use backdrop_core::error::ApiError;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

const TIME_FORMAT: &str = "yyyy-mm-dd hh:mm:ss";
/// The widths of columns, in characters: wide enough to read a number, narrow enough to see the next one.
const WIDTH_MIN: u16 = 8;
const WIDTH_MAX: u16 = 50;
/// The width of a time in [`TIME_FORMAT`].
const TIME_WIDTH: u16 = 19;

/// A sheet that is being written, row by row and cell by cell.
pub(super) struct Sheet {
    sheet: Worksheet,
    time_format: Format,
    row: u32,
    column: u16,
    widths: Vec<u16>,
}

impl Sheet {
    /// A sheet with these names in its first row, which stays in view.
    pub(super) fn new(columns: &[String]) -> Result<Self, ApiError> {
        let mut sheet = Worksheet::new();
        let header_format = Format::new().set_bold();
        let write_header = |sheet: &mut Worksheet| {
            sheet.set_name("data")?.set_freeze_panes(1, 0)?;
            for (column, name) in (0..).zip(columns) {
                sheet.write_string_with_format(0, column, name, &header_format)?;
            }
            Ok(())
        };
        write_header(&mut sheet).map_err(fault)?;
        let widths = columns.iter().map(|name| width(name)).collect();
        let time_format = Format::new().set_num_format(TIME_FORMAT);
        Ok(Self { sheet, time_format, row: 0, column: 0, widths })
    }

    /// Goes on to the next row.
    pub(super) const fn begin_row(&mut self) {
        self.row += 1;
        self.column = 0;
    }

    /// Writes the next cell of the row.
    pub(super) fn push(&mut self, cell: Typed<'_>) -> Result<(), ApiError> {
        let (sheet, row, column) = (&mut self.sheet, self.row, self.column);
        let (written, width) = match cell {
            Typed::Empty => (Ok(sheet), 0),
            Typed::Boolean(boolean) => (sheet.write_boolean(row, column, boolean), 0),
            Typed::Number(number) => (sheet.write_number(row, column, number), 0),
            Typed::Time(days) => {
                (sheet.write_number_with_format(row, column, days, &self.time_format), TIME_WIDTH)
            }
            Typed::Text(text) => (sheet.write_string(row, column, text), width(text)),
        };
        written.map_err(fault)?;
        let widest = &mut self.widths[usize::from(column)];
        *widest = width.max(*widest);
        self.column += 1;
        Ok(())
    }

    /// The bytes of a file that holds the sheet.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, ApiError> {
        let mut write = || {
            for (column, width) in (0..).zip(&self.widths) {
                self.sheet.set_column_width(column, width.saturating_add(2).clamp(WIDTH_MIN, WIDTH_MAX))?;
            }
            let mut workbook = Workbook::new();
            // Not when it was made: the same rows have to be the same bytes.
            let made = ExcelDateTime::from_ymd(2000, 1, 1)?;
            workbook.set_properties(&DocProperties::new().set_creation_datetime(&made));
            workbook.push_worksheet(std::mem::take(&mut self.sheet));
            workbook.save_to_buffer()
        };
        write().map_err(fault)
    }
}

/// How wide a text is shown; beyond the greatest width nobody has to know.
fn width(text: &str) -> u16 {
    (0..WIDTH_MAX).zip(text.chars()).map(|(index, _)| index + 1).last().unwrap_or(0)
}

/// Whatever a sheet has no room for was refused before, so this is a fault of ours.
fn fault(error: XlsxError) -> ApiError {
    fault::of_rendering(&error)
}
