//! The tokens of data sets.

use crate::audit::{self, Actor};
use crate::{Database, StoreError};
use backdrop_core::data_set::DataSetId;
use backdrop_core::time::{self, Timestamp};
use backdrop_core::token::{Scope, TokenHash, TokenId, TokenTerms};
use serde_json::{Value, json};
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};

/// A token that is not revoked, as administrators see it.
#[derive(Clone, Debug)]
pub struct TokenRow {
    /// Its identity.
    pub id: TokenId,
    /// What it lets its holder do, and for how long.
    pub terms: TokenTerms,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was used last, as far as is known.
    pub last_used_at: Option<Timestamp>,
}

impl TokenRow {
    fn read(row: &PgRow) -> Result<Self, StoreError> {
        let id: i64 = row.try_get("id")?;
        let requests: Option<i32> = row.try_get("requests_per_minute")?;
        let terms = TokenTerms {
            label: row.try_get("label")?,
            scopes: read_scopes(id, row)?,
            expires_at: row.try_get("expires_at")?,
            requests_per_minute: requests.and_then(|number| number.try_into().ok()),
        };
        Ok(Self {
            id: TokenId(id),
            terms,
            created_at: row.try_get("created_at")?,
            last_used_at: row.try_get("last_used_at")?,
        })
    }
}

/// The scopes in a row of a token.
pub(crate) fn read_scopes(id: i64, row: &PgRow) -> Result<Vec<Scope>, StoreError> {
    let scopes: Vec<String> = row.try_get("scopes")?;
    let scopes: Option<_> = scopes.iter().map(|scope| Scope::parse(scope)).collect();
    scopes.ok_or_else(|| StoreError::corrupt(format!("data_set_token {id}"), "scopes"))
}

/// Adds a token to a data set.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    data_set: DataSetId,
    hash: TokenHash,
    terms: &TokenTerms,
) -> Result<TokenId, StoreError> {
    let id = sqlx::query_scalar(
        "INSERT INTO data_set_token (data_set_id, sha256, expires_at, label, scopes, requests_per_minute)
         VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
    )
    .bind(data_set.0)
    .bind(&hash.as_bytes()[..])
    .bind(terms.expires_at)
    .bind(&terms.label)
    .bind(terms.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>())
    .bind(terms.requests_per_minute.map(|number| i32::try_from(number).unwrap_or(i32::MAX)))
    .fetch_one(connection)
    .await?;
    Ok(TokenId(id))
}

/// What the trail tells of a token: never itself.
pub(crate) fn told(id: TokenId, terms: &TokenTerms) -> Value {
    json!({
        "token": id,
        "label": terms.label,
        "scopes": terms.scopes,
        "expires_at": terms.expires_at.map(time::format),
        "requests_per_minute": terms.requests_per_minute,
    })
}

impl Database {
    /// Adds a token to a data set.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the data set has this token already.
    pub async fn create_token(
        &self,
        data_set: DataSetId,
        hash: TokenHash,
        terms: TokenTerms,
        actor: Actor,
    ) -> Result<TokenId, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let mut tx = pool.begin().await?;
            let id = insert(&mut tx, data_set, hash, &terms).await?;
            audit::note(&mut tx, data_set, &actor, "create_token", &told(id, &terms)).await?;
            tx.commit().await?;
            Ok(id)
        })
        .await
    }

    /// The tokens of a data set that are not revoked, in the order in which they were made.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn tokens(&self, data_set: DataSetId) -> Result<Vec<TokenRow>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let rows = sqlx::query(
                "SELECT t.id, t.label, t.scopes, t.expires_at, t.requests_per_minute, t.created_at, u.last_used_at
                 FROM data_set_token t LEFT JOIN data_set_token_use u ON u.token_id = t.id
                 WHERE t.data_set_id = $1 AND t.revoked_at IS NULL ORDER BY t.id",
            )
            .bind(data_set.0)
            .fetch_all(&pool)
            .await?;
            rows.iter().map(TokenRow::read).collect()
        })
        .await
    }

    /// Revokes a token of a data set, at once or from a later time on; the row stays, because batches name it. Gives
    /// the token as it was, if there was one that was not revoked yet.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn revoke_token(
        &self,
        data_set: DataSetId,
        token: TokenId,
        from: Option<Timestamp>,
        actor: Actor,
    ) -> Result<Option<TokenRow>, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let mut tx = pool.begin().await?;
            let row = sqlx::query(
                // A token that ends earlier anyway does not live longer for being revoked.
                "UPDATE data_set_token t
                 SET revoked_at = CASE WHEN $3::timestamptz IS NULL THEN now() END,
                     expires_at = LEAST(t.expires_at, $3)
                 WHERE t.data_set_id = $1 AND t.id = $2 AND t.revoked_at IS NULL
                 RETURNING t.id, t.label, t.scopes, t.expires_at, t.requests_per_minute, t.created_at,
                           NULL::timestamptz AS last_used_at",
            )
            .bind(data_set.0)
            .bind(token.0)
            .bind(from)
            .fetch_optional(&mut *tx)
            .await?;
            let revoked = row.as_ref().map(TokenRow::read).transpose()?;
            if let Some(revoked) = &revoked {
                let detail = told(revoked.id, &revoked.terms);
                audit::note(&mut tx, data_set, &actor, "revoke_token", &detail).await?;
            }
            tx.commit().await?;
            Ok(revoked)
        })
        .await
    }

    /// Notes when tokens were used last.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn note_token_use(&self, used: Vec<(TokenId, Timestamp)>) -> Result<(), StoreError> {
        let pool = self.pool.clone();
        let (ids, times): (Vec<i64>, Vec<Timestamp>) =
            used.into_iter().map(|(TokenId(id), at)| (id, at)).unzip();
        self.in_task(async move {
            // In the order of ids, so that two processes that write the same ones do not wait for each other in a circle.
            sqlx::query(
                "INSERT INTO data_set_token_use AS u (token_id, last_used_at)
                 SELECT n.id, n.used_at FROM UNNEST($1::bigint[], $2::timestamptz[]) AS n (id, used_at)
                 -- A store that was restored does not know tokens that were made since.
                 JOIN data_set_token t ON t.id = n.id
                 ORDER BY n.id
                 ON CONFLICT (token_id) DO UPDATE
                 SET last_used_at = GREATEST(u.last_used_at, excluded.last_used_at)",
            )
            .bind(ids)
            .bind(times)
            .execute(&pool)
            .await?;
            Ok(())
        })
        .await
    }
}
