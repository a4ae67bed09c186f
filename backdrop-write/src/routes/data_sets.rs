//! `/data-sets`: the administration of data sets, in the shapes of the original's administration.

use super::State;
use super::writer::answer;
use crate::auth::Caller;
use crate::error::WriteError;
use crate::ingest::Change;
use crate::prefer::Preference;
use actix_web::web::{self, Data, Path, Payload, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::batch::{BatchKind, Handling};
use backdrop_core::data_set::{DataSetDefinition, DataSetSettings, SchemaChoice};
use backdrop_core::error::ErrorCode;
use backdrop_core::json as strict_json;
use backdrop_core::origin::Origin;
use backdrop_core::schema::{self, Schema};
use backdrop_core::time;
use backdrop_core::token::TokenHash;
use backdrop_postgres::{DataSetRow, NewDataSet, StoreError};
use backdrop_service::request::RequestId;
use backdrop_service::routing::{get, only};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(super) fn configure(config: &mut ServiceConfig) {
    for path in ["/data-sets", "/data-sets/"] {
        config.service(
            web::resource(path).route(get().to(list)).post(create).default_service(only("GET, HEAD, POST")),
        );
    }
    config.service(
        web::resource("/data-sets/{name}")
            .route(get().to(show))
            .delete(delete)
            .default_service(only("GET, HEAD, DELETE")),
    );
}

/// A data set as administrators see it.
#[derive(Serialize)]
struct View<'a> {
    name: &'a str,
    data_group: &'a str,
    data_type: &'a str,
    /// Shown once, when it is made: only its hash is kept.
    bearer_token: &'a str,
    #[serde(flatten)]
    settings: &'a DataSetSettings,
    schema: &'a Option<Value>,
    records: i64,
    version: i64,
    updated_at: String,
}

impl<'a> View<'a> {
    fn of(row: &'a DataSetRow, bearer_token: &'a str) -> Self {
        Self {
            name: row.data_set.name.as_str(),
            data_group: row.data_set.data_group.as_str(),
            data_type: row.data_set.data_type.as_str(),
            bearer_token,
            settings: &row.data_set.settings,
            schema: &row.schema,
            records: row.records,
            version: row.version,
            updated_at: time::format(row.updated_at),
        }
    }
}

/// Which data sets to list; older clients write the names with an underscore.
#[derive(Deserialize)]
struct Filter {
    #[serde(rename = "data-group", alias = "data_group")]
    data_group: Option<String>,
    #[serde(rename = "data-type", alias = "data_type")]
    data_type: Option<String>,
}

async fn list(
    state: Data<State>,
    filter: Query<Filter>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    let rows = state.database.data_sets().await?;
    let is_wanted = |row: &&DataSetRow| {
        let data_set = &row.data_set;
        filter.data_group.as_ref().is_none_or(|group| group == data_set.data_group.as_str())
            && filter.data_type.as_ref().is_none_or(|data_type| data_type == data_set.data_type.as_str())
    };
    let views: Vec<View<'_>> = rows.iter().filter(is_wanted).map(|row| View::of(row, "")).collect();
    Ok(HttpResponse::Ok().json(views))
}

async fn show(
    state: Data<State>,
    name: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    let row = find(&state, &name).await?;
    Ok(HttpResponse::Ok().json(View::of(&row, "")))
}

async fn create(
    state: Data<State>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    let body = state.body.read(request.headers(), payload).await?;
    // The same door as for records: NUL, for one, cannot be kept.
    strict_json::records_text(&body)?;
    let definition = DataSetDefinition::parse(&body)?;
    let document = match &definition.schema {
        SchemaChoice::OfDataType => Some(schema::default_for(&definition.data_group, &definition.data_type)),
        SchemaChoice::RecordRulesOnly => None,
        SchemaChoice::Given(document) => Some(document.clone()),
    };
    if let Some(document) = &document {
        let invalid = |error: schema::SchemaError| {
            WriteError::new(ErrorCode::InvalidSchema, format!("schema: {error}"))
        };
        Schema::compile(document).map_err(invalid)?;
    }
    let token = definition.bearer_token.clone().unwrap_or_else(super::tokens::make);
    let name = definition.name.to_string();
    let new = NewDataSet { definition, schema: document, token: TokenHash::of(&token) };
    state.database.create_data_set(new).await.map_err(|error| taken(error, &name))?;
    state.learn_changes().await;
    let row = find(&state, &name).await?;
    Ok(HttpResponse::Ok().json(View::of(&row, &token)))
}

async fn delete(
    state: Data<State>,
    name: Path<String>,
    request: HttpRequest,
    request_id: RequestId,
) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    let known = state.data_set_named(&name).await?;
    let preference = Preference::of(request.headers(), state.wait)?;
    let change = Change {
        data_set: &known.data_set,
        kind: BatchKind::DeleteDataSet,
        origin: Origin::Request,
        configuration: state.catalogue.version(),
        handling: Handling::Strict,
        faults: Vec::new(),
        idempotency: None,
        records: String::new(),
        caller: Caller::Administrator,
        request_id,
        wait: preference.wait,
    };
    let submitted = state.ingest.submit(change).await?;
    state.learn_changes().await;
    let done = json!({"status": "ok", "message": format!("Deleted {name}")});
    Ok(answer(&state, submitted, &name, preference.strictly(), done).await)
}

async fn find(state: &State, name: &str) -> Result<DataSetRow, WriteError> {
    let rows = state.database.data_sets().await?;
    rows.into_iter().find(|row| row.data_set.name.as_str() == name).ok_or_else(|| {
        let message = format!("No collection exists with name \"{name}\"");
        WriteError::new(ErrorCode::DataSetNotFound, message)
    })
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
