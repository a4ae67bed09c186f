//! Transforms and their types; what is to be computed stands in `runs`.

mod lease;
mod newer;
mod runs;
mod save;

pub use lease::TakenRun;
pub(crate) use runs::queue;
pub use runs::{RunEnd, RunRow};

use crate::audit::{self, Actor};
use crate::{Database, StoreError};
use backdrop_core::data_set::{DataGroup, DataSetId, DataType};
use backdrop_core::transform::{Function, Place, TransformDefinition, TransformType};
use serde_json::json;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::types::Json;
use uuid::Uuid;

/// A type of transforms.
#[derive(Clone, Debug)]
pub struct TransformTypeRow {
    /// Its identity.
    pub id: Uuid,
    /// What it is.
    pub kind: TransformType,
}

/// A transform.
#[derive(Clone, Debug)]
pub struct TransformRow {
    /// Its identity.
    pub id: Uuid,
    /// What it reads, computes and stores.
    pub definition: TransformDefinition,
    /// The function of its type.
    pub function: Function,
}

const SELECT: &str = "
SELECT t.id, t.type_id, t.input_group, t.input_type, t.query_parameters, t.options, t.output_group, t.output_type,
       k.function
FROM transform t JOIN transform_type k ON k.id = t.type_id
WHERE ($1::uuid IS NULL OR t.id = $1)
  AND ($2::bigint IS NULL OR EXISTS (
      SELECT FROM data_set d
      WHERE d.id = $2 AND d.data_type = t.input_type
        AND (t.input_group IS NULL OR t.input_group = d.data_group)
  ))
ORDER BY t.created_at, t.id";

impl TransformTypeRow {
    fn read(row: &PgRow) -> Result<Self, StoreError> {
        let id: Uuid = row.try_get("id")?;
        let kind = TransformType {
            name: row.try_get("name")?,
            function: read_function(row, &format!("transform_type {id}"))?,
            schema: row.try_get("schema")?,
        };
        Ok(Self { id, kind })
    }
}

impl TransformRow {
    fn read(row: &PgRow) -> Result<Self, StoreError> {
        let id: Uuid = row.try_get("id")?;
        let function = read_function(row, &format!("transform {id}"))?;
        Ok(Self { id, definition: read_definition(row, id)?, function })
    }
}

fn read_function(row: &PgRow, place: &str) -> Result<Function, StoreError> {
    let name: String = row.try_get("function")?;
    Function::parse(&name).map_err(|_| StoreError::corrupt(place, "function"))
}

fn read_definition(row: &PgRow, id: Uuid) -> Result<TransformDefinition, StoreError> {
    let place = |group: &'static str, data_type: &'static str| {
        let corrupt = |column| move |_| StoreError::corrupt(format!("transform {id}"), column);
        let name: Option<String> = row.try_get(group)?;
        Ok::<_, StoreError>(Place {
            data_group: name.map(DataGroup::parse).transpose().map_err(corrupt(group))?,
            data_type: DataType::parse(row.try_get::<String, _>(data_type)?).map_err(corrupt(data_type))?,
        })
    };
    let Json(query_parameters) = row.try_get("query_parameters")?;
    let Json(options) = row.try_get("options")?;
    Ok(TransformDefinition {
        type_id: row.try_get("type_id")?,
        input: place("input_group", "input_type")?,
        query_parameters,
        options,
        output: place("output_group", "output_type")?,
    })
}

impl Database {
    /// All types of transforms, in the order of their names.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn transform_types(&self) -> Result<Vec<TransformTypeRow>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let sql = "SELECT id, name, function, schema FROM transform_type ORDER BY name";
            let rows = sqlx::query(sql).fetch_all(&pool).await?;
            rows.iter().map(TransformTypeRow::read).collect()
        })
        .await
    }

    /// Keeps a type of transforms under an id: a new one, or a changed one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another has its name.
    pub async fn save_transform_type(
        &self,
        id: Uuid,
        kind: TransformType,
        actor: Actor,
    ) -> Result<(), StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let mut tx = pool.begin().await?;
            let detail = json!({"id": id, "name": kind.name, "function": kind.function.as_str()});
            let is_new: bool = sqlx::query_scalar(
                "INSERT INTO transform_type (id, name, function, schema) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (id) DO UPDATE
                 SET name = excluded.name, function = excluded.function, schema = excluded.schema
                 -- A row that was just inserted has no deleting transaction yet.
                 RETURNING xmax = 0",
            )
            .bind(id)
            .bind(kind.name)
            .bind(kind.function.as_str())
            .bind(kind.schema)
            .fetch_one(&mut *tx)
            .await?;
            let action = if is_new { "create_transform_type" } else { "change_transform_type" };
            audit::note_resource(&mut tx, &actor, action, &detail).await?;
            tx.commit().await?;
            Ok(())
        })
        .await
    }

    /// Deletes a type of transforms, unless there are transforms of it. Whether it did.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn delete_transform_type(&self, id: Uuid, actor: Actor) -> Result<bool, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let mut tx = pool.begin().await?;
            let sql = "DELETE FROM transform_type
                       WHERE id = $1 AND NOT EXISTS (SELECT FROM transform WHERE type_id = $1)";
            let deleted = sqlx::query(sql).bind(id).execute(&mut *tx).await?.rows_affected() == 1;
            if deleted {
                audit::note_resource(&mut tx, &actor, "delete_transform_type", &json!({"id": id})).await?;
            }
            tx.commit().await?;
            Ok(deleted)
        })
        .await
    }

    /// All transforms, in the order in which they were made.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn transforms(&self) -> Result<Vec<TransformRow>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move { select(&mut *pool.acquire().await?, None, None).await }).await
    }

    /// One transform.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn transform(&self, id: Uuid) -> Result<Option<TransformRow>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move { Ok(select(&mut *pool.acquire().await?, Some(id), None).await?.pop()) })
            .await
    }

    /// The transforms that read a data set.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn transforms_of(&self, data_set: DataSetId) -> Result<Vec<TransformRow>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move { select(&mut *pool.acquire().await?, None, Some(data_set)).await }).await
    }

    /// Deletes a transform with its runs. Whether there was one.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn delete_transform(&self, id: Uuid, actor: Actor) -> Result<bool, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let mut tx = pool.begin().await?;
            let query = sqlx::query("DELETE FROM transform WHERE id = $1").bind(id);
            let deleted = query.execute(&mut *tx).await?.rows_affected() == 1;
            if deleted {
                audit::note_resource(&mut tx, &actor, "delete_transform", &json!({"id": id})).await?;
            }
            tx.commit().await?;
            Ok(deleted)
        })
        .await
    }
}

async fn select(
    connection: &mut PgConnection,
    id: Option<Uuid>,
    data_set: Option<DataSetId>,
) -> Result<Vec<TransformRow>, StoreError> {
    let query = sqlx::query(SELECT).bind(id).bind(data_set.map(|id| id.0));
    query.fetch_all(connection).await?.iter().map(TransformRow::read).collect()
}
