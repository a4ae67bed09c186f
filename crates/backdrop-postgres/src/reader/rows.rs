//! Records, as the statement of [`super::statement::rows`] gives them.

use super::ReadError;
use crate::StoreError;
use backdrop_core::shape::record_row;
use backdrop_core::time::Timestamp;
use serde_json::value::RawValue;
use sqlx::Row;
use sqlx::postgres::PgRow;

pub(super) fn read(row: &PgRow) -> Result<Box<RawValue>, ReadError> {
    let id: &str = row.try_get("id")?;
    let updated_at: Timestamp = row.try_get("updated_at")?;
    let body: &str = row.try_get("body")?;
    record_row(id, updated_at, body).map_err(|_| StoreError::corrupt(format!("record {id:?}"), "body").into())
}
