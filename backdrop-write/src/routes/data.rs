//! `POST /data/{group}/{type}`: stores records. `PUT` with `[]`: removes all of them.

use super::State;
use crate::auth::Caller;
use crate::error::WriteError;
use crate::ingest::{Change, Submitted};
use crate::prefer::{PREFERENCE_APPLIED, Preference};
use crate::receipt;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::web::{self, Bytes, Data, Path, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::batch::{BatchKind, Handling};
use backdrop_core::error::{ApiError, ErrorCode};
use backdrop_core::json;
use backdrop_core::origin::Origin;
use backdrop_core::token::Scope;
use backdrop_postgres::KnownDataSet;
use backdrop_service::request::RequestId;
use backdrop_service::routing::only;
use serde_json::json;
use std::sync::Arc;

/// Bodies of this size and more are checked off the thread that serves requests: a millisecond or so.
const CHECKED_APART_BYTES: usize = 64 * 1024;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(
        web::resource("/data/{group}/{type}").post(post).put(put).default_service(only("POST, PUT")),
    );
}

async fn post(
    state: Data<State>,
    path: Path<(String, String)>,
    request: HttpRequest,
    request_id: RequestId,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    let sent = Sent::receive(&state, &path, &request, payload).await?;
    if sent.count > state.batch_records {
        let (count, most) = (sent.count, state.batch_records);
        let message = format!(
            "The batch holds {count} records; at most {most} are taken at once. Send them in several requests."
        );
        return Err(WriteError::new(ErrorCode::TooLarge, message));
    }
    let done = json!({"status": "ok"});
    if sent.count == 0 {
        return Ok(HttpResponse::Ok().json(done));
    }
    sent.submit(&state, BatchKind::Append, Origin::Json, request_id, done).await
}

async fn put(
    state: Data<State>,
    path: Path<(String, String)>,
    request: HttpRequest,
    request_id: RequestId,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    let sent = Sent::receive(&state, &path, &request, payload).await?;
    if sent.count > 0 {
        let message = "Not implemented: you can only pass an empty JSON list";
        return Err(WriteError::new(ErrorCode::NotRecords, message));
    }
    let message = format!("{} now contains 0 records", sent.known.data_set.name);
    let done = json!({"status": "ok", "message": message});
    sent.submit(&state, BatchKind::Empty, Origin::Request, request_id, done).await
}

/// What a caller who may write has sent: records, checked as far as the door checks.
struct Sent {
    known: Arc<KnownDataSet>,
    caller: Caller,
    preference: Preference,
    /// A JSON array of objects.
    records: String,
    count: usize,
}

impl Sent {
    /// Checks in the order of the contract: data set, token, encoding, size, body.
    async fn receive(
        state: &State,
        (group, data_type): &(String, String),
        request: &HttpRequest,
        payload: Payload,
    ) -> Result<Self, WriteError> {
        let known = state.data_set(group, data_type).await?;
        let caller = state.guard.holder(Scope::Write, request, &known, &state.catalogue)?;
        let preference = Preference::of(request.headers(), state.wait)?;
        let body = state.body.read(request.headers(), payload).await?;
        expect_json(request.headers(), &body)?;
        let (records, count) = check_apart(body).await?;
        Ok(Self { known, caller, preference, records, count })
    }

    async fn submit(
        self,
        state: &State,
        kind: BatchKind,
        origin: Origin,
        request_id: RequestId,
        done: serde_json::Value,
    ) -> Result<HttpResponse, WriteError> {
        let data_set = &self.known.data_set;
        let change = Change {
            data_set,
            kind,
            origin,
            configuration: state.catalogue.version(),
            handling: Handling::Strict,
            faults: Vec::new(),
            records: self.records,
            caller: self.caller,
            request_id,
            wait: self.preference.wait,
        };
        let submitted = state.ingest.submit(change).await?;
        Ok(answer(state, submitted, data_set.name.as_str(), self.preference, done).await)
    }
}

/// The answer to a change: what it says when it is done, or a receipt.
pub(super) async fn answer(
    state: &State,
    submitted: Submitted,
    data_set: &str,
    preference: Preference,
    done: serde_json::Value,
) -> HttpResponse {
    let mut response = match submitted {
        Submitted::Stored => HttpResponse::Ok().json(done),
        Submitted::Queued(id) => receipt::accepted(id, data_set, state.ingest.durability().await),
    };
    if let Some(applied) = preference.applied() {
        response.headers_mut().insert(PREFERENCE_APPLIED, applied);
    }
    response
}

/// An empty body is told as such, whatever it claims to be.
fn expect_json(headers: &HeaderMap, body: &Bytes) -> Result<(), WriteError> {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = value.split(';').next().unwrap_or_default().trim();
    if body.is_empty() || media_type.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        let message = "Expected header: Content-type: application/json";
        Err(WriteError::new(ErrorCode::UnsupportedContentType, message))
    }
}

/// The records as one JSON array, and how many there are.
async fn check_apart(body: Bytes) -> Result<(String, usize), WriteError> {
    let is_large = body.len() >= CHECKED_APART_BYTES;
    let check = move || -> Result<_, ApiError> {
        let records = json::records_text(&body)?;
        Ok((records.array.into_owned(), records.count))
    };
    if is_large {
        let checked = tokio::task::spawn_blocking(check).await;
        let failed = |_| ApiError::new(ErrorCode::Internal, "Checking the body failed.");
        Ok(checked.map_err(failed)??)
    } else {
        Ok(check()?)
    }
}
