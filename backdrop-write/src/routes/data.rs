//! `POST /data/{group}/{type}`: stores records. `PUT` with `[]`: removes all of them.

use super::State;
use super::writer::{Asked, Writer};
use crate::error::WriteError;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::web::{self, Bytes, Data, Path, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::batch::BatchKind;
use backdrop_core::error::{ApiError, ErrorCode};
use backdrop_core::json;
use backdrop_core::origin::Origin;
use backdrop_service::request::RequestId;
use backdrop_service::routing::only;
use serde_json::{Value, json};

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
    let sent = Sent::receive(&state, (&path.0, &path.1), &request, payload).await?;
    if sent.count > state.batch_records {
        let (count, most) = (sent.count, state.batch_records);
        let message = format!(
            "The batch holds {count} records; at most {most} are taken at once. Send them in several requests."
        );
        return Err(WriteError::new(ErrorCode::TooLarge, message));
    }
    if sent.count == 0 {
        return Ok(sent.writer.nothing_to_store());
    }
    sent.submit(&state, BatchKind::Append, Origin::Json, request_id, json!({"status": "ok"})).await
}

async fn put(
    state: Data<State>,
    path: Path<(String, String)>,
    request: HttpRequest,
    request_id: RequestId,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    let sent = Sent::receive(&state, (&path.0, &path.1), &request, payload).await?;
    if sent.count > 0 {
        let message = "Not implemented: you can only pass an empty JSON list";
        return Err(WriteError::new(ErrorCode::NotRecords, message));
    }
    let message = format!("{} now contains 0 records", sent.writer.known.data_set.name);
    let done = json!({"status": "ok", "message": message});
    sent.submit(&state, BatchKind::Empty, Origin::Request, request_id, done).await
}

/// What a caller who may write has sent: records, checked as far as the door checks.
pub(super) struct Sent {
    writer: Writer,
    /// The body, inflated.
    pub(super) body: Bytes,
    /// A JSON array of objects.
    records: String,
    count: usize,
}

impl Sent {
    /// Checks in the order of the contract: data set, token, encoding, size, body.
    pub(super) async fn receive(
        state: &State,
        (group, data_type): (&str, &str),
        request: &HttpRequest,
        payload: Payload,
    ) -> Result<Self, WriteError> {
        let writer = Writer::admit(state, state.data_set(group, data_type).await?, request)?;
        let body = state.body.read(request.headers(), payload).await?;
        expect_json(request.headers(), &body)?;
        let (records, count) = check_apart(body.clone()).await?;
        Ok(Self { writer, body, records, count })
    }

    pub(super) async fn submit(
        self,
        state: &State,
        kind: BatchKind,
        origin: Origin,
        request_id: RequestId,
        done: Value,
    ) -> Result<HttpResponse, WriteError> {
        let asked = Asked { kind, origin, records: self.records, faults: Vec::new(), body: self.body };
        self.writer.submit(state, asked, request_id, done).await
    }
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
