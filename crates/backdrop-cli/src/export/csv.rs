//! CSV as the query service writes it: RFC 4180, UTF-8 without byte order mark, no formulas.

use super::columns::Columns;
use super::records::Records;
use anyhow::Context;
use backdrop_core::shape::TableCell;
use csv::{ByteRecord, Terminator, WriterBuilder};
use std::io::Write;

/// Writes the records as a table with these columns.
pub(super) fn write(records: &mut Records<'_>, columns: &Columns, file: impl Write) -> anyhow::Result<()> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(file);
    if columns.names().next().is_some() {
        writer.write_record(columns.names())?;
    }
    let mut line = ByteRecord::new();
    records.each(|fields| {
        line.clear();
        for name in columns.names() {
            let cell = fields.get(name).map_or(TableCell::Empty, |value| TableCell::of_json(value.get()));
            line.push_field(cell.csv_field().as_bytes());
        }
        writer.write_byte_record(&line).context("cannot write a row")
    })?;
    writer.flush().context("cannot write the rows")
}
