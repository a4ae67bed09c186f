//! `/data-sets/{name}/tokens`: further tokens for a data set, so that one can be changed for another
//! without a pause.

use super::State;
use crate::error::WriteError;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::error::ErrorCode;
use backdrop_core::token::{TokenHash, TokenId};
use backdrop_service::routing::only;
use serde_json::json;
use uuid::Uuid;

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(web::resource("/data-sets/{name}/tokens").post(create).default_service(only("POST")))
        .service(
            web::resource("/data-sets/{name}/tokens/{id}").delete(revoke).default_service(only("DELETE")),
        );
}

/// A new token: 244 random bits, with a prefix by which scanners find leaked ones.
pub(super) fn make() -> String {
    format!("backdrop_{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

async fn create(
    state: Data<State>,
    name: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    let known = state.data_set_named(&name).await?;
    let token = make();
    let id = state.database.create_token(known.data_set.id, TokenHash::of(&token), None).await?;
    state.learn_changes().await;
    Ok(HttpResponse::Ok().json(json!({"status": "ok", "id": id, "token": token})))
}

async fn revoke(
    state: Data<State>,
    path: Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    let (name, id) = path.into_inner();
    let known = state.data_set_named(&name).await?;
    let no_token = || {
        let message = format!("The data set \"{name}\" has no token {id} that could be revoked.");
        WriteError::new(ErrorCode::TokenNotFound, message)
    };
    let token = TokenId(id.parse().map_err(|_| no_token())?);
    if !state.database.revoke_token(known.data_set.id, token).await? {
        return Err(no_token());
    }
    state.learn_changes().await;
    Ok(HttpResponse::Ok().json(json!({"status": "ok", "message": format!("Revoked token {id}")})))
}
