//! Documents of the original's administration, and data groups that have no data set yet.

mod references;

use crate::audit::{self, Actor};
use crate::{Database, SaveError, StoreError};
use backdrop_core::data_set::DataSetId;
use backdrop_core::document::{Document, DocumentKind};
use backdrop_core::error::{ApiError, ErrorCode};
use backdrop_core::transform::Surroundings;
use serde_json::{Map, Value, json};
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::types::Json;
use std::collections::HashMap;
use uuid::Uuid;

/// How many documents of a kind are kept; the original had 876 dashboards.
const DOCUMENTS_MAX: i64 = 5_000;

/// The dashboards with a module, at whatever depth, that shows data set $1.
macro_rules! dashboards_of {
    ($columns:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM document v, data_set s
              WHERE s.id = $1 AND v.kind = 'dashboard'
                AND jsonb_path_exists(
                    v.body -> 'modules',
                    '$.** ? (@.data_group == $group && @.data_type == $type)',
                    jsonb_build_object('group', s.data_group, 'type', s.data_type)
                )"
        )
    };
}

/// A document and what it is known by.
#[derive(Clone, Debug)]
pub struct DocumentRow {
    /// Its identity.
    pub id: Uuid,
    /// The document, without its id.
    pub body: Map<String, Value>,
}

impl DocumentRow {
    fn read(row: &PgRow) -> Result<Self, StoreError> {
        let Json(body) = row.try_get("body")?;
        Ok(Self { id: row.try_get("id")?, body })
    }
}

/// Keeps out who else changes documents; those who read go on.
async fn lock(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("LOCK TABLE document IN SHARE ROW EXCLUSIVE MODE").execute(connection).await?;
    Ok(())
}

/// Writes the row, if there is room; whether it is a new one.
async fn upsert(
    connection: &mut PgConnection,
    kind: DocumentKind,
    id: Uuid,
    document: &Document,
) -> Result<bool, SaveError> {
    let is_new = sqlx::query_scalar(
        "INSERT INTO document (kind, id, slug, body)
         SELECT $1, $2, $3, $4
         WHERE (SELECT count(*) FROM document WHERE kind = $1 AND id <> $2) < $5
         ON CONFLICT (kind, id) DO UPDATE SET slug = excluded.slug, body = excluded.body
         -- A row that was just inserted has no deleting transaction yet.
         RETURNING xmax = 0",
    )
    .bind(kind.as_str())
    .bind(id)
    .bind(&document.slug)
    .bind(Json(&document.body))
    .bind(DOCUMENTS_MAX)
    .fetch_optional(connection)
    .await?;
    is_new.ok_or_else(|| {
        let message = format!("There are {DOCUMENTS_MAX} of them, and no more can be kept. Delete some.");
        ApiError::new(ErrorCode::InvalidDefinition, message).into()
    })
}

impl Database {
    /// All documents of a kind, in the order of what they are called.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn documents(&self, kind: DocumentKind) -> Result<Vec<DocumentRow>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let sql = "SELECT id, body FROM document WHERE kind = $1 ORDER BY slug, id";
            let rows = sqlx::query(sql).bind(kind.as_str()).fetch_all(&pool).await?;
            rows.iter().map(DocumentRow::read).collect()
        })
        .await
    }

    /// One document, by its id or by what it is called.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn document(
        &self,
        kind: DocumentKind,
        name: String,
    ) -> Result<Option<DocumentRow>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let sql = "SELECT id, body FROM document WHERE kind = $1 AND (id = $2 OR slug = $3)
                       ORDER BY id = $2 DESC LIMIT 1";
            let query = sqlx::query(sql).bind(kind.as_str()).bind(Uuid::try_parse(&name).ok()).bind(name);
            query.fetch_optional(&pool).await?.as_ref().map(DocumentRow::read).transpose()
        })
        .await
    }

    /// Keeps a document under an id: a new one, or a changed one.
    ///
    /// # Errors
    /// [`SaveError::Refused`] if it names what is not there, or if there is no room; [`StoreError::Conflict`] if another
    /// is called the same.
    pub async fn save_document(
        &self,
        kind: DocumentKind,
        id: Uuid,
        document: Document,
        actor: Actor,
    ) -> Result<(), SaveError> {
        let pool = self.pool.clone();
        self.save_in_task(async move {
            let mut tx = pool.begin().await?;
            lock(&mut tx).await?;
            references::expect(&mut tx, kind, id, &document).await?;
            let is_new = upsert(&mut tx, kind, id, &document).await?;
            let action = format!("{}_{}", if is_new { "create" } else { "change" }, kind.as_str());
            let detail = json!({"id": id, "slug": document.slug});
            audit::note_resource(&mut tx, &actor, &action, &detail).await?;
            tx.commit().await?;
            Ok(())
        })
        .await
    }

    /// Deletes a document. Whether there was one.
    ///
    /// # Errors
    /// [`SaveError::Refused`] if others name it.
    pub async fn delete_document(
        &self,
        kind: DocumentKind,
        id: Uuid,
        actor: Actor,
    ) -> Result<bool, SaveError> {
        let pool = self.pool.clone();
        self.save_in_task(async move {
            let mut tx = pool.begin().await?;
            lock(&mut tx).await?;
            references::expect_unused(&mut tx, kind, id).await?;
            let sql = "DELETE FROM document WHERE kind = $1 AND id = $2 RETURNING slug";
            let query = sqlx::query_scalar(sql).bind(kind.as_str()).bind(id);
            let deleted: Option<Option<String>> = query.fetch_optional(&mut *tx).await?;
            let Some(slug) = deleted else { return Ok(false) };
            let action = format!("delete_{}", kind.as_str());
            audit::note_resource(&mut tx, &actor, &action, &json!({"id": id, "slug": slug})).await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    /// The dashboards one of whose modules shows the data set.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn dashboards_of(&self, data_set: DataSetId) -> Result<Vec<DocumentRow>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let sql = concat!(dashboards_of!("v.id, v.body"), " ORDER BY v.slug");
            let rows = sqlx::query(sql).bind(data_set.0).fetch_all(&pool).await?;
            rows.iter().map(DocumentRow::read).collect()
        })
        .await
    }

    /// The published dashboards that show the data set, and which service each of them shows of it.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn surroundings(&self, data_set: DataSetId) -> Result<Surroundings, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let sql = concat!(
                dashboards_of!(
                    "v.slug, ARRAY(
                         SELECT DISTINCT f #>> '{}' FROM jsonb_path_query(
                             v.body -> 'modules',
                             '$.** ? (@.data_group == $group && @.data_type == $type).query_parameters.filter_by[*]
                              ? (@ starts with \"service_id:\")',
                             jsonb_build_object('group', s.data_group, 'type', s.data_type)
                         ) AS f
                     ) AS services"
                ),
                " AND v.body ->> 'status' = 'published' ORDER BY v.slug"
            );
            let rows = sqlx::query(sql).bind(data_set.0).fetch_all(&pool).await?;
            let mut dashboards = Vec::new();
            let mut by_service: HashMap<String, Vec<String>> = HashMap::new();
            for row in rows {
                let slug: String = row.try_get("slug")?;
                let services: Vec<String> = row.try_get("services")?;
                for service in services.iter().filter_map(|filter| filter.strip_prefix("service_id:")) {
                    by_service.entry(service.to_owned()).or_default().push(slug.clone());
                }
                dashboards.push(slug);
            }
            Ok(Surroundings { dashboards, by_service })
        })
        .await
    }

    /// The data groups there are: those of the data sets, and those that were made by themselves.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn data_groups(&self) -> Result<Vec<String>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let sql = "SELECT name FROM data_group
                       UNION SELECT data_group FROM data_set WHERE deleted_at IS NULL ORDER BY 1";
            Ok(sqlx::query_scalar(sql).fetch_all(&pool).await?)
        })
        .await
    }

    /// Keeps a data group, if it is not there already.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn save_data_group(&self, name: String, actor: Actor) -> Result<(), StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let mut tx = pool.begin().await?;
            let sql = "INSERT INTO data_group (name) VALUES ($1) ON CONFLICT DO NOTHING";
            let made = sqlx::query(sql).bind(&name).execute(&mut *tx).await?;
            if made.rows_affected() == 1 {
                audit::note_resource(&mut tx, &actor, "create_data_group", &json!({"name": name})).await?;
            }
            tx.commit().await?;
            Ok(())
        })
        .await
    }

    /// Deletes a data group that has no data sets. Whether it did.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn delete_data_group(&self, name: String, actor: Actor) -> Result<bool, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let mut tx = pool.begin().await?;
            let sql = "DELETE FROM data_group WHERE name = $1 AND NOT EXISTS (
                           SELECT FROM data_set WHERE data_group = $1 AND deleted_at IS NULL
                       )";
            let deleted = sqlx::query(sql).bind(&name).execute(&mut *tx).await?.rows_affected() == 1;
            if deleted {
                audit::note_resource(&mut tx, &actor, "delete_data_group", &json!({"name": name})).await?;
            }
            tx.commit().await?;
            Ok(deleted)
        })
        .await
    }
}
