//! The rows of a CSV body, one at a time, each within bounds: a row of ten million empty fields, or of one huge
//! one, must not take many times the memory of the body.

use crate::formats::columns::COLUMNS_MAX;
use backdrop_core::error::{ApiError, ErrorCode};
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// The longest row without its quotes: thirty full cells of a spreadsheet.
const ROW_BYTES_MAX: usize = 1 << 20;

/// A row and where it stands.
pub(super) struct Row<'r, 'b> {
    text: &'r [u8],
    /// Where each field ends in the text.
    ends: &'r [usize],
    /// Its bytes as they came, quotes and the end of the line included.
    pub(super) raw: &'b [u8],
    pub(super) line: u32,
}

impl<'r> Row<'r, '_> {
    pub(super) fn fields(&self) -> impl ExactSizeIterator<Item = &'r [u8]> {
        let (text, ends) = (self.text, self.ends);
        (0..ends.len()).map(move |index| {
            let start = index.checked_sub(1).map_or(0, |before| ends[before]);
            &text[start..ends[index]]
        })
    }
}

/// What is left of a body.
pub(super) struct Rows<'b> {
    rest: &'b [u8],
    reader: Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    line: u32,
}

impl<'b> Rows<'b> {
    pub(super) fn new(body: &'b [u8]) -> Self {
        Self {
            rest: body,
            reader: ReaderBuilder::new().comment(Some(b'#')).build(),
            text: vec![0; ROW_BYTES_MAX],
            // One more than allowed, so that it is seen that there are more.
            ends: vec![0; COLUMNS_MAX + 1],
            line: 1,
        }
    }

    pub(super) fn next(&mut self) -> Result<Option<Row<'_, 'b>>, ApiError> {
        self.skip();
        let (begin, line) = (self.rest, self.line);
        let (mut text, mut ends) = (0, 0);
        loop {
            let (result, read, written, ended) =
                self.reader.read_record(self.rest, &mut self.text[text..], &mut self.ends[ends..]);
            self.rest = &self.rest[read..];
            (text, ends) = (text + written, ends + ended);
            match result {
                // Asked once more, it takes the end of the body for the end of the row.
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => {
                    return Err(too_large(line, &format!("is longer than {ROW_BYTES_MAX} bytes")));
                }
                ReadRecordResult::OutputEndsFull => {
                    return Err(too_large(line, &format!("has more than {COLUMNS_MAX} fields")));
                }
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return Ok(None),
            }
        }
        let raw = &begin[..begin.len() - self.rest.len()];
        self.line = self.line.saturating_add(lines_of(raw));
        Ok(Some(Row { text: &self.text[..text], ends: &self.ends[..ends], raw, line }))
    }

    /// Skips empty lines and comments, as the reader would without telling how many they are.
    fn skip(&mut self) {
        loop {
            match self.rest {
                [b'\n', rest @ ..] => {
                    self.line = self.line.saturating_add(1);
                    self.rest = rest;
                }
                [b'\r', rest @ ..] => self.rest = rest,
                [b'#', rest @ ..] => {
                    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                    self.rest = &rest[end..];
                }
                _ => return,
            }
        }
    }
}

fn lines_of(raw: &[u8]) -> u32 {
    u32::try_from(raw.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(u32::MAX)
}

fn too_large(line: u32, detail: &str) -> ApiError {
    let message =
        format!("line {line}: the row that begins here {detail}. Is there a quote that is not closed?");
    ApiError::new(ErrorCode::InvalidCsv, message)
}
