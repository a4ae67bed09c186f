//! Data sets: what they are called, what they are set to, and what a person sends to make one.
//!
//! A data set is a data group (whose figures) and a data type (which figures). It has a name besides,
//! by which the older paths address it.

mod change;
mod definition;
mod form;
mod freshness;
mod name;

pub use change::{DataSetChange, SettingsChange};
pub use definition::{DataSetDefinition, SchemaChoice};
pub use freshness::Freshness;
pub use name::{DataGroup, DataSetName, DataType, NameError};

use crate::log::Partition;
use serde::{Deserialize, Serialize};

/// Identifies a data set for ever: an id is never used again, so what was written for a deleted data
/// set can never land in one that was made later under the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DataSetId(pub i64);

impl DataSetId {
    /// No data set has this number. Under it is kept what nobody knows the data set of.
    pub const NOBODY: Self = Self(0);
}

/// The number of a version of a data set's schema, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SchemaVersion(pub i32);

/// A data set as every process knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSet {
    /// Its identity.
    pub id: DataSetId,
    /// Its name, unique among the living data sets.
    pub name: DataSetName,
    /// Whose figures it holds.
    pub data_group: DataGroup,
    /// Which figures it holds.
    pub data_type: DataType,
    /// The partition of the log that orders all its changes.
    pub partition: Partition,
    /// What it is set to.
    pub settings: DataSetSettings,
    /// The version of the schema in force; `None` if only the record rules apply.
    pub schema: Option<SchemaVersion>,
}

/// What an administrator can set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DataSetSettings {
    /// Whether queries without `period` and `group_by` are answered.
    pub raw_queries_allowed: bool,
    /// Whether queries are answered at all; if not, reading answers 404.
    pub queryable: bool,
    /// Whether the figures are final; if not, answers carry a warning.
    pub published: bool,
    /// Whether the figures change by the minute, which shortens how long answers may be cached.
    pub realtime: bool,
    /// Fields whose values make the `_id` of records that have none.
    pub auto_ids: Vec<String>,
    /// After how many seconds without news the data set counts as stale; `None`: not watched.
    pub max_age_expected: Option<i64>,
    /// Bytes the data set may hold before its oldest records go; `None`: no bound.
    pub capped_size: Option<i64>,
    /// Days a record is kept; `None`: for ever.
    pub retention_days: Option<i32>,
    /// How spreadsheets of this data set are uploaded. Kept for clients of the original, not used.
    pub upload_format: String,
    /// Filters the original applied to uploads. Kept for clients of the original, not used.
    pub upload_filters: Vec<String>,
}

impl DataSetSettings {
    /// Thirty-one days: the age after which the original's monitoring called a data set stale.
    pub const DEFAULT_MAX_AGE_SECONDS: i64 = 2_678_400;
}

impl Default for DataSetSettings {
    fn default() -> Self {
        Self {
            raw_queries_allowed: false,
            queryable: true,
            published: true,
            realtime: false,
            auto_ids: Vec::new(),
            max_age_expected: Some(Self::DEFAULT_MAX_AGE_SECONDS),
            capped_size: None,
            retention_days: None,
            upload_format: String::new(),
            upload_filters: Vec::new(),
        }
    }
}
