//! What of a data set is to be set anew; what is not named stays as it is.

use super::form::{Form, List, Number, invalid};
use super::{DataSet, DataSetSettings};
use crate::error::ApiError;
use crate::record::is_field_name;
use serde_json::Value;

/// Of how many fields an `_id` can be made: the original's have four at most, and an `_id` has 512 bytes.
const AUTO_IDS_MAX: usize = 20;
/// The longest retention, a thousand years: beyond that the beginning of time is not a time of Postgres.
const RETENTION_DAYS_MAX: i32 = 365_000;
/// The most bytes of `upload_format` and of `upload_filters`.
const TEXTS_BYTES_MAX: usize = 4_096;

/// The settings that were named, each checked by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsChange {
    raw_queries_allowed: Option<bool>,
    queryable: Option<bool>,
    published: Option<bool>,
    realtime: Option<bool>,
    auto_ids: Option<Vec<String>>,
    max_age_expected: Option<Option<i64>>,
    capped_size: Option<Option<i64>>,
    retention_days: Option<Option<i32>>,
    upload_format: Option<String>,
    upload_filters: Option<Vec<String>>,
}

impl SettingsChange {
    pub(super) fn take_from(form: &mut Form) -> Result<Self, ApiError> {
        let auto_ids = form.take_value::<List>("auto_ids")?.map(|List(fields)| fields);
        if let Some(fields) = &auto_ids {
            check_auto_ids(fields)?;
        }
        let retention = take_number(form, "retention_days", 1, "a positive number of days")?;
        let too_long = || invalid(format!("retention_days: expected at most {RETENTION_DAYS_MAX}, or null"));
        let days = |days: i64| {
            i32::try_from(days).ok().filter(|days| *days <= RETENTION_DAYS_MAX).ok_or_else(too_long)
        };
        Ok(Self {
            raw_queries_allowed: form.take_value("raw_queries_allowed")?,
            queryable: form.take_value("queryable")?,
            published: form.take_value("published")?,
            realtime: form.take_value("realtime")?,
            auto_ids,
            max_age_expected: take_number(form, "max_age_expected", 0, "a number of seconds")?,
            capped_size: take_number(form, "capped_size", 1, "a positive number of bytes")?,
            retention_days: retention.map(|number| number.map(days).transpose()).transpose()?,
            upload_format: take_texts::<String>(form, "upload_format")?,
            upload_filters: take_texts::<List>(form, "upload_filters")?.map(|List(filters)| filters),
        })
    }

    /// The settings after the change.
    #[must_use]
    pub fn applied_to(&self, settings: &DataSetSettings) -> DataSetSettings {
        let change = self.clone();
        let old = settings.clone();
        DataSetSettings {
            raw_queries_allowed: change.raw_queries_allowed.unwrap_or(old.raw_queries_allowed),
            queryable: change.queryable.unwrap_or(old.queryable),
            published: change.published.unwrap_or(old.published),
            realtime: change.realtime.unwrap_or(old.realtime),
            auto_ids: change.auto_ids.unwrap_or(old.auto_ids),
            max_age_expected: change.max_age_expected.unwrap_or(old.max_age_expected),
            capped_size: change.capped_size.unwrap_or(old.capped_size),
            retention_days: change.retention_days.unwrap_or(old.retention_days),
            upload_format: change.upload_format.unwrap_or(old.upload_format),
            upload_filters: change.upload_filters.unwrap_or(old.upload_filters),
        }
    }
}

/// A checked request to change a data set.
#[derive(Clone, PartialEq)]
pub struct DataSetChange {
    /// What it is to be set to.
    pub settings: SettingsChange,
    /// The schema its records must follow from now on; null: record rules only; `None`: it stays.
    pub schema: Option<Value>,
    /// A token that was sent along: clients of the original send back the whole data set. It can only be
    /// one that the data set has.
    pub bearer_token: Option<String>,
}

impl std::fmt::Debug for DataSetChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataSetChange").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl DataSetChange {
    /// Reads the body of a request to change a data set.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidDefinition`](crate::error::ErrorCode::InvalidDefinition), naming the field at fault and
    /// what it should be.
    pub fn parse(body: &[u8], data_set: &DataSet) -> Result<Self, ApiError> {
        let mut form = Form::read(body)?;
        let fixed = [
            ("name", data_set.name.as_str()),
            ("data_group", data_set.data_group.as_str()),
            ("data_type", data_set.data_type.as_str()),
        ];
        for (field, value) in fixed {
            if form.take_value::<String>(field)?.is_some_and(|sent| sent != value) {
                let message = format!(
                    "{field}: it is {value:?} and cannot be changed; make a new data set and import the records"
                );
                return Err(invalid(message));
            }
        }
        let change = Self {
            settings: SettingsChange::take_from(&mut form)?,
            schema: form.take("schema")?,
            bearer_token: form.take_value("bearer_token")?.filter(|token: &String| !token.is_empty()),
        };
        form.finish()?;
        Ok(change)
    }
}

fn check_auto_ids(fields: &[String]) -> Result<(), ApiError> {
    if fields.len() > AUTO_IDS_MAX {
        return Err(invalid(format!(
            "auto_ids: expected at most {AUTO_IDS_MAX} fields, found {}",
            fields.len()
        )));
    }
    if let Some(field) = fields.iter().find(|field| !is_field_name(field) || *field == "_id") {
        return Err(invalid(format!(
            "auto_ids: {field:?} is not the name of a field of which an _id can be made"
        )));
    }
    if (1..fields.len()).any(|index| fields[..index].contains(&fields[index])) {
        return Err(invalid("auto_ids: a field stands there twice"));
    }
    Ok(())
}

/// Takes a text, or some, that are kept and shown but not used: so they stay short.
fn take_texts<T: Texts>(form: &mut Form, field: &str) -> Result<Option<T>, ApiError> {
    let taken: Option<T> = form.take_value(field)?;
    match taken.as_ref().map(T::bytes) {
        Some(bytes) if bytes > TEXTS_BYTES_MAX => {
            Err(invalid(format!("{field}: expected at most {TEXTS_BYTES_MAX} bytes, found {bytes}")))
        }
        _ => Ok(taken),
    }
}

trait Texts: serde::de::DeserializeOwned {
    fn bytes(&self) -> usize;
}

impl Texts for String {
    fn bytes(&self) -> usize {
        self.len()
    }
}

impl Texts for List {
    fn bytes(&self) -> usize {
        self.0.iter().map(String::len).sum()
    }
}

fn take_number(
    form: &mut Form,
    field: &str,
    least: i64,
    expected: &str,
) -> Result<Option<Option<i64>>, ApiError> {
    let number = form.take(field)?.map(|Number(number)| number);
    if number.flatten().is_some_and(|number| number < least) {
        return Err(invalid(format!("{field}: expected {expected}, or null")));
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_set::{DataGroup, DataSetId, DataSetName, DataType};
    use crate::log::Partition;
    use serde_json::json;

    fn data_set() -> DataSet {
        DataSet {
            id: DataSetId(1),
            name: DataSetName::parse("g_t").expect("a name"),
            data_group: DataGroup::parse("g").expect("a group"),
            data_type: DataType::parse("t").expect("a type"),
            partition: Partition(0),
            settings: DataSetSettings { realtime: true, capped_size: Some(7), ..DataSetSettings::default() },
            schema: None,
        }
    }

    fn parse(body: &Value) -> Result<DataSetChange, ApiError> {
        DataSetChange::parse(body.to_string().as_bytes(), &data_set())
    }

    #[test]
    fn what_is_left_out_stays_and_null_is_not_left_out() {
        let data_set = data_set();
        let settings = |body: Value| {
            parse(&body).map(|change| change.settings.applied_to(&data_set.settings)).expect("valid")
        };
        assert_eq!(settings(json!({})), data_set.settings);
        let changed = settings(json!({"capped_size": null, "queryable": false, "retention_days": "30"}));
        assert_eq!((changed.capped_size, changed.queryable, changed.realtime), (None, false, true));
        assert_eq!(changed.retention_days, Some(30));
        assert_eq!(settings(json!({"capped_size": ""})).capped_size, None);
        assert_eq!(parse(&json!({})).expect("valid").schema, None);
        assert_eq!(parse(&json!({"schema": null})).expect("valid").schema, Some(Value::Null));
    }

    #[test]
    fn what_was_shown_can_be_sent_back() {
        let data_set = data_set();
        let mut shown = json!(data_set.settings);
        for (key, value) in [
            ("name", json!("g_t")),
            ("data_group", json!("g")),
            ("data_type", json!("t")),
            ("bearer_token", json!("")),
            ("records", json!(3)),
            ("version", json!(3)),
            ("updated_at", json!("2026-01-01T00:00:00+00:00")),
        ] {
            shown[key] = value;
        }
        let change = parse(&shown).expect("valid");
        assert_eq!(change.settings.applied_to(&data_set.settings), data_set.settings);
        assert_eq!(change.bearer_token, None);
    }

    #[test]
    fn errors_name_the_field() {
        for (body, field) in [
            (json!({"name": "other"}), "name"),
            (json!({"data_group": "other"}), "data_group"),
            (json!({"data_type": "other"}), "data_type"),
            (json!({"queryable": "yes"}), "queryable"),
            (json!({"auto_ids": ["x"]}), "auto_ids"),
            (json!({"retention_days": 1e10 as i64}), "retention_days"),
            (json!({"max_age_expected": "soon"}), "max_age_expected"),
            (json!({"tokens": []}), "tokens"),
        ] {
            let error = parse(&body).expect_err(field);
            assert!(error.message.starts_with(field), "{} does not name {field}", error.message);
        }
    }
}
