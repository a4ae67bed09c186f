//! CSV (RFC 4180): the first row are the keys; lines that begin with `#`, empty rows and a column named
//! `comment` are skipped. Values have no types, so the schema is asked, and then the text itself.

mod value;

use super::columns::{self, Column};
use super::gathering::{Gathering, NUL, push_text};
use super::{Bounds, Decoded};
use backdrop_core::batch::Handling;
use backdrop_core::error::{ApiError, ErrorCode};
use backdrop_core::origin::Origin;
use backdrop_core::schema::TextFields;
use csv::{ByteRecord, Reader, ReaderBuilder};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// What is said of text in another encoding, which is what spreadsheets write unless told otherwise.
const NOT_UTF_8: &str = "the text is not UTF-8; save the file as \"CSV UTF-8\" and send it again";

/// The records of a body.
pub(super) fn decode(
    body: &[u8],
    texts: &TextFields,
    bounds: Bounds,
    handling: Handling,
) -> Result<Decoded, ApiError> {
    let mut rows = Rows::new(body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body));
    let mut gathering = Gathering::new(bounds, handling).with_room(body.len().saturating_mul(4));
    let Some(head) = rows.next()? else {
        let message = "Expected the names of the columns in the first line, found no line at all.";
        return Err(ApiError::new(ErrorCode::InvalidCsv, message));
    };
    let columns = head_of(&head, texts)
        .map_err(|detail| ApiError::new(ErrorCode::InvalidCsv, format!("line {}: {detail}", head.line)))?;
    let mut json = String::new();
    while let Some(row) = rows.next()? {
        if row.fields.iter().all(<[u8]>::is_empty) {
            continue;
        }
        json.clear();
        match row_as_json(&row, &columns, &mut json) {
            Ok(()) => gathering.add(row.line, &json)?,
            Err(fault) => {
                gathering.fault("", ErrorCode::InvalidCsv, &fault, || fault.clone());
                // What can be kept of it: a text, which never passes for a record.
                json.clear();
                push_text(
                    &mut json,
                    &String::from_utf8_lossy(row.raw.trim_ascii_end()).replace('\0', "\u{fffd}"),
                );
                gathering.add(row.line, &json)?;
            }
        }
    }
    gathering.finish(ErrorCode::InvalidCsv, |lines| Origin::Lines { lines })
}

fn head_of(head: &Row<'_>, texts: &TextFields) -> Result<Vec<Column>, String> {
    let names: Result<Vec<&str>, _> = head.fields.iter().map(std::str::from_utf8).collect();
    let names = names.map_err(|_| NOT_UTF_8.to_owned())?;
    if let [name] = names.as_slice()
        && let Some(other) = [';', '\t'].into_iter().find(|other| name.contains(*other))
    {
        return Err(format!("the fields are divided by {other:?}; save the file with commas between them"));
    }
    columns::of(&names, texts, |index| (index + 1).to_string())
}

/// A row as a JSON object; or what is wrong with it.
fn row_as_json(row: &Row<'_>, columns: &[Column], json: &mut String) -> Result<(), String> {
    let (found, expected) = (row.fields.len(), columns.len());
    let quoted = value::quoted(row.raw)
        .ok_or("a quote that is opened is never closed; write a quote within a field twice".to_owned())?;
    if found != expected {
        return Err(format!(
            "the first line has {expected} fields, this one {found}; quote fields with commas"
        ));
    }
    json.push('{');
    for (index, (column, field)) in columns.iter().zip(row.fields.iter()).enumerate() {
        let text = std::str::from_utf8(field).map_err(|_| NOT_UTF_8.to_owned())?;
        match column {
            Column::Comment => {}
            Column::Unnamed if text.is_empty() => {}
            Column::Unnamed => {
                return Err(format!("there is a value in column {}, which has no name", index + 1));
            }
            Column::Field { key, .. } if text.contains('\0') => return Err(format!("{key}: {NUL}")),
            Column::Field { label, is_text, .. } => {
                if json.len() > 1 {
                    json.push(',');
                }
                json.push_str(label);
                let is_quoted = quoted.get(index).copied().unwrap_or_default();
                value::push(json, text, *is_text || is_quoted);
            }
        }
    }
    json.push('}');
    Ok(())
}

/// A row and where it stands.
struct Row<'b> {
    fields: ByteRecord,
    /// Its bytes as they came, quotes and the end of the line included.
    raw: &'b [u8],
    line: u32,
}

struct Rows<'b> {
    body: &'b [u8],
    reader: Reader<&'b [u8]>,
}

impl<'b> Rows<'b> {
    fn new(body: &'b [u8]) -> Self {
        let reader =
            ReaderBuilder::new().has_headers(false).flexible(true).comment(Some(b'#')).from_reader(body);
        Self { body, reader }
    }

    fn next(&mut self) -> Result<Option<Row<'b>>, ApiError> {
        let before = self.reader.position().clone();
        let mut fields = ByteRecord::new();
        let is_there = self.reader.read_byte_record(&mut fields).map_err(|error| {
            ApiError::new(ErrorCode::InvalidCsv, format!("The body cannot be read as CSV: {error}"))
        })?;
        if !is_there {
            return Ok(None);
        }
        let place = |byte: u64| usize::try_from(byte).unwrap_or(usize::MAX).min(self.body.len());
        let skipped = &self.body[place(before.byte())..place(self.reader.position().byte())];
        let (lines, raw) = after_skipped(skipped);
        let line = u32::try_from(before.line()).unwrap_or(u32::MAX).saturating_add(lines);
        Ok(Some(Row { fields, raw, line }))
    }
}

/// The reader skips empty lines and comments before a row without a word: how many they are, and the rest.
fn after_skipped(mut bytes: &[u8]) -> (u32, &[u8]) {
    let mut lines = 0;
    loop {
        match bytes {
            [b'\n', rest @ ..] => {
                lines += 1;
                bytes = rest;
            }
            [b'\r', rest @ ..] => bytes = rest,
            [b'#', rest @ ..] => {
                let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                bytes = &rest[end..];
            }
            _ => return (lines, bytes),
        }
    }
}

#[cfg(test)]
mod tests;
