//! The formats in which records come, each brought into the one form that goes into the queue: a JSON array.
//!
//! What a person can do wrong is told with the line or the cell where it stands. In strict handling any fault
//! refuses the whole body here; in lenient handling the faults of single records travel with the batch, so that
//! only those are rejected.
//!
//! **Invariant.** The records of a body are bounded as the body is, whatever the format makes of it, and
//! however small it was: the queue, the worker and the memory of this process rely on it.

mod columns;
mod csv;
mod format;
mod gathering;
mod lines;
mod sheet;

pub(crate) use format::Format;
pub use sheet::read_sheet_if_told;

use crate::error::WriteError;
use actix_web::web::Bytes;
use backdrop_core::batch::Handling;
use backdrop_core::data_set::{DataSet, DataSetId, SchemaVersion};
use backdrop_core::error::{ApiError, ErrorCode};
use backdrop_core::json;
use backdrop_core::origin::Origin;
use backdrop_core::record::Violation;
use backdrop_core::schema::TextFields;
use backdrop_postgres::Database;
use serde::{Deserialize, Serialize};
use sheet::SheetReader;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Bodies of this size and more are decoded off the thread that serves requests: a millisecond or so.
const DECODED_APART_BYTES: usize = 64 * 1024;

/// How much a request may bring.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Bounds {
    /// The largest array of records, in bytes.
    pub(crate) bytes: usize,
    /// The most records.
    pub(crate) records: usize,
}

/// The records of a body.
#[derive(Debug)]
pub(crate) struct Decoded {
    /// A JSON array.
    pub(crate) records: String,
    /// How many it holds.
    pub(crate) count: usize,
    /// Where they stand in the body.
    pub(crate) origin: Origin,
    /// What is wrong with single records; only in lenient handling is there any.
    pub(crate) faults: Vec<Violation>,
}

/// How to read a body.
#[derive(Debug, Serialize, Deserialize)]
struct Reading {
    /// The fields that hold strings.
    texts: Vec<String>,
    /// The sheet to read; the first one without.
    sheet: Option<String>,
    handling: Handling,
    bounds: Bounds,
}

impl Reading {
    fn texts(&self) -> TextFields {
        self.texts.iter().cloned().collect()
    }
}

/// Decodes bodies.
#[derive(Debug)]
pub(crate) struct Decoder {
    database: Database,
    bounds: Bounds,
    sheets: SheetReader,
    /// What the schemas say of strings. A version of a schema never changes.
    texts: Mutex<HashMap<DataSetId, (SchemaVersion, Arc<TextFields>)>>,
}

impl Decoder {
    pub(crate) fn new(database: Database, bounds: Bounds) -> Self {
        Self { database, bounds, sheets: SheetReader::default(), texts: Mutex::default() }
    }

    /// The records of a body for a data set.
    pub(crate) async fn decode(
        &self,
        body: Bytes,
        format: Format,
        data_set: &DataSet,
        sheet: Option<String>,
        handling: Handling,
    ) -> Result<Decoded, WriteError> {
        // An empty body is told as such, whatever it claims to be.
        if body.is_empty() {
            json::records_text(&body)?;
        }
        let bounds = self.bounds;
        match format {
            Format::Json => apart(body, move |body| decode_json(body, bounds)).await,
            Format::Lines => apart(body, move |body| lines::decode(&body, bounds, handling)).await,
            Format::Csv => {
                let texts = self.texts(data_set).await?;
                apart(body, move |body| csv::decode(&body, &texts, bounds, handling)).await
            }
            Format::Sheet => {
                let texts = self.texts(data_set).await?.names().map(str::to_owned).collect();
                self.sheets.read(body, Reading { texts, sheet, handling, bounds }).await
            }
        }
    }

    /// The fields that hold strings by the schema in force.
    async fn texts(&self, data_set: &DataSet) -> Result<Arc<TextFields>, WriteError> {
        let Some(version) = data_set.schema else { return Ok(Arc::default()) };
        let known = self.texts.lock().unwrap_or_else(PoisonError::into_inner).get(&data_set.id).cloned();
        if let Some((known, texts)) = known
            && known == version
        {
            return Ok(texts);
        }
        let document = self.database.schema(data_set.id, version).await?;
        let texts = Arc::new(document.as_ref().map(TextFields::of).unwrap_or_default());
        let mut known = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(data_set.id, (version, Arc::clone(&texts)));
        Ok(texts)
    }
}

/// Runs what takes its time with a large body where no request waits for it.
async fn apart(
    body: Bytes,
    decode: impl FnOnce(Bytes) -> Result<Decoded, ApiError> + Send + 'static,
) -> Result<Decoded, WriteError> {
    if body.len() < DECODED_APART_BYTES {
        return Ok(decode(body)?);
    }
    let decoded = tokio::task::spawn_blocking(move || decode(body)).await;
    Ok(decoded.unwrap_or_else(|_| Err(ApiError::new(ErrorCode::Internal, "Reading the body failed.")))?)
}

/// A list stays the text that it is; only a single record is put into one.
fn decode_json(body: Bytes, bounds: Bounds) -> Result<Decoded, ApiError> {
    let checked = json::records_text(&body)?;
    let count = checked.count;
    if count > bounds.records {
        let most = bounds.records;
        let message = format!(
            "The batch holds {count} records; at most {most} are taken at once. Send them in several requests."
        );
        return Err(ApiError::new(ErrorCode::TooLarge, message));
    }
    let records = match checked.array {
        std::borrow::Cow::Owned(array) => array,
        std::borrow::Cow::Borrowed(_) => {
            String::from_utf8(body.into()).expect("what was read as JSON is UTF-8")
        }
    };
    Ok(Decoded { records, count, origin: Origin::Json, faults: Vec::new() })
}
