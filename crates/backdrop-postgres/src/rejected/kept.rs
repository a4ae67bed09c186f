//! Rejected batches for those who look at them, replay them or let them go.

use super::read_numbers;
use crate::audit::{self, Actor};
use crate::{Database, StoreError};
use backdrop_core::batch::BatchKind;
use backdrop_core::data_set::{DataSet, DataSetId};
use backdrop_core::origin::Origin;
use backdrop_core::record::{Violation, Violations};
use backdrop_core::time::Timestamp;
use flate2::read::GzDecoder;
use serde_json::json;
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use std::io::Read;
use uuid::Uuid;

/// How many a listing shows: more is for a tool, not for a person.
const LISTED: i64 = 100;
/// The most bytes of records that are inflated. The door takes 10 MiB unless it is set to take more, and what it
/// makes of a text or a sheet may be larger than that was.
const INFLATED_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A rejected batch, without its body.
#[derive(Clone, Debug)]
pub struct RejectedBatch {
    /// The batch.
    pub batch_id: Uuid,
    /// What it was to do.
    pub kind: BatchKind,
    /// How many records are kept; `None`: a version that did not count, or what is kept is no list.
    pub records: Option<i32>,
    /// The numbers that those records had in their request; none: they are all of it.
    pub numbers: Vec<usize>,
    /// What was wrong with it.
    pub violations: Violations,
    /// When it was rejected.
    pub rejected_at: Timestamp,
    /// The batch as which it was replayed with success.
    pub replayed_as: Option<Uuid>,
}

/// A rejected batch with everything that a replay takes.
#[derive(Clone, Debug)]
pub struct KeptBatch {
    /// The batch.
    pub batch: RejectedBatch,
    /// Where its records came from.
    pub origin: Origin,
    /// What was wrong with records as they came; they are numbered as they are kept.
    pub faults: Vec<Violation>,
    body: Vec<u8>,
}

impl RejectedBatch {
    fn read(row: &PgRow) -> Result<Self, StoreError> {
        let kind: Option<Json<BatchKind>> = row.try_get("kind")?;
        let Json(violations) = row.try_get("errors")?;
        Ok(Self {
            batch_id: row.try_get("batch_id")?,
            // The version before did not keep it; what has records to show was an append.
            kind: kind.map_or(BatchKind::Append, |Json(kind)| kind),
            records: row.try_get("records")?,
            numbers: read_numbers(row)?,
            violations,
            rejected_at: row.try_get("rejected_at")?,
            replayed_as: row.try_get("replayed_as")?,
        })
    }
}

impl KeptBatch {
    fn read(row: &PgRow) -> Result<Self, StoreError> {
        let origin: Option<Json<Origin>> = row.try_get("origin")?;
        let faults: Option<Json<Vec<Violation>>> = row.try_get("faults")?;
        Ok(Self {
            batch: RejectedBatch::read(row)?,
            origin: origin.map_or(Origin::Json, |Json(origin)| origin),
            faults: faults.map(|Json(faults)| faults).unwrap_or_default(),
            body: row.try_get("body")?,
        })
    }

    /// What was kept of the batch: the JSON array of its records, unless it was none. Takes a while if it is large.
    ///
    /// # Errors
    /// If it cannot be inflated.
    pub fn inflate(&self) -> Result<String, StoreError> {
        let mut text = String::new();
        let corrupt = || StoreError::corrupt(format!("rejected_batch {}", self.batch.batch_id), "body");
        let mut inflating = GzDecoder::new(&*self.body).take(INFLATED_BYTES_MAX + 1);
        match inflating.read_to_string(&mut text) {
            Ok(bytes) if u64::try_from(bytes).is_ok_and(|bytes| bytes <= INFLATED_BYTES_MAX) => Ok(text),
            _ => Err(corrupt()),
        }
    }
}

impl Database {
    /// The newest rejected batches of a data set, newest first.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn rejected_batches(&self, data_set: &DataSet) -> Result<Vec<RejectedBatch>, StoreError> {
        let (pool, data_set) = (self.pool.clone(), data_set.id);
        self.in_task(async move {
            let rows = sqlx::query(
                "SELECT batch_id, kind, records, numbers, errors, rejected_at, replayed_as
                 FROM rejected_batch WHERE data_set_id = $1
                 ORDER BY rejected_at DESC, version DESC, batch_id DESC LIMIT $2",
            )
            .bind(data_set.0)
            .bind(LISTED)
            .fetch_all(&pool)
            .await?;
            rows.iter().map(RejectedBatch::read).collect()
        })
        .await
    }

    /// A rejected batch of a data set, if it is kept.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn rejected_batch(
        &self,
        data_set: &DataSet,
        batch_id: Uuid,
    ) -> Result<Option<KeptBatch>, StoreError> {
        let (pool, data_set) = (self.pool.clone(), data_set.id);
        self.in_task(async move {
            let row = sqlx::query(
                "SELECT batch_id, kind, records, numbers, errors, rejected_at, replayed_as, origin, faults, body
                 FROM rejected_batch WHERE data_set_id = $1 AND batch_id = $2",
            )
            .bind(data_set.0)
            .bind(batch_id)
            .fetch_optional(&pool)
            .await?;
            row.as_ref().map(KeptBatch::read).transpose()
        })
        .await
    }

    /// Lets a rejected batch go, and notes who did. Whether there was one.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn discard_rejected(
        &self,
        data_set: DataSetId,
        batch_id: Uuid,
        actor: Actor,
    ) -> Result<bool, StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            let mut tx = pool.begin().await?;
            let sql = "DELETE FROM rejected_batch WHERE data_set_id = $1 AND batch_id = $2";
            let query = sqlx::query(sql).bind(data_set.0).bind(batch_id);
            let is_discarded = query.execute(&mut *tx).await?.rows_affected() == 1;
            if is_discarded {
                let detail = json!({"batch": batch_id});
                audit::note(&mut tx, data_set, &actor, "discard_rejected_batch", &detail).await?;
            }
            tx.commit().await?;
            Ok(is_discarded)
        })
        .await
    }
}
