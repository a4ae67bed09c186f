//! The table: every bad input, by what is bad about it.

mod administration;
pub(crate) mod callers;
mod changes;
mod json;
mod lines;
mod records;
mod schemas;
mod sheets;
mod transport;

use crate::Tokens;
use crate::row::Row;

/// All rows.
pub(crate) fn all(tokens: &Tokens) -> Vec<Row> {
    [
        transport::rows(),
        callers::rows(tokens),
        json::rows(),
        records::rows(),
        changes::rows(),
        lines::rows(),
        sheets::rows(),
        schemas::rows(),
        administration::rows(tokens),
    ]
    .into_iter()
    .flatten()
    .collect()
}
