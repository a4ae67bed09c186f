//! What the routes for the further resources of the original's administration have in common.

use super::State;
use crate::error::WriteError;
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::error::ErrorCode;
use backdrop_core::json as strict_json;
use backdrop_postgres::{SaveError, StoreError};
use serde_json::json;
use std::fmt::Display;
use uuid::Uuid;

/// The body of an administrator's request, within bounds and as strict as that of records.
pub(super) async fn body(
    state: &State,
    request: &HttpRequest,
    payload: Payload,
) -> Result<Bytes, WriteError> {
    state.guard.administrator(request.headers())?;
    let body = state.body.read(request.headers(), payload).await?;
    strict_json::records_text(&body)?;
    Ok(body)
}

/// The id in a path. What is no id is nobody's.
pub(super) fn id(what: &str, text: &str) -> Result<Uuid, WriteError> {
    Uuid::try_parse(text).map_err(|_| not_found(what, text))
}

/// Refuses an id in the body of what is to be made, because its id is given by the service.
pub(super) fn without_id(what: &str, id: Option<Uuid>) -> Result<(), WriteError> {
    match id {
        None => Ok(()),
        Some(_) => {
            let message = format!("id: a new {what} gets its id from the service; use PUT to change one");
            Err(WriteError::new(ErrorCode::InvalidDefinition, message))
        }
    }
}

/// Refuses an id in the body that is not that of the path.
pub(super) fn same_id(path: Uuid, body: Option<Uuid>) -> Result<(), WriteError> {
    if body.is_none_or(|body| body == path) {
        return Ok(());
    }
    Err(WriteError::new(
        ErrorCode::InvalidDefinition,
        "id: it is not the one in the path; an id cannot be changed",
    ))
}

pub(super) fn not_found(what: &str, name: &str) -> WriteError {
    WriteError::new(ErrorCode::ResourceNotFound, format!("There is no {what} \"{name}\"."))
}

pub(super) fn in_use(what: &str, by: &str) -> WriteError {
    WriteError::new(
        ErrorCode::ResourceInUse,
        format!("The {what} is in use by {by}; delete or change that first."),
    )
}

/// Tells a name that is taken from a fault of the store.
pub(super) fn taken(error: impl Into<SaveError>, what: &str, name: &str) -> WriteError {
    match error.into() {
        SaveError::Store(StoreError::Conflict { .. }) => {
            let message = format!("There is a {what} \"{name}\" already.");
            WriteError::new(ErrorCode::ResourceExists, message)
        }
        error => error.into(),
    }
}

pub(super) fn deleted(what: &str, name: impl Display) -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "ok", "message": format!("Deleted {what} {name}")}))
}
