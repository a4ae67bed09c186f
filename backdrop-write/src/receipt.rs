//! Receipts as clients see them.

use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use backdrop_core::batch::Changed;
use backdrop_core::receipt::{ReceiptId, ReceiptState};
use backdrop_core::record::{Violation, Violations};
use backdrop_core::time;
use backdrop_postgres::BatchRow;
use backdrop_queue::Durability;
use serde::Serialize;

/// The state of a write.
#[derive(Debug, Serialize)]
pub(crate) struct Receipt {
    /// `ok`: the answer is one; what became of the write stands in `state`.
    status: &'static str,
    id: String,
    state: &'static str,
    /// Its name; left out if it was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_set: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<i32>,
    /// How many records were not stored while the others were.
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected: Option<i32>,
    /// Of a replay: what had changed since the batch was rejected.
    #[serde(flatten)]
    changed: Option<Changed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    applied_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<Violation>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors_total: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    durability: Option<QueueDurability>,
}

/// How durable the batch is while it is queued.
#[derive(Debug, Serialize)]
pub(crate) struct QueueDurability {
    appendfsync: String,
}

impl From<Durability> for QueueDurability {
    fn from(durability: Durability) -> Self {
        Self { appendfsync: durability.appendfsync }
    }
}

impl Receipt {
    pub(crate) fn new(
        id: ReceiptId,
        data_set: Option<&str>,
        state: ReceiptState,
        batch: Option<BatchRow>,
        durability: Option<Durability>,
    ) -> Self {
        let violations = batch.as_ref().and_then(|batch| batch.violations.as_ref());
        let blamed = violations.filter(|violations| violations.blame_records());
        Self {
            status: "ok",
            id: id.to_string(),
            state: state.as_str(),
            data_set: data_set.map(str::to_owned),
            records: batch.as_ref().map(|batch| batch.records),
            rejected: batch.as_ref().map(|batch| batch.rejected),
            changed: batch.as_ref().and_then(|batch| batch.changed.clone()),
            accepted_at: batch.as_ref().map(|batch| time::format(batch.accepted_at)),
            applied_at: batch.as_ref().map(|batch| time::format(batch.applied_at)),
            messages: violations.map(Violations::lines),
            errors_total: blamed.map(|violations| violations.total),
            errors: blamed.map(|violations| violations.listed.clone()),
            durability: durability.map(QueueDurability::from),
        }
    }
}

/// The answer to a write whose outcome is not waited for.
pub(crate) fn accepted(id: ReceiptId, data_set: &str, durability: Option<Durability>) -> HttpResponse {
    HttpResponse::Accepted().insert_header((LOCATION, format!("/receipts/{id}"))).json(Receipt::new(
        id,
        Some(data_set),
        ReceiptState::Queued,
        None,
        durability,
    ))
}
