//! CSV (RFC 4180): the first row are the keys; lines that begin with `#`, empty rows and a column named
//! `comment` are skipped. Values have no types, so the schema is asked, and then the text itself.

mod rows;
mod value;

use super::columns::{self, Column};
use super::gathering::{Gathering, NUL, kept};
use super::{Bounds, Decoded};
use backdrop_core::batch::Handling;
use backdrop_core::error::{ApiError, ErrorCode};
use backdrop_core::origin::Origin;
use backdrop_core::schema::TextFields;
use rows::{Row, Rows};

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
    let head_line = format!("line {}", head.line);
    let refused = |code, detail: String| ApiError::new(code, format!("{head_line}: {detail}"));
    let columns = head_of(&head, texts).map_err(|detail| refused(ErrorCode::InvalidCsv, detail))?;
    columns::check_keys(&columns, &head_line, number)
        .map_err(|detail| refused(ErrorCode::InvalidKey, detail))?;
    let advice = columns::title_advice(&columns, &head_line);
    let mut json = String::new();
    while let Some(row) = rows.next()? {
        if row.fields().all(<[u8]>::is_empty) {
            continue;
        }
        json.clear();
        match row_as_json(&row, &columns, &advice, &mut json) {
            Ok(()) => gathering.add(row.line, &json)?,
            Err(fault) => {
                gathering.fault("", ErrorCode::InvalidCsv, &fault, || fault.clone());
                gathering.add(row.line, &kept(row.raw.trim_ascii_end()))?;
            }
        }
    }
    gathering.finish(ErrorCode::InvalidCsv, |lines| Origin::Lines { lines })
}

fn head_of(head: &Row<'_, '_>, texts: &TextFields) -> Result<Vec<Column>, String> {
    value::quoted(head.raw)?;
    let names: Result<Vec<&str>, _> = head.fields().map(std::str::from_utf8).collect();
    let names = names.map_err(|_| NOT_UTF_8.to_owned())?;
    if let [name] = names.as_slice()
        && let Some(other) = [';', '\t'].into_iter().find(|other| name.contains(*other))
    {
        return Err(format!("the fields are divided by {other:?}; save the file with commas between them"));
    }
    columns::of(&names, texts, number)
}

/// Columns of CSV are counted from 1.
fn number(index: usize) -> String {
    (index + 1).to_string()
}

/// A row as a JSON object; or what is wrong with it. `advice` is for whoever has more values than names.
fn row_as_json(row: &Row<'_, '_>, columns: &[Column], advice: &str, json: &mut String) -> Result<(), String> {
    let (found, expected) = (row.fields().len(), columns.len());
    let quoted = value::quoted(row.raw)?;
    if found != expected {
        return Err(format!(
            "the first line has {expected} fields, this one {found}; quote fields with commas{advice}"
        ));
    }
    json.push('{');
    for (index, (column, field)) in columns.iter().zip(row.fields()).enumerate() {
        let text = std::str::from_utf8(field).map_err(|_| NOT_UTF_8.to_owned())?;
        match column {
            Column::Comment => {}
            Column::Unnamed | Column::Field { is_reserved: true, .. } if text.is_empty() => {}
            Column::Unnamed => {
                return Err(format!(
                    "there is a value in column {}, which has no name{advice}",
                    number(index)
                ));
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

#[cfg(test)]
mod tests;
