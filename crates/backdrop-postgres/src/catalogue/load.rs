//! Reading the whole configuration from Postgres.

use super::Contents;
use super::snapshot::{KnownDataSet, KnownToken, Snapshot};
use crate::tokens::read_scopes;
use crate::{Database, StoreError, data_sets};
use backdrop_core::data_set::DataSetId;
use backdrop_core::token::{TokenHash, TokenId};
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgPool};
use std::collections::HashMap;
use std::sync::Arc;

/// The configuration, unless it is still the one that is known.
pub(super) async fn other_than(
    database: &Database,
    contents: Contents,
    known: &Snapshot,
) -> Result<Option<Snapshot>, StoreError> {
    let pool = database.pool.clone();
    let known = (known.version, known.life.clone());
    database.in_task(async move { load(&pool, contents, known).await }).await
}

async fn load(
    pool: &PgPool,
    contents: Contents,
    known: (i64, String),
) -> Result<Option<Snapshot>, StoreError> {
    // One snapshot of the database, so that the version goes with what is read.
    let mut tx = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    // A version of before a restore may come again. But that takes another start of the server, or another row.
    let sql = "SELECT version, xmin::text || ' ' || pg_postmaster_start_time() FROM configuration";
    let (version, life): (i64, String) = sqlx::query_as(sql).fetch_one(&mut *tx).await?;
    if (version, &life) == (known.0, &known.1) {
        tx.rollback().await?;
        return Ok(None);
    }
    let data_sets = data_sets::known(&mut tx).await?;
    let mut tokens = match contents {
        Contents::WithTokens => load_tokens(&mut tx).await?,
        Contents::WithoutTokens => HashMap::new(),
    };
    tx.rollback().await?;

    let mut snapshot = Snapshot { version, life, ..Snapshot::default() };
    for data_set in data_sets {
        let types = snapshot.by_group.entry(data_set.data_group.to_string()).or_default();
        types.insert(data_set.data_type.to_string(), data_set.id);
        snapshot.by_name.insert(data_set.name.to_string(), data_set.id);
        let tokens = tokens.remove(&data_set.id).unwrap_or_default();
        snapshot.by_id.insert(data_set.id, Arc::new(KnownDataSet { data_set, tokens }));
    }
    Ok(Some(snapshot))
}

async fn load_tokens(
    connection: &mut PgConnection,
) -> Result<HashMap<DataSetId, Vec<KnownToken>>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, data_set_id, sha256, scopes, expires_at, requests_per_minute FROM data_set_token
         WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())",
    )
    .fetch_all(connection)
    .await?;
    let mut tokens: HashMap<DataSetId, Vec<KnownToken>> = HashMap::new();
    for row in rows {
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
    Ok(tokens)
}
