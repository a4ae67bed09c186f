//! The data set that records come from or go to.

use crate::client::Service;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A data set of a service: noted beside files, so that nobody goes on with another one by mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Target {
    /// The address of the write service.
    pub(crate) service: String,
    /// The group of the data set.
    pub(crate) data_group: String,
    /// Its type.
    pub(crate) data_type: String,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} at {}", self.data_group, self.data_type, self.service)
    }
}

/// What the administrator is told of a data set.
#[derive(Debug)]
pub(crate) struct Found {
    /// Its group.
    pub(crate) data_group: String,
    /// Its type.
    pub(crate) data_type: String,
    /// How many records it holds.
    pub(crate) records: Option<u64>,
}

impl Found {
    /// The data set of that name.
    pub(crate) fn by_name(service: &Service, name: &str) -> anyhow::Result<Self> {
        let hint = "with a data set's own token, name it by --data-group and --data-type";
        let data_set = service.administrator().context(hint)?.get(&["data-sets", name])?.body;
        let text = |key: &str| -> anyhow::Result<String> {
            data_set[key].as_str().map(str::to_owned).with_context(|| format!("the answer holds no {key}"))
        };
        Ok(Self {
            data_group: text("data_group")?,
            data_type: text("data_type")?,
            records: data_set["records"].as_u64(),
        })
    }
}
