//! `/data-groups`: whose figures there are. A data set makes its data group; one can also be made before.

use super::State;
use super::resources::{body, deleted, in_use, not_found};
use crate::auth::Caller;
use crate::error::WriteError;
use actix_web::web::{self, Data, Path, Payload, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::data_set::DataGroup;
use backdrop_core::error::ErrorCode;
use backdrop_service::request::RequestId;
use backdrop_service::routing::{get, only};
use serde::Deserialize;
use serde_json::{Value, json};

const WHAT: &str = "data group";

pub(super) fn configure(config: &mut ServiceConfig) {
    for path in ["/data-groups", "/data-groups/"] {
        config.service(
            web::resource(path).route(get().to(list)).post(create).default_service(only("GET, HEAD, POST")),
        );
    }
    config.service(
        web::resource("/data-groups/{name}")
            .route(get().to(show))
            .put(replace)
            .delete(delete)
            .default_service(only("GET, HEAD, PUT, DELETE")),
    );
}

/// Which data groups to list.
#[derive(Deserialize)]
struct Filter {
    name: Option<String>,
}

fn view(name: &str) -> Value {
    json!({"name": name})
}

async fn list(
    state: Data<State>,
    filter: Query<Filter>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    let names = state.database.data_groups().await?;
    let wanted = names.iter().filter(|name| filter.name.as_ref().is_none_or(|wanted| wanted == *name));
    Ok(HttpResponse::Ok().json(wanted.map(|name| view(name)).collect::<Vec<_>>()))
}

async fn show(
    state: Data<State>,
    name: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    if state.database.data_groups().await?.contains(&name) {
        Ok(HttpResponse::Ok().json(view(&name)))
    } else {
        Err(not_found(WHAT, &name))
    }
}

async fn create(
    state: Data<State>,
    request: HttpRequest,
    request_id: RequestId,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    let group = read(&body(&state, &request, payload).await?)?;
    if state.database.data_groups().await?.iter().any(|name| name == group.as_str()) {
        let message = format!("There is a data group \"{group}\" already.");
        return Err(WriteError::new(ErrorCode::ResourceExists, message));
    }
    state.database.save_data_group(group.to_string(), Caller::Administrator.actor(request_id)).await?;
    Ok(HttpResponse::Ok().json(view(group.as_str())))
}

/// There is nothing about a data group that could be changed, so this makes sure that it is there.
async fn replace(
    state: Data<State>,
    name: Path<String>,
    request: HttpRequest,
    request_id: RequestId,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    let group = read(&body(&state, &request, payload).await?)?;
    if group.as_str() != *name {
        let message = "name: it is not the one in the path; a data group cannot be renamed";
        return Err(WriteError::new(ErrorCode::InvalidDefinition, message));
    }
    state.database.save_data_group(group.to_string(), Caller::Administrator.actor(request_id)).await?;
    Ok(HttpResponse::Ok().json(view(group.as_str())))
}

async fn delete(
    state: Data<State>,
    name: Path<String>,
    request: HttpRequest,
    request_id: RequestId,
) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    if !state.database.data_groups().await?.contains(&name) {
        return Err(not_found(WHAT, &name));
    }
    let is_meant = |group: &Option<DataGroup>| group.as_ref().is_some_and(|group| group.as_str() == *name);
    let transforms = state.database.transforms().await?;
    if transforms
        .iter()
        .any(|row| is_meant(&row.definition.input.data_group) || is_meant(&row.definition.output.data_group))
    {
        return Err(in_use(WHAT, "transforms"));
    }
    if state.database.delete_data_group(name.to_string(), Caller::Administrator.actor(request_id)).await? {
        Ok(deleted(WHAT, name))
    } else {
        Err(in_use(WHAT, "data sets"))
    }
}

fn read(body: &[u8]) -> Result<DataGroup, WriteError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        name: String,
    }
    let invalid = |message: String| WriteError::new(ErrorCode::InvalidDefinition, message);
    let body: Body = serde_json::from_slice(body)
        .map_err(|error| invalid(format!("The data group cannot be read: {error}")))?;
    DataGroup::parse(body.name).map_err(|error| invalid(format!("name: {error}")))
}
