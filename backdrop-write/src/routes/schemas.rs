//! `/data-sets/{name}/schema`: the schema of a data set, its versions, and trying a new one on what is stored.

mod dry_run;

use super::{State, no_data_set};
use crate::error::WriteError;
use actix_web::web::{self, Data, Path, Payload, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::data_set::SchemaVersion;
use backdrop_core::error::{ApiError, ErrorCode};
use backdrop_core::json as strict_json;
use backdrop_core::schema::Schema;
use backdrop_core::time;
use backdrop_core::token::Scope;
use backdrop_service::request::RequestId;
use backdrop_service::routing::{get, only};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// How long the compiling of a schema may take. Its bounds make that a fraction of a second; should they miss
/// something, it is refused here and not met by the workers.
const COMPILE_WITHIN: Duration = Duration::from_secs(5);

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(
            web::resource("/data-sets/{name}/schema")
                .route(get().to(show))
                .put(set)
                .default_service(only("GET, HEAD, PUT")),
        )
        .service(
            web::resource("/data-sets/{name}/schemas")
                .route(get().to(list))
                .default_service(only("GET, HEAD")),
        );
}

/// Checks that a document can be the schema of a data set; off the threads that serve requests.
pub(super) async fn accept(document: &Value) -> Result<Schema, WriteError> {
    let document = document.clone();
    within_time(move || {
        Schema::accept(&document)
            .map_err(|error| ApiError::new(ErrorCode::InvalidSchema, format!("schema: {error}")))
    })
    .await
}

/// Does what compiles schemas; off the threads that serve requests.
pub(super) async fn within_time<T: Send + 'static>(
    compile: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, WriteError> {
    let invalid = |reason: &str| WriteError::new(ErrorCode::InvalidSchema, format!("schema: {reason}"));
    match tokio::time::timeout(COMPILE_WITHIN, tokio::task::spawn_blocking(compile)).await {
        Ok(Ok(compiled)) => Ok(compiled?),
        Ok(Err(_)) => Err(invalid("it cannot be compiled")),
        Err(_) => Err(invalid("compiling it takes too long; make it simpler")),
    }
}

/// Which version to show.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    version: Option<i32>,
}

async fn show(
    state: Data<State>,
    name: Path<String>,
    which: Query<Which>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    let (known, _) = state.administered(&name, Scope::Admin, &request).await?;
    let wanted = which.version.map(SchemaVersion);
    let found = state.database.schema_version(known.data_set.id, wanted).await?;
    let row = found.ok_or_else(|| {
        let number = which.version.unwrap_or_default();
        let message = format!("The schema of the data set \"{name}\" has no version {number}.");
        WriteError::new(ErrorCode::SchemaNotFound, message)
    })?;
    Ok(HttpResponse::Ok().json(json!({"version": row.version, "schema": row.document})))
}

async fn list(
    state: Data<State>,
    name: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    let (known, _) = state.administered(&name, Scope::Admin, &request).await?;
    let versions = state.database.schema_versions(known.data_set.id).await?;
    let shown = versions.iter().map(|set| {
        json!({
            "version": set.version,
            "created_at": time::format(set.created_at),
            "record_rules_only": set.is_record_rules_only,
        })
    });
    Ok(HttpResponse::Ok().json(json!({"status": "ok", "schemas": shown.collect::<Vec<_>>()})))
}

/// Whether to set a schema or only to try it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mode {
    #[serde(default)]
    dry_run: bool,
}

async fn set(
    state: Data<State>,
    name: Path<String>,
    mode: Query<Mode>,
    request: HttpRequest,
    request_id: RequestId,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    let (known, caller) = state.administered(&name, Scope::Admin, &request).await?;
    let body = state.body.read(request.headers(), payload).await?;
    let document = strict_json::value(&body)?;
    let schema = if document.is_null() { None } else { Some(accept(&document).await?) };
    if mode.dry_run {
        return dry_run::run(&state, &known.data_set, schema).await;
    }
    let actor = caller.actor(request_id);
    let set = state.database.set_schema(known.data_set.id, document, actor).await?;
    let version = set.ok_or_else(|| no_data_set(&name))?;
    state.learn_changes().await;
    Ok(HttpResponse::Ok().json(json!({"status": "ok", "version": version})))
}
