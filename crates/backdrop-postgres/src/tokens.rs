//! The tokens of data sets.

use crate::{Database, StoreError};
use backdrop_core::data_set::DataSetId;
use backdrop_core::time::Timestamp;
use backdrop_core::token::{TokenHash, TokenId};

impl Database {
    /// Adds a token to a data set.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the data set has this token already.
    pub async fn create_token(
        &self,
        data_set: DataSetId,
        hash: TokenHash,
        expires_at: Option<Timestamp>,
    ) -> Result<TokenId, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let id = sqlx::query_scalar(
                "INSERT INTO data_set_token (data_set_id, sha256, expires_at) VALUES ($1, $2, $3) RETURNING id",
            )
            .bind(data_set.0)
            .bind(&hash.as_bytes()[..])
            .bind(expires_at)
            .fetch_one(&pool)
            .await?;
            Ok(TokenId(id))
        })
        .await
    }

    /// Revokes a token of a data set; the row stays, because batches name it. Whether there was such a
    /// token that was not revoked yet.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn revoke_token(&self, data_set: DataSetId, token: TokenId) -> Result<bool, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let done = sqlx::query(
                "UPDATE data_set_token SET revoked_at = now()
                 WHERE data_set_id = $1 AND id = $2 AND revoked_at IS NULL",
            )
            .bind(data_set.0)
            .bind(token.0)
            .execute(&pool)
            .await?;
            Ok(done.rows_affected() == 1)
        })
        .await
    }
}
