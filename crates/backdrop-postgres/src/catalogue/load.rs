//! Reading the whole configuration from Postgres.

use super::{KnownDataSet, KnownToken, Snapshot};
use crate::data_sets::DataSetRow;
use crate::tokens::read_scopes;
use crate::{Database, StoreError};
use backdrop_core::data_set::DataSetId;
use backdrop_core::token::{TokenHash, TokenId};
use sqlx::Row;
use sqlx::postgres::PgPool;
use std::collections::HashMap;
use std::sync::Arc;

/// The configuration, unless it is still the one that is known.
pub(super) async fn other_than(
    database: &Database,
    known: &Snapshot,
) -> Result<Option<Snapshot>, StoreError> {
    let pool = database.pool.clone();
    let known = (known.version, known.life.clone());
    database.in_task(async move { load(&pool, known).await }).await
}

async fn load(pool: &PgPool, known: (i64, String)) -> Result<Option<Snapshot>, StoreError> {
    // One snapshot of the database, so that the version goes with what is read.
    let mut tx = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    // A version of before a restore may come again. But that takes another start of the server, or another row.
    let sql = "SELECT version, xmin::text || ' ' || pg_postmaster_start_time() FROM configuration";
    let (version, life): (i64, String) = sqlx::query_as(sql).fetch_one(&mut *tx).await?;
    if (version, &life) == (known.0, &known.1) {
        tx.rollback().await?;
        return Ok(None);
    }
    let rows = DataSetRow::all(&mut tx).await?;
    let token_rows = sqlx::query(
        "SELECT id, data_set_id, sha256, scopes, expires_at, requests_per_minute FROM data_set_token
         WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())",
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.rollback().await?;

    let mut tokens: HashMap<DataSetId, Vec<KnownToken>> = HashMap::new();
    for row in token_rows {
        let id: i64 = row.try_get("id")?;
        let sha256: Vec<u8> = row.try_get("sha256")?;
        let bytes =
            sha256.try_into().map_err(|_| StoreError::corrupt(format!("data_set_token {id}"), "sha256"))?;
        let requests: Option<i32> = row.try_get("requests_per_minute")?;
        let token = KnownToken {
            id: TokenId(id),
            hash: TokenHash::from_bytes(bytes),
            scopes: read_scopes(id, &row)?,
            expires_at: row.try_get("expires_at")?,
            requests_per_minute: requests.and_then(|number| number.try_into().ok()),
        };
        tokens.entry(DataSetId(row.try_get("data_set_id")?)).or_default().push(token);
    }
    let mut snapshot = Snapshot { version, life, ..Snapshot::default() };
    for row in rows {
        let data_set = row.data_set;
        let types = snapshot.by_group.entry(data_set.data_group.to_string()).or_default();
        types.insert(data_set.data_type.to_string(), data_set.id);
        snapshot.by_name.insert(data_set.name.to_string(), data_set.id);
        let tokens = tokens.remove(&data_set.id).unwrap_or_default();
        snapshot.by_id.insert(data_set.id, Arc::new(KnownDataSet { data_set, tokens }));
    }
    Ok(Some(snapshot))
}
