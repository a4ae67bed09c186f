//! `/transform`: which figures are computed from which data set; how that went; and those of one data set.

use super::State;
use super::resources::{self, body, deleted, not_found, same_id, without_id};
use super::schemas::within_time;
use crate::auth::Caller;
use crate::error::WriteError;
use actix_web::web::{self, Data, Path, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::time;
use backdrop_core::token::Scope;
use backdrop_core::transform::TransformDefinition;
use backdrop_postgres::{RunRow, TransformRow};
use backdrop_service::clock;
use backdrop_service::request::RequestId;
use backdrop_service::routing::{get, only};
use serde_json::{Value, json};
use uuid::Uuid;

const WHAT: &str = "transform";

pub(super) fn configure(config: &mut ServiceConfig) {
    for path in ["/transform", "/transform/"] {
        config.service(
            web::resource(path).route(get().to(list)).post(create).default_service(only("GET, HEAD, POST")),
        );
    }
    config
        .service(
            web::resource("/transform/{id}")
                .route(get().to(show))
                .put(replace)
                .delete(delete)
                .default_service(only("GET, HEAD, PUT, DELETE")),
        )
        .service(
            web::resource("/transform/{id}/runs").route(get().to(runs)).default_service(only("GET, HEAD")),
        )
        .service(
            web::resource("/data-sets/{name}/transform")
                .route(get().to(of_data_set))
                .default_service(only("GET, HEAD")),
        );
}

fn view(row: &TransformRow) -> Value {
    let definition = &row.definition;
    json!({
        "id": row.id,
        "type": {"id": definition.type_id, "function": row.function.as_str()},
        "input": definition.input.to_json(),
        "query-parameters": definition.query_parameters,
        "options": definition.options,
        "output": definition.output.to_json(),
    })
}

async fn list(state: Data<State>, request: HttpRequest) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    let rows = state.database.transforms().await?;
    Ok(HttpResponse::Ok().json(rows.iter().map(view).collect::<Vec<_>>()))
}

async fn of_data_set(
    state: Data<State>,
    name: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    let (known, _) = state.administered(&name, Scope::Admin, &request).await?;
    let rows = state.database.transforms_of(known.data_set.id).await?;
    Ok(HttpResponse::Ok().json(rows.iter().map(view).collect::<Vec<_>>()))
}

async fn show(
    state: Data<State>,
    path: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    Ok(HttpResponse::Ok().json(view(&find(&state, &path).await?)))
}

async fn create(
    state: Data<State>,
    request: HttpRequest,
    request_id: RequestId,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    let (definition, id) = TransformDefinition::parse(&body(&state, &request, payload).await?)?;
    without_id(WHAT, id)?;
    save(&state, Uuid::new_v4(), definition, request_id).await
}

async fn replace(
    state: Data<State>,
    path: Path<String>,
    request: HttpRequest,
    request_id: RequestId,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    let (definition, id) = TransformDefinition::parse(&body(&state, &request, payload).await?)?;
    let row = find(&state, &path).await?;
    same_id(row.id, id)?;
    save(&state, row.id, definition, request_id).await
}

async fn delete(
    state: Data<State>,
    path: Path<String>,
    request: HttpRequest,
    request_id: RequestId,
) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    let row = find(&state, &path).await?;
    state.database.delete_transform(row.id, Caller::Administrator.actor(request_id)).await?;
    Ok(deleted(WHAT, row.id))
}

async fn runs(
    state: Data<State>,
    path: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    let row = find(&state, &path).await?;
    let runs = state.database.transform_runs(row.id).await?;
    let view = |run: RunRow| {
        json!({
            "id": run.id, "data_set": run.data_set, "state": run.state.as_str(), "attempts": run.attempts,
            "_start_at": time::format(run.written.earliest), "_end_at": time::format(run.written.latest),
            "records": run.records, "error": run.error, "requested_at": time::format(run.requested_at),
            "ended_at": run.ended_at.map(time::format),
        })
    };
    Ok(HttpResponse::Ok().json(runs.into_iter().map(view).collect::<Vec<_>>()))
}

async fn find(state: &State, id: &str) -> Result<TransformRow, WriteError> {
    let found = state.database.transform(resources::id(WHAT, id)?).await?;
    found.ok_or_else(|| not_found(WHAT, id))
}

async fn save(
    state: &State,
    id: Uuid,
    definition: TransformDefinition,
    request_id: RequestId,
) -> Result<HttpResponse, WriteError> {
    let kind = state.database.type_of(&definition).await?;
    let (checked, now) = (definition.clone(), clock::now());
    let kind = within_time(move || checked.check(&kind, now).map(|()| kind)).await?;
    let row = TransformRow { id, definition: definition.clone(), function: kind.function };
    let actor = Caller::Administrator.actor(request_id);
    state.database.save_transform(id, definition, kind, actor).await?;
    Ok(HttpResponse::Ok().json(view(&row)))
}
