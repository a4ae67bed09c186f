//! A data set as administrators see it.

use backdrop_core::data_set::DataSetSettings;
use backdrop_core::time;
use backdrop_postgres::DataSetRow;
use serde::Serialize;
use serde_json::Value;

/// A data set as administrators see it.
#[derive(Serialize)]
pub(super) struct View<'a> {
    name: &'a str,
    data_group: &'a str,
    data_type: &'a str,
    /// Shown once, when it is made: only its hash is kept.
    bearer_token: &'a str,
    #[serde(flatten)]
    settings: &'a DataSetSettings,
    schema: &'a Option<Value>,
    records: i64,
    version: i64,
    updated_at: String,
}

impl<'a> View<'a> {
    pub(super) fn of(row: &'a DataSetRow, bearer_token: &'a str) -> Self {
        Self {
            name: row.data_set.name.as_str(),
            data_group: row.data_set.data_group.as_str(),
            data_type: row.data_set.data_type.as_str(),
            bearer_token,
            settings: &row.data_set.settings,
            schema: &row.schema,
            records: row.records,
            version: row.version,
            updated_at: time::format(row.updated_at),
        }
    }
}
