//! `PUT /data-sets/{name}`: changes what a data set is set to.

use super::super::{State, no_data_set, schemas};
use super::view::View;
use super::{find, invalid};
use crate::error::WriteError;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::data_set::DataSetChange;
use backdrop_core::json as strict_json;
use backdrop_core::token::{Scope, TokenHash};
use backdrop_postgres::KnownDataSet;
use backdrop_service::clock;
use backdrop_service::request::RequestId;

pub(super) async fn change(
    state: Data<State>,
    name: Path<String>,
    request: HttpRequest,
    request_id: RequestId,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    let (known, caller) = state.administered(&name, Scope::Admin, &request).await?;
    let body = state.body.read(request.headers(), payload).await?;
    strict_json::value(&body)?;
    let change = DataSetChange::parse(&body, &known.data_set)?;
    if let Some(token) = &change.bearer_token {
        expect_known(token, &known)?;
    }
    if let Some(document) = change.schema.as_ref().filter(|document| !document.is_null()) {
        schemas::accept(document).await?;
    }
    let id = known.data_set.id;
    if !state.database.change_data_set(id, change, caller.actor(request_id)).await? {
        return Err(no_data_set(&name));
    }
    state.learn_changes().await;
    let row = find(&state, &name).await?;
    Ok(HttpResponse::Ok().json(View::of(&row, "")))
}

/// Clients of the original send back the whole data set, its token included. Were another one taken in silence, its
/// sender would believe that the old one is gone.
fn expect_known(token: &str, known: &KnownDataSet) -> Result<(), WriteError> {
    if known.token(&TokenHash::of(token), clock::now()).is_some() {
        return Ok(());
    }
    let name = &known.data_set.name;
    Err(invalid(format!(
        "bearer_token: this is no token of the data set, and a data set gets none this way. Leave it out; POST \
         /data-sets/{name}/tokens makes a further token, DELETE /data-sets/{name}/tokens/ID revokes one"
    )))
}
