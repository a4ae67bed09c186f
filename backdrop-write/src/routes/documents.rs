//! Documents that are kept for clients of the original: what dashboards, types of modules and nodes of the tree of
//! organisations have in common.

use super::State;
use super::resources::{body, deleted, not_found, same_id, taken, without_id};
use crate::auth::Caller;
use crate::error::WriteError;
use actix_web::web::{self, Data, Path, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::document::{Document, DocumentKind};
use backdrop_postgres::DocumentRow;
use backdrop_service::request::RequestId;
use backdrop_service::routing::{get, only};
use serde_json::{Map, Value};
use uuid::Uuid;

/// The routes for one kind of document.
pub(super) fn configure(config: &mut ServiceConfig, path: &str, kind: DocumentKind) {
    let kind = Data::new(kind);
    for path in [path.to_owned(), format!("{path}/")] {
        config.service(
            web::resource(path)
                .app_data(kind.clone())
                .route(get().to(list))
                .post(create)
                .default_service(only("GET, HEAD, POST")),
        );
    }
    config.service(
        web::resource(format!("{path}/{{id}}"))
            .app_data(kind)
            .route(get().to(show))
            .put(replace)
            .delete(delete)
            .default_service(only("GET, HEAD, PUT, DELETE")),
    );
}

/// A document as clients see it.
pub(super) fn view(id: Uuid, body: &Map<String, Value>) -> Value {
    let mut whole = body.clone();
    whole.insert("id".into(), id.to_string().into());
    Value::Object(whole)
}

async fn list(
    kind: Data<DocumentKind>,
    state: Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    let rows = state.database.documents(**kind).await?;
    Ok(HttpResponse::Ok().json(rows.iter().map(|row| view(row.id, &row.body)).collect::<Vec<_>>()))
}

async fn show(
    kind: Data<DocumentKind>,
    state: Data<State>,
    path: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    let row = find(**kind, &state, &path).await?;
    Ok(HttpResponse::Ok().json(view(row.id, &row.body)))
}

async fn create(
    kind: Data<DocumentKind>,
    state: Data<State>,
    request: HttpRequest,
    request_id: RequestId,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    let (document, id) = Document::parse(**kind, &body(&state, &request, payload).await?)?;
    without_id(kind.words(), id)?;
    save(**kind, &state, Uuid::new_v4(), document, request_id).await
}

async fn replace(
    kind: Data<DocumentKind>,
    state: Data<State>,
    path: Path<String>,
    request: HttpRequest,
    request_id: RequestId,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    let (document, id) = Document::parse(**kind, &body(&state, &request, payload).await?)?;
    let row = find(**kind, &state, &path).await?;
    same_id(row.id, id)?;
    save(**kind, &state, row.id, document, request_id).await
}

async fn delete(
    kind: Data<DocumentKind>,
    state: Data<State>,
    path: Path<String>,
    request: HttpRequest,
    request_id: RequestId,
) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    let row = find(**kind, &state, &path).await?;
    let actor = Caller::Administrator.actor(request_id);
    state.database.delete_document(**kind, row.id, actor).await?;
    Ok(deleted(kind.words(), row.id))
}

async fn find(kind: DocumentKind, state: &State, name: &str) -> Result<DocumentRow, WriteError> {
    // The store keeps no NUL, and refuses to be asked for one.
    let found =
        if name.contains('\0') { None } else { state.database.document(kind, name.to_owned()).await? };
    found.ok_or_else(|| not_found(kind.words(), name))
}

async fn save(
    kind: DocumentKind,
    state: &State,
    id: Uuid,
    document: Document,
    request_id: RequestId,
) -> Result<HttpResponse, WriteError> {
    let answer = view(id, &document.body);
    let slug = document.slug.clone().unwrap_or_default();
    let actor = Caller::Administrator.actor(request_id);
    let saved = state.database.save_document(kind, id, document, actor).await;
    saved.map_err(|error| taken(error, kind.words(), &slug))?;
    Ok(HttpResponse::Ok().json(answer))
}
