//! Forms of an answer: from rows to the bytes of a body.
//!
//! **Invariant.** The same rows in the same form are the same bytes: the strong `ETag` rests on it.

mod csv;
mod json;
mod ndjson;
mod table;
mod xlsx;

use crate::answers::Rows;
use crate::fault;
use backdrop_core::error::ApiError;
use backdrop_core::query::Format;
use std::sync::Arc;
use table::Table;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// What an answer says besides its rows. Only JSON has a place for it.
pub type Warning = &'static str;

/// How many sheets are made at the same time. One may take 300 MB, so others wait for their turn.
const SHEETS_AT_ONCE: usize = 1;

/// Makes the bodies of answers, each on a thread that may be kept busy: writing a hundred thousand rows
/// takes a core seconds, in which the threads that serve requests serve others.
#[derive(Debug)]
pub struct Renderer {
    sheets: Arc<Semaphore>,
}

impl Renderer {
    /// One that is idle.
    pub fn new() -> Self {
        Self { sheets: Arc::new(Semaphore::new(SHEETS_AT_ONCE)) }
    }

    /// The body of an answer.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidQuery`](backdrop_core::error::ErrorCode::InvalidQuery) if the form cannot hold
    /// these rows, saying which one can.
    pub async fn render(
        &self,
        format: Format,
        rows: Rows,
        warning: Option<Warning>,
    ) -> Result<Vec<u8>, ApiError> {
        let turn = match format {
            Format::Xlsx => self.sheets.clone().acquire_owned().await.ok(),
            Format::Json | Format::Csv | Format::Ndjson => None,
        };
        // The turn goes along: if the client hangs up, the sheet is made nevertheless.
        let rendered = spawn_blocking(move || {
            let _turn = turn;
            render(format, &rows, warning)
        });
        rendered.await.unwrap_or_else(|error| Err(fault::of_rendering(&error)))
    }
}

impl Default for Renderer {
    fn default() -> Self {
        Self::new()
    }
}

fn render(format: Format, rows: &Rows, warning: Option<Warning>) -> Result<Vec<u8>, ApiError> {
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
