//! `POST /data-sets`: makes a data set.

use super::super::{State, schemas, tokens};
use super::find;
use super::view::View;
use crate::auth::Caller;
use crate::error::WriteError;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::data_set::{DataSetDefinition, SchemaChoice};
use backdrop_core::error::ErrorCode;
use backdrop_core::json as strict_json;
use backdrop_core::schema;
use backdrop_core::token::TokenHash;
use backdrop_postgres::{NewDataSet, StoreError};
use backdrop_service::request::RequestId;

pub(super) async fn create(
    state: Data<State>,
    request: HttpRequest,
    request_id: RequestId,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    let body = state.body.read(request.headers(), payload).await?;
    // The same door as for records: NUL, for one, cannot be kept.
    strict_json::value(&body)?;
    let definition = DataSetDefinition::parse(&body)?;
    let document = match &definition.schema {
        SchemaChoice::OfDataType => Some(schema::default_for(&definition.data_group, &definition.data_type)),
        SchemaChoice::RecordRulesOnly => None,
        SchemaChoice::Given(document) => Some(document.clone()),
    };
    if let Some(document) = &document {
        schemas::accept(document).await?;
    }
    let token = definition.bearer_token.clone().unwrap_or_else(tokens::make);
    let name = definition.name.to_string();
    let actor = Caller::Administrator.actor(request_id);
    let new = NewDataSet { definition, schema: document, token: Some(TokenHash::of(&token)), actor };
    state.database.create_data_set(new).await.map_err(|error| taken(error, &name))?;
    state.learn_changes().await;
    let row = find(&state, &name).await?;
    Ok(HttpResponse::Ok().json(View::of(&row, &token)))
}

fn taken(error: StoreError, name: &str) -> WriteError {
    match &error {
        StoreError::Conflict { constraint, .. } => {
            let what = if constraint == "data_set_group_type_key" {
                "A data set of this data group and data type exists already.".to_owned()
            } else {
                format!("A data set with the name \"{name}\" exists already.")
            };
            WriteError::new(ErrorCode::DataSetExists, what)
        }
        _ => error.into(),
    }
}
