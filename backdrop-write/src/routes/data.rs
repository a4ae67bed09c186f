//! `POST /data/{group}/{type}`: stores records. `PUT` with `[]`: removes all of them.

use super::State;
use crate::auth::Caller;
use crate::error::WriteError;
use crate::formats::{Decoded, Format};
use crate::ingest::{Change, Submitted};
use crate::prefer::{PREFERENCE_APPLIED, Preference};
use crate::receipt;
use actix_web::web::{self, Bytes, Data, Path, Payload, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::batch::BatchKind;
use backdrop_core::error::ErrorCode;
use backdrop_core::origin::Origin;
use backdrop_core::token::Scope;
use backdrop_postgres::KnownDataSet;
use backdrop_service::request::RequestId;
use backdrop_service::routing::only;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(
        web::resource("/data/{group}/{type}").post(post).put(put).default_service(only("POST, PUT")),
    );
}

async fn post(
    state: Data<State>,
    path: Path<(String, String)>,
    query: Query<SheetQuery>,
    request: HttpRequest,
    request_id: RequestId,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    let known = state.data_set(&path.0, &path.1).await?;
    let received = Received::take(&state, known, &request, payload).await?;
    let format = received.format(&request)?;
    let sent = received.decode(&state, format, query.into_inner()).await?;
    sent.store(&state, request_id, json!({"status": "ok"})).await
}

async fn put(
    state: Data<State>,
    path: Path<(String, String)>,
    request: HttpRequest,
    request_id: RequestId,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    let known = state.data_set(&path.0, &path.1).await?;
    let received = Received::take(&state, known, &request, payload).await?;
    if received.format(&request)? != Format::Json {
        let message = "Expected header: Content-type: application/json";
        return Err(WriteError::new(ErrorCode::UnsupportedContentType, message));
    }
    let mut sent = received.decode(&state, Format::Json, SheetQuery::default()).await?;
    if sent.decoded.count > 0 {
        let message = "Not implemented: you can only pass an empty JSON list";
        return Err(WriteError::new(ErrorCode::NotRecords, message));
    }
    let message = format!("{} now contains 0 records", sent.known.data_set.name);
    let done = json!({"status": "ok", "message": message});
    sent.decoded.origin = Origin::Request;
    sent.submit(&state, BatchKind::Empty, request_id, done).await
}

/// Which sheet of a workbook to read.
#[derive(Debug, Default, Deserialize)]
pub(super) struct SheetQuery {
    sheet: Option<String>,
}

/// What a caller who may write has sent, not looked at yet.
pub(super) struct Received {
    known: Arc<KnownDataSet>,
    caller: Caller,
    preference: Preference,
    pub(super) body: Bytes,
}

impl Received {
    /// Lets in who may write; the body comes later.
    pub(super) fn admit(
        state: &State,
        known: Arc<KnownDataSet>,
        request: &HttpRequest,
    ) -> Result<Self, WriteError> {
        let caller = state.guard.holder(Scope::Write, request.headers(), &known, &state.catalogue)?;
        let preference = Preference::of(request.headers(), state.wait)?;
        Ok(Self { known, caller, preference, body: Bytes::new() })
    }

    /// Checks in the order of the contract: token, encoding, size.
    pub(super) async fn take(
        state: &State,
        known: Arc<KnownDataSet>,
        request: &HttpRequest,
        payload: Payload,
    ) -> Result<Self, WriteError> {
        let admitted = Self::admit(state, known, request)?;
        let body = state.body.read(request.headers(), payload).await?;
        Ok(Self { body, ..admitted })
    }

    /// The format of the body by its content type; an empty one is told as such, whatever it claims to be.
    pub(super) fn format(&self, request: &HttpRequest) -> Result<Format, WriteError> {
        if self.body.is_empty() { Ok(Format::Json) } else { Ok(Format::of(request.headers())?) }
    }

    /// Looks at the body.
    pub(super) async fn decode(
        self,
        state: &State,
        format: Format,
        query: SheetQuery,
    ) -> Result<Sent, WriteError> {
        let Self { known, caller, preference, body } = self;
        let data_set = &known.data_set;
        let decoded =
            state.decoder.decode(body, format, data_set, query.sheet, preference.handling()).await?;
        Ok(Sent { known, caller, preference, decoded })
    }
}

/// What a caller who may write has sent: records, checked as far as the door checks.
pub(super) struct Sent {
    known: Arc<KnownDataSet>,
    caller: Caller,
    preference: Preference,
    decoded: Decoded,
}

impl Sent {
    /// Stores the records; none are stored at once.
    pub(super) async fn store(
        self,
        state: &State,
        request_id: RequestId,
        done: Value,
    ) -> Result<HttpResponse, WriteError> {
        if self.decoded.count == 0 {
            return Ok(HttpResponse::Ok().json(done));
        }
        self.submit(state, BatchKind::Append, request_id, done).await
    }

    async fn submit(
        self,
        state: &State,
        kind: BatchKind,
        request_id: RequestId,
        done: Value,
    ) -> Result<HttpResponse, WriteError> {
        let data_set = &self.known.data_set;
        let change = Change {
            data_set,
            kind,
            origin: self.decoded.origin,
            configuration: state.catalogue.version(),
            handling: self.preference.handling(),
            faults: self.decoded.faults,
            records: self.decoded.records,
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
    done: Value,
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
