//! `GET /data-sets/{name}/users`: whose data set it is. Nobody's: there are tokens here and no users.

use super::State;
use crate::error::WriteError;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::token::Scope;
use backdrop_service::routing::{get, only};
use serde_json::json;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(
        web::resource("/data-sets/{name}/users").route(get().to(list)).default_service(only("GET, HEAD")),
    );
}

async fn list(
    state: Data<State>,
    name: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    state.administered(&name, Scope::Admin, &request).await?;
    Ok(HttpResponse::Ok().json(json!([])))
}
