//! What can be set of a data set that is there.

use super::schema;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// A number that bounds something; `None`: no bound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound(pub(crate) Option<u64>);

impl Bound {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(None));
        }
        text.parse().map(|number| Self(Some(number))).map_err(|_| "expected a whole number, or `none`".into())
    }
}

/// The settings to change; what is not named stays as it is.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Change {
    /// Whether queries without `period` and `group_by` are answered
    #[arg(long, value_name = "BOOLEAN")]
    raw_queries_allowed: Option<bool>,
    /// Whether queries are answered at all
    #[arg(long, value_name = "BOOLEAN")]
    queryable: Option<bool>,
    /// Whether the figures are final
    #[arg(long, value_name = "BOOLEAN")]
    published: Option<bool>,
    /// Whether the figures change by the minute
    #[arg(long, value_name = "BOOLEAN")]
    realtime: Option<bool>,
    /// The fields that make the `_id` of each record, divided by commas, or `none`
    #[arg(long, value_name = "FIELDS")]
    auto_ids: Option<String>,
    /// Seconds without news after which it counts as stale, or `none`
    #[arg(long, value_name = "SECONDS", value_parser = Bound::read)]
    max_age_expected: Option<Bound>,
    /// Bytes of records beyond which the oldest go, or `none`
    #[arg(long, value_name = "BYTES", value_parser = Bound::read)]
    capped_size: Option<Bound>,
    /// Days after which a record goes, or `none`
    #[arg(long, value_name = "DAYS", value_parser = Bound::read)]
    retention_days: Option<Bound>,
    /// A file with the JSON Schema of its records, or `none`
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
}

impl Change {
    /// The change as the service takes it: only what was named.
    pub(super) fn to_json(&self) -> anyhow::Result<Value> {
        let flags = [
            ("raw_queries_allowed", self.raw_queries_allowed),
            ("queryable", self.queryable),
            ("published", self.published),
            ("realtime", self.realtime),
        ];
        let bounds = [
            ("max_age_expected", self.max_age_expected),
            ("capped_size", self.capped_size),
            ("retention_days", self.retention_days),
        ];
        let flags = flags.into_iter().filter_map(|(key, flag)| Some((key, json!(flag?))));
        let bounds = bounds.into_iter().filter_map(|(key, bound)| Some((key, json!(bound?.0))));
        let mut body: Map<String, Value> =
            flags.chain(bounds).map(|(key, value)| (key.to_owned(), value)).collect();
        if let Some(fields) = &self.auto_ids {
            body.insert("auto_ids".into(), json!(if fields == "none" { "" } else { fields }));
        }
        if let Some(path) = &self.schema {
            body.insert("schema".into(), schema::read(path)?);
        }
        Ok(Value::Object(body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_named_is_sent() {
        let mut change = Change::default();
        assert_eq!(change.to_json().expect("no file"), json!({}));
        change.published = Some(false);
        change.retention_days = Some(Bound(None));
        change.auto_ids = Some("none".into());
        assert_eq!(
            change.to_json().expect("no file"),
            json!({"published": false, "retention_days": null, "auto_ids": ""})
        );
    }
}
