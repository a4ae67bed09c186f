//! Keeping a transform. What it stands beside is looked at under a lock that keeps others out, so that two that are made
//! at once cannot become a circle.

use super::{TransformTypeRow, select};
use crate::audit::{self, Actor};
use crate::{Database, SaveError, StoreError};
use backdrop_core::data_set::DataGroup;
use backdrop_core::error::{ApiError, ErrorCode};
use backdrop_core::schema::builtin_types;
use backdrop_core::transform::chain::{self, Link};
use backdrop_core::transform::{TransformDefinition, TransformType};
use serde_json::json;
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::types::Json;
use uuid::Uuid;

/// How many transforms there can be: every chain of them is followed when one is added.
const TRANSFORMS_MAX: usize = 2_000;

impl Database {
    /// The type of a transform that is to be saved, to check it by.
    ///
    /// # Errors
    /// [`SaveError::Refused`] if there is none.
    pub async fn type_of(&self, definition: &TransformDefinition) -> Result<TransformType, SaveError> {
        let (pool, id) = (self.pool.clone(), definition.type_id);
        self.save_in_task(async move { find_type(&mut *pool.acquire().await?, id).await }).await
    }

    /// Keeps a transform under an id: a new one, or a changed one. It was checked by that type.
    ///
    /// # Errors
    /// [`SaveError::Refused`] if what it names is not there, if its type was changed since, if a chain of transforms
    /// would come back to it or be too long, or if there are too many.
    pub async fn save_transform(
        &self,
        id: Uuid,
        definition: TransformDefinition,
        checked_by: TransformType,
        actor: Actor,
    ) -> Result<(), SaveError> {
        let pool = self.pool.clone();
        self.save_in_task(async move { save(&pool, id, definition, &checked_by, &actor).await }).await
    }
}

async fn save(
    pool: &PgPool,
    id: Uuid,
    definition: TransformDefinition,
    checked_by: &TransformType,
    actor: &Actor,
) -> Result<(), SaveError> {
    let mut tx = pool.begin().await?;
    sqlx::query("LOCK TABLE transform IN SHARE ROW EXCLUSIVE MODE").execute(&mut *tx).await?;
    if find_type(&mut tx, definition.type_id).await? != *checked_by {
        let message = "The transform type was changed at the same time; send the transform again.";
        return Err(ApiError::new(ErrorCode::ResourceInUse, message).into());
    }
    expect_places(&mut tx, &definition).await?;
    expect_no_circle(&mut tx, id, &definition).await?;
    let action =
        if upsert(&mut tx, id, &definition).await? { "create_transform" } else { "change_transform" };
    let (input, output) = (definition.input.to_json(), definition.output.to_json());
    let detail = json!({"id": id, "type": definition.type_id, "input": input, "output": output});
    audit::note_resource(&mut tx, actor, action, &detail).await?;
    tx.commit().await?;
    Ok(())
}

/// The type; locked until the end of the transaction, if there is one, so that it stays as it is.
async fn find_type(connection: &mut PgConnection, id: Uuid) -> Result<TransformType, SaveError> {
    let sql = "SELECT id, name, function, schema FROM transform_type WHERE id = $1 FOR SHARE";
    match sqlx::query(sql).bind(id).fetch_optional(connection).await? {
        Some(row) => Ok(TransformTypeRow::read(&row)?.kind),
        None => Err(invalid(format!("type_id: there is no transform type \"{id}\"; see /transform-type"))),
    }
}

/// Refuses a transform of data sets that there are none of.
async fn expect_places(
    connection: &mut PgConnection,
    definition: &TransformDefinition,
) -> Result<(), SaveError> {
    for (field, place) in [("input", &definition.input), ("output", &definition.output)] {
        let Some(group) = &place.data_group else { continue };
        let sql = "SELECT EXISTS (SELECT FROM data_group WHERE name = $1)
                       OR EXISTS (SELECT FROM data_set WHERE data_group = $1 AND deleted_at IS NULL)";
        if !sqlx::query_scalar(sql).bind(group.as_str()).fetch_one(&mut *connection).await? {
            return Err(invalid(format!(
                "{field}: there is no data group \"{group}\"; make it by POST /data-groups"
            )));
        }
    }
    let wanted = definition.input.data_type.as_str();
    let sql = "SELECT EXISTS (SELECT FROM data_set WHERE data_type = $1 AND deleted_at IS NULL)";
    let is_used: bool = sqlx::query_scalar(sql).bind(wanted).fetch_one(connection).await?;
    if is_used || builtin_types().any(|known| known == wanted) {
        return Ok(());
    }
    Err(invalid(format!("input: there is no data set of data type \"{wanted}\"; make it first")))
}

/// Refuses a transform with which the others would go on for ever, or would be too many.
async fn expect_no_circle(
    connection: &mut PgConnection,
    id: Uuid,
    definition: &TransformDefinition,
) -> Result<(), SaveError> {
    let others = select(connection, None, None).await?.into_iter().filter(|row| row.id != id);
    let links: Vec<Link> =
        others.map(|row| Link { input: row.definition.input, output: row.definition.output }).collect();
    if links.len() >= TRANSFORMS_MAX {
        return Err(invalid(format!(
            "There are {TRANSFORMS_MAX} transforms, and no more can be kept. Delete some."
        )));
    }
    let new = Link { input: definition.input.clone(), output: definition.output.clone() };
    Ok(chain::check(&links, &new)?)
}

/// Writes the row; whether it is a new one.
async fn upsert(
    connection: &mut PgConnection,
    id: Uuid,
    definition: &TransformDefinition,
) -> Result<bool, StoreError> {
    let is_new = sqlx::query_scalar(
        "INSERT INTO transform (id, type_id, input_group, input_type, query_parameters, options, output_group,
                                output_type)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (id) DO UPDATE
         SET type_id = excluded.type_id, input_group = excluded.input_group, input_type = excluded.input_type,
             query_parameters = excluded.query_parameters, options = excluded.options,
             output_group = excluded.output_group, output_type = excluded.output_type
         -- A row that was just inserted has no deleting transaction yet.
         RETURNING xmax = 0",
    )
    .bind(id)
    .bind(definition.type_id)
    .bind(definition.input.data_group.as_ref().map(DataGroup::as_str))
    .bind(definition.input.data_type.as_str())
    .bind(Json(&definition.query_parameters))
    .bind(Json(&definition.options))
    .bind(definition.output.data_group.as_ref().map(DataGroup::as_str))
    .bind(definition.output.data_type.as_str())
    .fetch_one(connection)
    .await?;
    Ok(is_new)
}

fn invalid(message: String) -> SaveError {
    ApiError::new(ErrorCode::InvalidDefinition, message).into()
}
