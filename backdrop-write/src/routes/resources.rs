//! The further resources of the original's administration: what their routes have in common.
//!
//! A resource says how it is read, found, saved and deleted ([`Resource`]); who may, in what order things are checked,
//! and how it is answered is the same for all ([`configure`]).

use super::State;
use crate::auth::Caller;
use crate::error::WriteError;
use actix_web::web::{self, Bytes, Data, Path, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::error::ErrorCode;
use backdrop_postgres::{Actor, SaveError, StoreError};
use backdrop_service::request::RequestId;
use backdrop_service::routing::{get, only};
use serde_json::{Value, json};
use std::fmt::Display;
use uuid::Uuid;

/// Something that administrators make, change and delete by its id.
pub(super) trait Resource: 'static {
    /// What it is called.
    const WHAT: &'static str;
    /// What a request says that it is to be.
    type Definition;
    /// What the store holds.
    type Row;

    /// Reads the body of a request; also the id, if one stands there.
    async fn read(body: Bytes) -> Result<(Self::Definition, Option<Uuid>), WriteError>;

    /// All there are.
    async fn all(state: &State) -> Result<Vec<Self::Row>, WriteError>;

    /// The one that is called so in a path.
    async fn find(state: &State, name: &str) -> Result<Option<Self::Row>, WriteError>;

    /// Keeps it under an id: a new one, or a changed one. Gives it as clients see it.
    async fn save(
        state: &State,
        id: Uuid,
        definition: Self::Definition,
        actor: Actor,
    ) -> Result<Value, WriteError>;

    /// Deletes it, unless it is in use.
    async fn delete(state: &State, id: Uuid, actor: Actor) -> Result<(), WriteError>;

    /// Its id.
    fn id(row: &Self::Row) -> Uuid;

    /// As clients see it.
    fn view(row: &Self::Row) -> Value;
}

/// The routes of a resource.
pub(super) fn configure<R: Resource>(config: &mut ServiceConfig, path: &str) {
    for path in [path.to_owned(), format!("{path}/")] {
        config.service(
            web::resource(path)
                .route(get().to(list::<R>))
                .post(create::<R>)
                .default_service(only("GET, HEAD, POST")),
        );
    }
    config.service(
        web::resource(format!("{path}/{{id}}"))
            .route(get().to(show::<R>))
            .put(replace::<R>)
            .delete(delete::<R>)
            .default_service(only("GET, HEAD, PUT, DELETE")),
    );
}

async fn list<R: Resource>(state: Data<State>, request: HttpRequest) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    Ok(views::<R>(&R::all(&state).await?))
}

/// Several of them, as clients see them.
pub(super) fn views<R: Resource>(rows: &[R::Row]) -> HttpResponse {
    HttpResponse::Ok().json(rows.iter().map(R::view).collect::<Vec<_>>())
}

async fn show<R: Resource>(
    state: Data<State>,
    path: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    Ok(HttpResponse::Ok().json(R::view(&find::<R>(&state, &path).await?)))
}

async fn create<R: Resource>(
    state: Data<State>,
    request: HttpRequest,
    request_id: RequestId,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    let (definition, id) = R::read(body(&state, &request, payload).await?).await?;
    if id.is_some() {
        let what = R::WHAT;
        let message = format!("id: a new {what} gets its id from the service; use PUT to change one");
        return Err(WriteError::new(ErrorCode::InvalidDefinition, message));
    }
    let actor = Caller::Administrator.actor(request_id);
    Ok(HttpResponse::Ok().json(R::save(&state, Uuid::new_v4(), definition, actor).await?))
}

async fn replace<R: Resource>(
    state: Data<State>,
    path: Path<String>,
    request: HttpRequest,
    request_id: RequestId,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    let (definition, named) = R::read(body(&state, &request, payload).await?).await?;
    let id = R::id(&find::<R>(&state, &path).await?);
    if named.is_some_and(|named| named != id) {
        let message = "id: it is not the one in the path; an id cannot be changed";
        return Err(WriteError::new(ErrorCode::InvalidDefinition, message));
    }
    let actor = Caller::Administrator.actor(request_id);
    Ok(HttpResponse::Ok().json(R::save(&state, id, definition, actor).await?))
}

async fn delete<R: Resource>(
    state: Data<State>,
    path: Path<String>,
    request: HttpRequest,
    request_id: RequestId,
) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    let id = R::id(&find::<R>(&state, &path).await?);
    R::delete(&state, id, Caller::Administrator.actor(request_id)).await?;
    Ok(deleted(R::WHAT, id))
}

/// The resource that is called so in a path.
pub(super) async fn find<R: Resource>(state: &State, name: &str) -> Result<R::Row, WriteError> {
    R::find(state, name).await?.ok_or_else(|| not_found(R::WHAT, name))
}

/// The body of an administrator's request.
pub(super) async fn body(
    state: &State,
    request: &HttpRequest,
    payload: Payload,
) -> Result<Bytes, WriteError> {
    state.guard.administrator(request.headers())?;
    state.read_json(request, payload).await
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
