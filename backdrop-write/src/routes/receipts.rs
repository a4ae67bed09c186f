//! `GET /receipts/{id}`: what became of a write.

use super::State;
use crate::error::WriteError;
use crate::receipt::Receipt;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::error::ErrorCode;
use backdrop_core::log::{Cursor, EntryId};
use backdrop_core::receipt::{ReceiptId, ReceiptState};
use backdrop_core::time::Timestamp;
use backdrop_postgres::RECEIPTS_KEPT;
use backdrop_service::clock;
use backdrop_service::routing::{get, only};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(web::resource("/receipts/{id}").route(get().to(show)).default_service(only("GET, HEAD")));
}

async fn show(
    state: Data<State>,
    path: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    let id: ReceiptId = path.parse().map_err(|_| no_receipt())?;
    let known = state.catalogue.by_id(id.data_set_id).await?;
    state.guard.receipt_holder(&request, known.as_deref())?;
    let facts = state.database.receipt_facts(id).await?.ok_or_else(no_receipt)?;
    if facts.batch.is_none() && is_expired(id, facts.cursor, facts.oldest_kept) {
        let message = format!("Receipts are kept for {} days.", RECEIPTS_KEPT.num_days());
        return Err(WriteError::new(ErrorCode::ReceiptExpired, message));
    }
    let outcome = facts.batch.as_ref().map(|batch| batch.outcome);
    // Only a receipt whose acceptance was never confirmed needs the queue to be asked.
    let has_backlog =
        outcome.is_none() && id.entry.is_none() && has_backlog(&state, id, facts.cursor).await?;
    let receipt_state = id.state(outcome, facts.cursor, has_backlog);
    if receipt_state == ReceiptState::NotAccepted {
        return Err(no_receipt());
    }
    let is_queued = receipt_state == ReceiptState::Queued;
    let durability = if is_queued { state.ingest.durability().await } else { None };
    let name = known.as_ref().map(|known| known.data_set.name.as_str());
    let receipt = Receipt::new(id, name, receipt_state, facts.batch, durability);
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, HeaderValue::from_static("no-cache"))).json(receipt))
}

/// Whether a receipt without a row is older than rows are kept. The id of its batch tells, unless it was made of
/// an idempotency key; then its place does: what was applied before all rows that are kept.
fn is_expired(id: ReceiptId, cursor: Cursor, oldest_kept: Option<EntryId>) -> bool {
    match (given_at(id), id.entry) {
        (Some(given_at), _) => clock::now() - given_at > RECEIPTS_KEPT,
        (None, Some(entry)) => !cursor.is_before(entry) && oldest_kept.is_none_or(|oldest| entry < oldest),
        (None, None) => false,
    }
}

/// When the batch of the receipt was made, if its id tells.
fn given_at(id: ReceiptId) -> Option<Timestamp> {
    let (seconds, nanoseconds) = id.batch_id.get_timestamp()?.to_unix();
    Timestamp::from_timestamp(i64::try_from(seconds).ok()?, nanoseconds)
}

async fn has_backlog(state: &State, id: ReceiptId, cursor: Cursor) -> Result<bool, WriteError> {
    let last = state.queue.last_entry(id.partition).await.map_err(|_| {
        let message = "The queue is not available just now, so the state of the write is not known.";
        WriteError::new(ErrorCode::QueueUnavailable, message)
    })?;
    Ok(cursor.is_before(last))
}

fn no_receipt() -> WriteError {
    let message = "No write with this receipt was accepted. Send it again.";
    WriteError::new(ErrorCode::ReceiptNotFound, message)
}
