//! The newest value of a data set, for each published dashboard that shows it.

use super::output::id_of;
use super::rate::into_row;
use super::{invalid, text};
use crate::data_set::DataType;
use crate::error::ApiError;
use crate::shape::Row;
use serde_json::{Value, json};

/// Which field of a data type holds its value.
const VALUES: [(&str, &str); 3] =
    [("completion-rate", "rate"), ("digital-takeup", "rate"), ("user-satisfaction-score", "score")];

/// Where the newest value of a data set is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LatestValue {
    /// The field that holds it.
    value: &'static str,
    /// What it is called among the values of other data types.
    name: String,
}

impl LatestValue {
    pub(super) fn of(data_type: &DataType) -> Result<Self, ApiError> {
        let found = VALUES.iter().find(|(name, _)| *name == data_type.as_str());
        let (name, value) = found.ok_or_else(|| {
            let names = VALUES.map(|(name, _)| name).join(", ");
            invalid(format!("input: the newest value can be taken of these data types: {names}"))
        })?;
        Ok(Self { value, name: name.replace('-', "_") })
    }

    /// One record for each dashboard, unless there is no value.
    pub(super) fn records(&self, rows: &[Row], dashboards: &[String]) -> Vec<Row> {
        let newest = rows.iter().filter_map(|row| Some((moment(row)?, row))).max_by_key(|(at, _)| *at);
        let Some((at, row)) = newest else { return Vec::new() };
        let value = row.get(self.value).filter(|value| !value.is_null());
        let record = |(slug, value): (&String, &Value)| {
            let mut record = into_row(json!({
                "_id": id_of(&[slug, &self.name]), "_timestamp": at, "dashboard_slug": slug,
                "service_id": slug,
            }));
            record.insert(self.name.clone(), value.clone());
            record
        };
        dashboards.iter().filter_map(|slug| Some((slug, value?))).map(record).collect()
    }
}

/// When a row is from. All times are printed in the same form, so that their texts are in order.
pub(super) fn moment(row: &Row) -> Option<&str> {
    text(row, "_timestamp").or_else(|| text(row, "_start_at"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dashboard_gets_the_newest_value() {
        let latest = LatestValue::of(&DataType::parse("digital-takeup").expect("a type")).expect("known");
        let rows = [
            into_row(json!({"_timestamp": "2013-03-18T00:00:00+00:00", "rate": 0.5})),
            into_row(json!({"_timestamp": "2013-03-11T00:00:00+00:00", "rate": 0.25})),
        ];
        let found = latest.records(&rows, &["cats".into(), "dogs".into()]);
        assert_eq!(found.len(), 2);
        let expected = json!({
            "_id": "Y2F0c19kaWdpdGFsX3Rha2V1cA==", "_timestamp": "2013-03-18T00:00:00+00:00",
            "dashboard_slug": "cats", "service_id": "cats", "digital_takeup": 0.5,
        });
        assert_eq!(found[0], into_row(expected));
        let unknown = [into_row(json!({"_timestamp": "2013-03-18T00:00:00+00:00", "rate": null}))];
        assert_eq!(latest.records(&unknown, &["cats".into()]), Vec::<Row>::new());
    }

    #[test]
    fn other_data_types_are_refused() {
        let error = LatestValue::of(&DataType::parse("monitoring").expect("a type")).expect_err("refused");
        assert!(error.message.contains("user-satisfaction-score"), "{error}");
    }
}
