//! Making a data set, with its schema and its first token, if it has one.

use super::settings;
use crate::audit::{self, Actor};
use crate::tokens;
use crate::{Database, StoreError};
use backdrop_core::data_set::{DataSetDefinition, DataSetId};
use backdrop_core::token::{TokenHash, TokenTerms};
use serde_json::{Value, json};
use sqlx::Row;
use sqlx::postgres::PgConnection;

/// What it takes to make a data set.
#[derive(Clone, Debug)]
pub struct NewDataSet {
    /// What was asked for.
    pub definition: DataSetDefinition,
    /// The schema its records must follow; `None`: record rules only.
    pub schema: Option<Value>,
    /// The hash of its first token, if it gets one at once.
    pub token: Option<TokenHash>,
    /// Who makes it.
    pub actor: Actor,
}

impl Database {
    /// Makes a data set, on the partition that has the fewest, with its schema and its first token, if it has one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the name, or the pair of group and type, is taken.
    pub async fn create_data_set(&self, new: NewDataSet) -> Result<DataSetId, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let mut tx = pool.begin().await?;
            let id = insert_data_set(&mut tx, &new.definition).await?;
            let data_set = DataSetId(id);
            sqlx::query("INSERT INTO data_set_state (data_set_id) VALUES ($1)")
                .bind(id)
                .execute(&mut *tx)
                .await?;
            if let Some(schema) = &new.schema {
                sqlx::query(
                    "INSERT INTO data_set_schema (data_set_id, version, document) VALUES ($1, 1, $2)",
                )
                .bind(id)
                .bind(schema)
                .execute(&mut *tx)
                .await?;
            }
            let terms = TokenTerms::default();
            let token = match new.token {
                Some(hash) => Some(tokens::insert(&mut tx, data_set, hash, &terms).await?),
                None => None,
            };
            let detail = json!({
                "data_group": new.definition.data_group,
                "data_type": new.definition.data_type,
                "settings": new.definition.settings,
                "schema": new.schema.as_ref().map(|_| 1),
                "token": token.map(|token| tokens::told(token, &terms)),
            });
            audit::note(&mut tx, data_set, &new.actor, "create_data_set", &detail).await?;
            tx.commit().await?;
            Ok(data_set)
        })
        .await
    }
}

async fn insert_data_set(
    connection: &mut PgConnection,
    definition: &DataSetDefinition,
) -> Result<i64, StoreError> {
    let query = sqlx::query(
        r#"
        INSERT INTO data_set (
            raw_queries_allowed, queryable, published, realtime, auto_ids, max_age_expected, capped_size,
            retention_days, upload_format, upload_filters, name, data_group, data_type, partition
        )
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, p.partition
        FROM ingest_partition p
        LEFT JOIN data_set d ON d.partition = p.partition AND d.deleted_at IS NULL
        GROUP BY p.partition
        ORDER BY count(d.id), p.partition
        LIMIT 1
        RETURNING id
        "#,
    );
    let row = settings::bind(query, &definition.settings)
        .bind(definition.name.as_str())
        .bind(definition.data_group.as_str())
        .bind(definition.data_type.as_str())
        .fetch_one(connection)
        .await?;
    Ok(row.try_get("id")?)
}
