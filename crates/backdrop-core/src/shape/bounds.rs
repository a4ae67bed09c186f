//! How large an answer may be.

use crate::error::ApiError;
use crate::query::invalid;

/// How many rows an answer may have. A dashboard draws some hundreds; a hundred thousand are some tens
/// of megabytes of JSON, which is what a process can afford for one of many requests.
pub const ROWS_MAX: u32 = 100_000;
/// How many bytes an engine may gather for one answer: rows are bounded in number, not in width.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The error of a query with more than [`ROWS_MAX`] rows.
pub fn too_many_rows() -> ApiError {
    invalid(format!(
        "This query has more than {ROWS_MAX} rows; narrow it down with `start_at` and `end_at`, `filter_by` \
         or `limit`, choose a longer `period`, or group by fewer fields"
    ))
}

/// The error of a query with more than [`ANSWER_BYTES_MAX`] bytes.
pub fn too_large() -> ApiError {
    invalid(format!(
        "The answer to this query has more than {} MiB; narrow it down with `start_at` and `end_at`, \
         `filter_by` or `limit`",
        ANSWER_BYTES_MAX / 1024 / 1024
    ))
}

/// Checks that so many groups of so many periods each make no more than [`ROWS_MAX`] rows.
pub(super) fn check(groups: usize, periods: usize) -> Result<(), ApiError> {
    let rows = (groups as u64).saturating_mul(periods.max(1) as u64);
    if rows > u64::from(ROWS_MAX) { Err(too_many_rows()) } else { Ok(()) }
}
