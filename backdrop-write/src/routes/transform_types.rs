//! `/transform-type`: which functions transforms can be made of, and what their options must follow.

use super::State;
use super::resources::{self, Resource, in_use, taken};
use super::schemas::within_time;
use crate::error::WriteError;
use actix_web::web::{Bytes, ServiceConfig};
use backdrop_core::transform::TransformType;
use backdrop_postgres::{Actor, TransformTypeRow};
use backdrop_service::clock;
use serde_json::{Value, json};
use uuid::Uuid;

pub(super) fn configure(config: &mut ServiceConfig) {
    resources::configure::<TransformTypes>(config, "/transform-type");
}

enum TransformTypes {}

impl Resource for TransformTypes {
    const WHAT: &'static str = "transform type";
    type Definition = TransformType;
    type Row = TransformTypeRow;

    async fn read(body: Bytes) -> Result<(TransformType, Option<Uuid>), WriteError> {
        within_time(move || TransformType::parse(&body)).await
    }

    async fn all(state: &State) -> Result<Vec<TransformTypeRow>, WriteError> {
        Ok(state.database.transform_types().await?)
    }

    async fn find(state: &State, name: &str) -> Result<Option<TransformTypeRow>, WriteError> {
        let id = Uuid::try_parse(name).ok();
        Ok(Self::all(state).await?.into_iter().find(|row| Some(row.id) == id))
    }

    async fn save(state: &State, id: Uuid, kind: TransformType, actor: Actor) -> Result<Value, WriteError> {
        let row = TransformTypeRow { id, kind: expect_unbroken(state, id, kind).await? };
        let (answer, name) = (Self::view(&row), row.kind.name.clone());
        let saved = state.database.save_transform_type(id, row.kind, actor).await;
        saved.map_err(|error| taken(error, Self::WHAT, &name))?;
        Ok(answer)
    }

    async fn delete(state: &State, id: Uuid, actor: Actor) -> Result<(), WriteError> {
        let is_deleted = state.database.delete_transform_type(id, actor).await?;
        if is_deleted { Ok(()) } else { Err(in_use(Self::WHAT, "transforms")) }
    }

    fn id(row: &TransformTypeRow) -> Uuid {
        row.id
    }

    fn view(row: &TransformTypeRow) -> Value {
        let kind = &row.kind;
        json!({"id": row.id, "name": kind.name, "function": kind.function.as_str(), "schema": kind.schema})
    }
}

/// The type, if the transforms that are of it go on working.
async fn expect_unbroken(state: &State, id: Uuid, kind: TransformType) -> Result<TransformType, WriteError> {
    let (transforms, now) = (state.database.transforms().await?, clock::now());
    let (kind, broken) = within_time(move || {
        let mut of_type = transforms.into_iter().filter(|transform| transform.definition.type_id == id);
        let broken =
            of_type.find_map(|transform| Some((transform.id, transform.definition.check(&kind, now).err()?)));
        Ok((kind, broken))
    })
    .await?;
    match broken {
        None => Ok(kind),
        Some((transform, error)) => {
            let user = format!("the transform {transform}, which it would break: {error}");
            Err(in_use(TransformTypes::WHAT, &user))
        }
    }
}
