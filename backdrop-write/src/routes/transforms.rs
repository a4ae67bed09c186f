//! `/transform`: which figures are computed from which data set; how that went; and those of one data set.

use super::State;
use super::resources::{self, Resource, find, views};
use super::schemas::within_time;
use crate::error::WriteError;
use actix_web::web::{self, Bytes, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::time;
use backdrop_core::token::Scope;
use backdrop_core::transform::TransformDefinition;
use backdrop_postgres::{Actor, RunRow, TransformRow};
use backdrop_service::clock;
use backdrop_service::routing::{get, only};
use serde_json::{Value, json};
use uuid::Uuid;

pub(super) fn configure(config: &mut ServiceConfig) {
    resources::configure::<Transforms>(config, "/transform");
    config
        .service(
            web::resource("/transform/{id}/runs").route(get().to(runs)).default_service(only("GET, HEAD")),
        )
        .service(
            web::resource("/data-sets/{name}/transform")
                .route(get().to(of_data_set))
                .default_service(only("GET, HEAD")),
        );
}

enum Transforms {}

impl Resource for Transforms {
    const WHAT: &'static str = "transform";
    type Definition = TransformDefinition;
    type Row = TransformRow;

    async fn read(body: Bytes) -> Result<(TransformDefinition, Option<Uuid>), WriteError> {
        Ok(TransformDefinition::parse(&body)?)
    }

    async fn all(state: &State) -> Result<Vec<TransformRow>, WriteError> {
        Ok(state.database.transforms().await?)
    }

    async fn find(state: &State, name: &str) -> Result<Option<TransformRow>, WriteError> {
        let Ok(id) = Uuid::try_parse(name) else { return Ok(None) };
        Ok(state.database.transform(id).await?)
    }

    async fn save(
        state: &State,
        id: Uuid,
        definition: TransformDefinition,
        actor: Actor,
    ) -> Result<Value, WriteError> {
        let kind = state.database.type_of(&definition).await?;
        let (checked, now) = (definition.clone(), clock::now());
        let kind = within_time(move || checked.check(&kind, now).map(|()| kind)).await?;
        let row = TransformRow { id, definition: definition.clone(), function: kind.function };
        state.database.save_transform(id, definition, kind, actor).await?;
        Ok(Self::view(&row))
    }

    async fn delete(state: &State, id: Uuid, actor: Actor) -> Result<(), WriteError> {
        state.database.delete_transform(id, actor).await?;
        Ok(())
    }

    fn id(row: &TransformRow) -> Uuid {
        row.id
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
}

async fn of_data_set(
    state: Data<State>,
    name: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    let (known, _) = state.administered(&name, Scope::Admin, &request).await?;
    let rows = state.database.transforms_of(known.data_set.id).await?;
    Ok(views::<Transforms>(&rows))
}

async fn runs(
    state: Data<State>,
    path: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    let row = find::<Transforms>(&state, &path).await?;
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
