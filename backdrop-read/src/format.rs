//! Forms of an answer: from rows to the bytes of a body.
//!
//! **Invariant.** The same rows in the same form are the same bytes: the strong `ETag` rests on it.

mod csv;
mod json;
mod ndjson;
mod table;
mod xlsx;

use crate::answers::Material;
use crate::fault;
use backdrop_core::error::{ApiError, ErrorCode};
use backdrop_core::query::Format;
use std::sync::Arc;
use std::time::Duration;
use table::Table;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// What an answer says besides its rows. Only JSON has a place for it.
pub type Warning = &'static str;

/// How many sheets are made at the same time. One may take 300 MB, so others wait for their turn.
const SHEETS_AT_ONCE: usize = 1;
/// How many other answers are on their way from the store to the client's form at the same time. Most take
/// kilobytes and milliseconds, but each may take 300 MB, too.
const OTHERS_AT_ONCE: usize = 32;
/// Up to how many values an answer is made on the thread of the request: some tenths of a millisecond as JSON. To go to another
/// thread and back takes as long as some thousand.
const VALUES_INLINE_MAX: usize = 10_000;
/// How long a request waits for its turn before it is asked to come back.
const TURN_WITHIN: Duration = Duration::from_secs(10);

/// Makes the bodies of answers, all but small ones on a thread that may be kept busy: writing a hundred thousand rows
/// takes a core seconds, in which the threads that serve requests serve others.
#[derive(Debug)]
pub struct Renderer {
    sheets: Arc<Semaphore>,
    others: Arc<Semaphore>,
}

/// The right to be rendered, which ends with the rendering.
#[derive(Debug)]
pub struct Turn {
    format: Format,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Renderer {
    /// One that is idle.
    pub fn new() -> Self {
        let turns = |count| Arc::new(Semaphore::new(count));
        Self { sheets: turns(SHEETS_AT_ONCE), others: turns(OTHERS_AT_ONCE) }
    }

    /// Waits for the turn of an answer. To be called before the store is asked: who waits should hold nothing.
    ///
    /// # Errors
    /// If the turn does not come within ten seconds.
    pub async fn turn(&self, format: Format) -> Result<Turn, ApiError> {
        let turns = if format == Format::Xlsx { &self.sheets } else { &self.others };
        let Ok(permit) = timeout(TURN_WITHIN, Arc::clone(turns).acquire_owned()).await else {
            let message = "Too many large answers are being made at the moment; try again later.";
            return Err(ApiError::new(ErrorCode::QueryTimeout, message));
        };
        Ok(Turn { format, _permit: permit.ok() })
    }

    /// The body of an answer.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidQuery`] if the form cannot hold
    /// these rows, saying which one can.
    pub async fn render(
        &self,
        turn: Turn,
        material: Material,
        warning: Option<Warning>,
    ) -> Result<Vec<u8>, ApiError> {
        let is_small = turn.format != Format::Xlsx && material.values() <= VALUES_INLINE_MAX;
        if is_small {
            return finished(&turn, material, warning);
        }
        // The turn goes along: if the client hangs up, the answer is made nevertheless.
        let rendered = spawn_blocking(move || finished(&turn, material, warning));
        rendered.await.unwrap_or_else(|error| Err(fault::of_rendering(&error)))
    }
}

impl Default for Renderer {
    fn default() -> Self {
        Self::new()
    }
}

fn finished(turn: &Turn, material: Material, warning: Option<Warning>) -> Result<Vec<u8>, ApiError> {
    let mut body = render(turn.format, material, warning)?;
    // It may be kept for long, and is weighed by its length.
    body.shrink_to_fit();
    Ok(body)
}

fn render(format: Format, material: Material, warning: Option<Warning>) -> Result<Vec<u8>, ApiError> {
    match format {
        Format::Json => Ok(json::render(&material.json_rows()?, warning)),
        Format::Ndjson => Ok(ndjson::render(&material.rows()?)),
        Format::Csv => csv::render(&Table::of(&material.rows()?, format)?),
        Format::Xlsx => xlsx::render(&Table::of(&material.rows()?, format)?),
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
