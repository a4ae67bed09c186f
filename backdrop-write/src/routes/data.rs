//! `POST /data/{group}/{type}`: stores records. `PUT` with `[]`: removes all of them.

use super::State;
use super::writer::{Asked, Writer};
use crate::body::Room;
use crate::error::WriteError;
use crate::formats::{Decoded, Format};
use actix_web::web::{self, Bytes, Data, Path, Payload, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::batch::{BatchKind, Idempotency};
use backdrop_core::error::ErrorCode;
use backdrop_core::origin::Origin;
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
    received.store(&state, format, query.into_inner(), request_id, json!({"status": "ok"})).await
}

async fn put(
    state: Data<State>,
    path: Path<(String, String)>,
    request: HttpRequest,
    request_id: RequestId,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    let known = state.data_set(&path.0, &path.1).await?;
    let message = format!("{} now contains 0 records", known.data_set.name);
    let received = Received::take(&state, known, &request, payload).await?;
    received.expect_json(&request)?;
    let mut sent = received.decode(&state, BatchKind::Empty, Format::Json, SheetQuery::default()).await?;
    if sent.decoded.count > 0 {
        let message = "Not implemented: you can only pass an empty JSON list";
        return Err(WriteError::new(ErrorCode::NotRecords, message));
    }
    sent.decoded.origin = Origin::Request;
    sent.submit(&state, request_id, json!({"status": "ok", "message": message})).await
}

/// Which sheet of a workbook to read.
#[derive(Debug, Default, Deserialize)]
pub(super) struct SheetQuery {
    sheet: Option<String>,
}

/// What a caller who may write has sent, not looked at yet.
pub(super) struct Received {
    writer: Writer,
    /// The body, inflated.
    pub(super) body: Bytes,
    /// Its place in memory, which its records take over.
    pub(super) room: Option<Room>,
}

impl Received {
    /// Lets in who may write; the body comes later.
    pub(super) fn admit(
        state: &State,
        known: Arc<KnownDataSet>,
        request: &HttpRequest,
    ) -> Result<Self, WriteError> {
        Ok(Self { writer: Writer::admit(state, known, request)?, body: Bytes::new(), room: None })
    }

    /// Checks in the order of the contract: token, encoding, size.
    pub(super) async fn take(
        state: &State,
        known: Arc<KnownDataSet>,
        request: &HttpRequest,
        payload: Payload,
    ) -> Result<Self, WriteError> {
        let mut admitted = Self::admit(state, known, request)?;
        let (body, room) = state.body.read_to_keep(request.headers(), payload).await?;
        (admitted.body, admitted.room) = (body, Some(room));
        Ok(admitted)
    }

    /// The format of the body by its content type; an empty one is told as such, whatever it claims to be.
    pub(super) fn format(&self, request: &HttpRequest) -> Result<Format, WriteError> {
        if self.body.is_empty() { Ok(Format::Json) } else { Ok(Format::of(request.headers())?) }
    }

    /// Refuses every format but JSON.
    pub(super) fn expect_json(&self, request: &HttpRequest) -> Result<(), WriteError> {
        match self.format(request)? {
            Format::Json => Ok(()),
            _ => {
                let message = "Expected header: Content-type: application/json";
                Err(WriteError::new(ErrorCode::UnsupportedContentType, message))
            }
        }
    }

    /// Looks at the body of a request that is to do something.
    pub(super) async fn decode(
        self,
        state: &State,
        kind: BatchKind,
        format: Format,
        query: SheetQuery,
    ) -> Result<Sent, WriteError> {
        let Self { writer, body, room } = self;
        // Before the body is taken apart, so that it need not be kept beside its records.
        let idempotency = writer.key_standing_for(&kind, &body).await?;
        let data_set = &writer.known.data_set;
        let decoded = state.decoder.decode(body, format, data_set, query.sheet, writer.handling()).await?;
        Ok(Sent { writer, kind, idempotency, decoded, room })
    }

    /// Stores the records of the body; none are stored at once.
    pub(super) async fn store(
        self,
        state: &State,
        format: Format,
        query: SheetQuery,
        request_id: RequestId,
        done: Value,
    ) -> Result<HttpResponse, WriteError> {
        let sent = self.decode(state, BatchKind::Append, format, query).await?;
        if sent.decoded.count == 0 {
            return Ok(sent.writer.nothing_to_store(done));
        }
        sent.submit(state, request_id, done).await
    }
}

/// What a caller who may write has sent: records, checked as far as the door checks.
pub(super) struct Sent {
    writer: Writer,
    kind: BatchKind,
    idempotency: Option<Idempotency>,
    decoded: Decoded,
    room: Option<Room>,
}

impl Sent {
    pub(super) async fn submit(
        self,
        state: &State,
        request_id: RequestId,
        done: Value,
    ) -> Result<HttpResponse, WriteError> {
        let Self { writer, kind, idempotency, decoded, room } = self;
        let Decoded { origin, records, faults, .. } = decoded;
        let asked = Asked { kind, origin, records, faults, idempotency, room };
        writer.submit(state, asked, request_id, done).await
    }
}
