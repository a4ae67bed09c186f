//! How large an answer may be.
//!
//! What an engine finds is bounded by the engine. Here is bounded what shaping adds to it: rows for periods
//! without records, the names of columns in each of them, and the keys of a group in each of its rows. It is
//! known before the first row is made.

use super::Scalar;
use super::columns::Columns;
use super::group::Group;
use crate::error::ApiError;
use crate::query::{Grouping, invalid};
use serde_json::Value;

/// How many rows an answer may have. A dashboard draws some hundreds; a hundred thousand are some tens
/// of megabytes of JSON, which is what a process can afford for one of many requests.
pub const ROWS_MAX: u32 = 100_000;
/// How many bytes an engine may gather for one answer, and how many shaping may add: rows are bounded in
/// number, not in width.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How many values the rows of an answer may have, nulls too: each takes some hundred bytes of memory until
/// the answer is written.
const VALUES_MAX: usize = 2_000_000;
/// What a value and the signs around it take at least: `"":null,`.
const VALUE_BYTES: usize = 8;

/// How many cells an answer may be made of: as many as it has rows at most, and one for each group.
pub const fn cells_max(grouping: &Grouping) -> usize {
    if grouping.needs_totals() { 2 * ROWS_MAX as usize } else { ROWS_MAX as usize }
}

/// The error of a query with more than [`ROWS_MAX`] rows.
pub fn too_many_rows() -> ApiError {
    invalid(format!(
        "This query has more than {ROWS_MAX} rows; narrow it down with `start_at` and `end_at`, `filter_by` \
         or `limit`"
    ))
}

/// The error of a query with more than [`ROWS_MAX`] groups, or groups and periods. A limit would not help:
/// all groups have to be known before the first can be told.
pub fn too_many_groups() -> ApiError {
    invalid(format!(
        "This query has more than {ROWS_MAX} groups, or periods of groups; narrow it down with `start_at` and \
         `end_at` or `filter_by`, choose a longer `period`, or group by fewer fields"
    ))
}

/// The error of a query with more than [`ANSWER_BYTES_MAX`] bytes.
pub fn too_large() -> ApiError {
    invalid(format!(
        "The answer to this query has more than {} MiB or {VALUES_MAX} values; narrow it down with `start_at` and \
         `end_at`, `filter_by` or `limit`, choose a longer `period`, or `collect` less",
        ANSWER_BYTES_MAX / 1024 / 1024
    ))
}

/// Checks the size of an answer: a row for each of so many periods of each group, or for each group alone.
pub(super) fn check(groups: &[Group], periods: usize, columns: &Columns) -> Result<(), ApiError> {
    let rows = groups.len().saturating_mul(periods.max(1));
    if rows > ROWS_MAX as usize {
        return Err(too_many_groups());
    }
    let key_bytes: usize = groups.iter().flat_map(|group| &group.keys).map(text_bytes).sum();
    let row_bytes = columns.name_bytes() + columns.width() * VALUE_BYTES;
    let bytes = rows.saturating_mul(row_bytes).saturating_add(key_bytes.saturating_mul(periods.max(1)));
    if rows.saturating_mul(columns.width()) > VALUES_MAX || bytes > ANSWER_BYTES_MAX {
        return Err(too_large());
    }
    Ok(())
}

const fn text_bytes(key: &Scalar) -> usize {
    match &key.0 {
        Value::String(text) => text.len(),
        _ => 0,
    }
}
