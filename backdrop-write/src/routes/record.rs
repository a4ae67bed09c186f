//! `PATCH` and `DELETE /data/{group}/{type}/{id}`: changes of single records, through the log like all others.

use super::State;
use super::data::{Received, SheetQuery};
use super::writer::{Asked, Writer};
use crate::error::WriteError;
use crate::formats::Format;
use actix_web::guard::GuardContext;
use actix_web::http::Method;
use actix_web::web::{self, Bytes, Data, Path, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::batch::BatchKind;
use backdrop_core::error::ErrorCode;
use backdrop_core::origin::Origin;
use backdrop_core::record::is_id;
use backdrop_service::request::RequestId;
use backdrop_service::routing::only;
use serde_json::json;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(
        web::resource("/data/{group}/{type}/{id}")
            .patch(patch)
            .delete(delete)
            .default_service(only("PATCH, DELETE")),
    );
}

/// The guard of a path that could be that of a record as well, by its name: `PATCH` and `DELETE` are meant for the
/// record.
pub(super) fn is_not_for_a_record(context: &GuardContext<'_>) -> bool {
    ![Method::PATCH, Method::DELETE].contains(&context.head().method)
}

async fn patch(
    state: Data<State>,
    path: Path<(String, String, String)>,
    request: HttpRequest,
    request_id: RequestId,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    let (group, data_type, id) = path.into_inner();
    let known = state.data_set(&group, &data_type).await?;
    let received = Received::take(&state, known, &request, payload).await?;
    received.expect_json(&request)?;
    if received.body.trim_ascii_start().first() == Some(&b'[') {
        let message = "Expected one JSON object with the fields to set.";
        return Err(WriteError::new(ErrorCode::NotRecords, message));
    }
    let kind = BatchKind::Patch { id: id.clone() };
    let sent = received.decode(&state, kind, Format::Json, SheetQuery::default()).await?;
    expect_id(&id)?;
    sent.submit(&state, request_id, json!({"status": "ok"})).await
}

async fn delete(
    state: Data<State>,
    path: Path<(String, String, String)>,
    request: HttpRequest,
    request_id: RequestId,
) -> Result<HttpResponse, WriteError> {
    let (group, data_type, id) = path.into_inner();
    let writer = Writer::admit(&state, state.data_set(&group, &data_type).await?, &request)?;
    expect_id(&id)?;
    let kind = BatchKind::DeleteRecord { id };
    let idempotency = writer.key_standing_for(&kind, &Bytes::new()).await?;
    let asked = Asked {
        kind,
        origin: Origin::Request,
        records: String::new(),
        faults: Vec::new(),
        idempotency,
        room: None,
    };
    writer.submit(&state, asked, request_id, json!({"status": "ok"})).await
}

/// What no record can have as its id needs no batch to be found missing.
fn expect_id(id: &str) -> Result<(), WriteError> {
    if is_id(id) {
        return Ok(());
    }
    Err(WriteError::new(ErrorCode::RecordNotFound, format!("No record found with id {id}")))
}
