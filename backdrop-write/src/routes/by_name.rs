//! `POST /{data_set}`: stores records, as ever but deprecated.

use super::State;
use super::data::{Received, SheetQuery};
use crate::error::WriteError;
use actix_web::guard::{GuardContext, fn_guard};
use actix_web::web::{self, Data, Path, Payload, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use backdrop_core::data_set::DataSetName;
use backdrop_postgres::KnownDataSet;
use backdrop_service::deprecation;
use backdrop_service::request::RequestId;
use backdrop_service::routing::only;
use serde_json::json;
use std::sync::Arc;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(
        web::resource("/{data_set}")
            .guard(fn_guard(is_name))
            .route(web::post().to(post))
            .default_service(only("POST")),
    );
}

/// Whether the path can be the name of a data set: those of the service and those that begin with `_` cannot.
fn is_name(context: &GuardContext<'_>) -> bool {
    let path = context.head().uri.path();
    DataSetName::parse(path.strip_prefix('/').unwrap_or(path)).is_ok()
}

async fn post(
    state: Data<State>,
    name: Path<String>,
    query: Query<SheetQuery>,
    request: HttpRequest,
    request_id: RequestId,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    let known = state.data_set_named(&name).await?;
    let stored = store(&state, Arc::clone(&known), query.into_inner(), &request, request_id, payload).await;
    let mut response = stored.unwrap_or_else(|refused| refused.error_response());
    deprecation::announce(response.headers_mut(), &known.data_set);
    Ok(response)
}

async fn store(
    state: &State,
    known: Arc<KnownDataSet>,
    query: SheetQuery,
    request: &HttpRequest,
    request_id: RequestId,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    let data_set = &known.data_set;
    let (name, group, data_type) = (&data_set.name, &data_set.data_group, &data_set.data_type);
    let message = format!("Deprecated: write to /data/{group}/{data_type} instead of /{name}");
    let received = Received::take(state, Arc::clone(&known), request, payload).await?;
    let format = received.format(request)?;
    received.store(state, format, query, request_id, json!({"status": "ok", "message": message})).await
}
