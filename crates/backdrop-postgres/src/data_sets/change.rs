//! Changing what a data set is set to.

use super::settings;
use crate::audit::{self, Actor};
use crate::schemas;
use crate::{Database, StoreError};
use backdrop_core::data_set::{DataSetChange, DataSetId, DataSetSettings};
use serde_json::{Map, Value, json};
use sqlx::postgres::PgConnection;

impl Database {
    /// Changes settings and schema of a data set, as far as they are to be changed. Whether it was there.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn change_data_set(
        &self,
        data_set: DataSetId,
        change: DataSetChange,
        actor: Actor,
    ) -> Result<bool, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let mut tx = pool.begin().await?;
            let sql =
                "SELECT raw_queries_allowed, queryable, published, realtime, auto_ids, max_age_expected,
                              capped_size, retention_days, upload_format, upload_filters
                       FROM data_set WHERE id = $1 AND deleted_at IS NULL FOR UPDATE";
            let Some(row) = sqlx::query(sql).bind(data_set.0).fetch_optional(&mut *tx).await? else {
                tx.rollback().await?;
                return Ok(false);
            };
            let old = settings::read(&row)?;
            let new = change.settings.applied_to(&old);
            // Each such statement makes every process load its configuration anew, and leaves a line in the trail.
            if new != old {
                update(&mut tx, data_set, &new).await?;
                audit::note(&mut tx, data_set, &actor, "change_data_set", &difference(&old, &new)).await?;
            }
            if let Some(document) = &change.schema {
                schemas::set(&mut tx, data_set, document, &actor).await?;
            }
            tx.commit().await?;
            Ok(true)
        })
        .await
    }
}

async fn update(
    connection: &mut PgConnection,
    data_set: DataSetId,
    new: &DataSetSettings,
) -> Result<(), StoreError> {
    let query = sqlx::query(
        "UPDATE data_set
         SET raw_queries_allowed = $1, queryable = $2, published = $3, realtime = $4, auto_ids = $5,
             max_age_expected = $6, capped_size = $7, retention_days = $8, upload_format = $9, upload_filters = $10
         WHERE id = $11",
    );
    settings::bind(query, new).bind(data_set.0).execute(connection).await?;
    Ok(())
}

/// The fields that differ, each from what to what.
fn difference(old: &DataSetSettings, new: &DataSetSettings) -> Value {
    let (old, new) = (json!(old), json!(new));
    let fields = old.as_object().into_iter().flatten();
    let differing = fields.filter(|(field, value)| new[field.as_str()] != **value);
    let told =
        differing.map(|(field, value)| (field.clone(), json!({"from": value, "to": new[field.as_str()]})));
    Value::Object(told.collect::<Map<_, _>>())
}
