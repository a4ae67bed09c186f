//! `/transform-type`: which functions transforms can be made of, and what their options must follow.

use super::State;
use super::resources::{self, body, deleted, in_use, not_found, same_id, taken, without_id};
use super::schemas::within_time;
use crate::auth::Caller;
use crate::error::WriteError;
use actix_web::web::{self, Data, Path, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::transform::TransformType;
use backdrop_postgres::TransformTypeRow;
use backdrop_service::clock;
use backdrop_service::request::RequestId;
use backdrop_service::routing::{get, only};
use serde_json::{Value, json};
use uuid::Uuid;

const WHAT: &str = "transform type";

pub(super) fn configure(config: &mut ServiceConfig) {
    for path in ["/transform-type", "/transform-type/"] {
        config.service(
            web::resource(path).route(get().to(list)).post(create).default_service(only("GET, HEAD, POST")),
        );
    }
    config.service(
        web::resource("/transform-type/{id}")
            .route(get().to(show))
            .put(replace)
            .delete(delete)
            .default_service(only("GET, HEAD, PUT, DELETE")),
    );
}

fn view(id: Uuid, kind: &TransformType) -> Value {
    json!({"id": id, "name": kind.name, "function": kind.function.as_str(), "schema": kind.schema})
}

async fn list(state: Data<State>, request: HttpRequest) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    let rows = state.database.transform_types().await?;
    let views: Vec<Value> = rows.iter().map(|row| view(row.id, &row.kind)).collect();
    Ok(HttpResponse::Ok().json(views))
}

async fn show(
    state: Data<State>,
    path: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    let row = find(&state, &path).await?;
    Ok(HttpResponse::Ok().json(view(row.id, &row.kind)))
}

async fn create(
    state: Data<State>,
    request: HttpRequest,
    request_id: RequestId,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    let body = body(&state, &request, payload).await?;
    let (kind, id) = within_time(move || TransformType::parse(&body)).await?;
    without_id(WHAT, id)?;
    save(&state, Uuid::new_v4(), kind, request_id).await
}

async fn replace(
    state: Data<State>,
    path: Path<String>,
    request: HttpRequest,
    request_id: RequestId,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    let body = body(&state, &request, payload).await?;
    let (kind, id) = within_time(move || TransformType::parse(&body)).await?;
    let row = find(&state, &path).await?;
    same_id(row.id, id)?;
    // What is there must go on working.
    let transforms = state.database.transforms().await?;
    let now = clock::now();
    let (kind, broken) = within_time(move || {
        let broken =
            transforms.into_iter().filter(|transform| transform.definition.type_id == row.id).find_map(
                |transform| transform.definition.check(&kind, now).err().map(|error| (transform.id, error)),
            );
        Ok((kind, broken))
    })
    .await?;
    if let Some((transform, error)) = broken {
        return Err(in_use(WHAT, &format!("the transform {transform}, which it would break: {error}")));
    }
    save(&state, row.id, kind, request_id).await
}

async fn save(
    state: &State,
    id: Uuid,
    kind: TransformType,
    request_id: RequestId,
) -> Result<HttpResponse, WriteError> {
    let answer = view(id, &kind);
    let name = kind.name.clone();
    state
        .database
        .save_transform_type(id, kind, Caller::Administrator.actor(request_id))
        .await
        .map_err(|error| taken(error, WHAT, &name))?;
    Ok(HttpResponse::Ok().json(answer))
}

async fn delete(
    state: Data<State>,
    path: Path<String>,
    request: HttpRequest,
    request_id: RequestId,
) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    let row = find(&state, &path).await?;
    if state.database.delete_transform_type(row.id, Caller::Administrator.actor(request_id)).await? {
        Ok(deleted(WHAT, row.id))
    } else {
        Err(in_use(WHAT, "transforms"))
    }
}

async fn find(state: &State, id: &str) -> Result<TransformTypeRow, WriteError> {
    let wanted = resources::id(WHAT, id)?;
    let rows = state.database.transform_types().await?;
    rows.into_iter().find(|row| row.id == wanted).ok_or_else(|| not_found(WHAT, id))
}
