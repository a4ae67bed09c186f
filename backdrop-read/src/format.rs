//! Forms of an answer: from rows to the bytes of a body.
//!
//! Writing a hundred thousand rows keeps a core busy for seconds. So [`render`] is called on a thread that
//! may be kept busy, never on one that serves other requests.
//!
//! **Invariant.** The same rows in the same form are the same bytes: the strong `ETag` rests on it.

mod csv;
mod json;
mod ndjson;
mod table;
mod xlsx;

use crate::answers::Rows;
use backdrop_core::error::ApiError;
use backdrop_core::query::Format;
use table::Table;

/// What an answer says besides its rows. Only JSON has a place for it.
pub type Warning = &'static str;

/// The body of an answer.
///
/// # Errors
/// [`ErrorCode::InvalidQuery`](backdrop_core::error::ErrorCode::InvalidQuery) if the form cannot hold these
/// rows, saying which one can.
pub fn render(format: Format, rows: &Rows, warning: Option<Warning>) -> Result<Vec<u8>, ApiError> {
    match format {
        Format::Json => Ok(json::render(rows, warning)),
        Format::Ndjson => Ok(ndjson::render(rows)),
        Format::Csv => csv::render(&Table::of(rows, format)?),
        Format::Xlsx => xlsx::render(&Table::of(rows, format)?),
    }
}

/// The media type without parameters, as `Accept` names it.
pub const fn media_type(format: Format) -> &'static str {
    match format {
        Format::Json => "application/json",
        Format::Csv => "text/csv",
        Format::Ndjson => "application/x-ndjson",
        Format::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }
}

/// The media type as answers name it.
pub const fn content_type(format: Format) -> &'static str {
    match format {
        Format::Csv => "text/csv; charset=utf-8",
        Format::Json | Format::Ndjson | Format::Xlsx => media_type(format),
    }
}
