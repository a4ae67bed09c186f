//! What a person sends to make a data set.

use super::{DataGroup, DataSetName, DataSetSettings, DataType};
use crate::error::{ApiError, ErrorCode};
use crate::record::is_field_name;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The longest bearer token, in bytes: what the original's administration allowed.
const TOKEN_BYTES_MAX: usize = 255;

/// A checked request to make a data set.
#[derive(Clone, PartialEq)]
pub struct DataSetDefinition {
    /// Its name.
    pub name: DataSetName,
    /// Whose figures it will hold.
    pub data_group: DataGroup,
    /// Which figures it will hold.
    pub data_type: DataType,
    /// What it will be set to.
    pub settings: DataSetSettings,
    /// Which schema its records must follow.
    pub schema: SchemaChoice,
    /// The token its writer will use; `None`: make one.
    pub bearer_token: Option<String>,
}

impl std::fmt::Debug for DataSetDefinition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataSetDefinition").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Which schema the records of a data set must follow.
#[derive(Clone, Debug, PartialEq)]
pub enum SchemaChoice {
    /// The timestamp schema, and the one of the data type if there is one.
    OfDataType,
    /// None: only the record rules apply.
    RecordRulesOnly,
    /// The given one.
    Given(Value),
}

impl DataSetDefinition {
    /// Reads the body of a request to make a data set.
    ///
    /// Lists may also come as one comma-separated text and sizes as text, as the clients of the
    /// original's administration send them.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidDefinition`], naming the field at fault and what it should be.
    pub fn parse(body: &[u8]) -> Result<Self, ApiError> {
        let invalid = |message: String| ApiError::new(ErrorCode::InvalidDefinition, message);
        let body: Body = serde_json::from_slice(body)
            .map_err(|error| invalid(format!("The definition of the data set cannot be read: {error}")))?;
        let field = |field: &str| {
            let field = field.to_owned();
            move |error: super::NameError| {
                ApiError::new(ErrorCode::InvalidDefinition, format!("{field}: {error}"))
            }
        };
        let settings = body.settings();
        check_settings(&settings).map_err(invalid)?;
        let data_group = DataGroup::parse(body.data_group).map_err(field("data_group"))?;
        let data_type = DataType::parse(body.data_type).map_err(field("data_type"))?;
        let name = match body.name {
            Some(name) => DataSetName::parse(name).map_err(field("name"))?,
            None => DataSetName::of(&data_group, &data_type),
        };
        let bearer_token = body.bearer_token.filter(|token| !token.is_empty());
        if let Some(token) = &bearer_token {
            check_token(token).map_err(|reason| invalid(format!("bearer_token: {reason}")))?;
        }
        let schema = match body.schema {
            None => SchemaChoice::OfDataType,
            Some(Value::Null) => SchemaChoice::RecordRulesOnly,
            Some(schema) => SchemaChoice::Given(schema),
        };
        Ok(Self { name, data_group, data_type, settings, schema, bearer_token })
    }
}

/// A token travels in a header, so it must be printable ASCII without white space.
fn check_token(token: &str) -> Result<(), String> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(format!("a token has at most {TOKEN_BYTES_MAX} bytes"));
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("a token consists of printable ASCII characters without white space".into());
    }
    Ok(())
}

/// Checks what a setting can be.
fn check_settings(settings: &DataSetSettings) -> Result<(), String> {
    if let Some(field) = settings.auto_ids.iter().find(|field| !is_field_name(field) || *field == "_id") {
        return Err(format!("auto_ids: {field:?} is not the name of a field of which an _id can be made"));
    }
    if (1..settings.auto_ids.len())
        .any(|index| settings.auto_ids[..index].contains(&settings.auto_ids[index]))
    {
        return Err("auto_ids: a field stands there twice".into());
    }
    let at_least = [
        ("capped_size", settings.capped_size, 1, "a positive number of bytes"),
        ("retention_days", settings.retention_days.map(i64::from), 1, "a positive number of days"),
        ("max_age_expected", settings.max_age_expected, 0, "a number of seconds"),
    ];
    match at_least.iter().find(|(_, value, least, _)| value.is_some_and(|value| value < *least)) {
        Some((field, _, _, expected)) => Err(format!("{field}: expected {expected}, or null")),
        None => Ok(()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    data_group: String,
    data_type: String,
    name: Option<String>,
    bearer_token: Option<String>,
    /// Absent and `null` mean different things here and in `max_age_expected`.
    #[serde(default, deserialize_with = "present")]
    schema: Option<Value>,
    raw_queries_allowed: Option<bool>,
    queryable: Option<bool>,
    published: Option<bool>,
    realtime: Option<bool>,
    #[serde(default)]
    auto_ids: List,
    #[serde(default, deserialize_with = "present")]
    max_age_expected: Option<Option<i64>>,
    capped_size: Option<Size>,
    retention_days: Option<i32>,
    upload_format: Option<String>,
    #[serde(default)]
    upload_filters: List,
}

impl Body {
    fn settings(&self) -> DataSetSettings {
        let default = DataSetSettings::default();
        DataSetSettings {
            raw_queries_allowed: self.raw_queries_allowed.unwrap_or(default.raw_queries_allowed),
            queryable: self.queryable.unwrap_or(default.queryable),
            published: self.published.unwrap_or(default.published),
            realtime: self.realtime.unwrap_or(default.realtime),
            auto_ids: self.auto_ids.0.clone(),
            max_age_expected: self.max_age_expected.unwrap_or(default.max_age_expected),
            capped_size: self.capped_size.as_ref().map(|size| size.0),
            retention_days: self.retention_days,
            upload_format: self.upload_format.clone().unwrap_or_default(),
            upload_filters: self.upload_filters.0.clone(),
        }
    }
}

fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A list of texts, or one text with commas.
#[derive(Default)]
struct List(Vec<String>);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a list of texts, or one text with commas")]
        enum Form {
            List(Vec<String>),
            Text(String),
        }
        let items = match Form::deserialize(deserializer)? {
            Form::List(items) => items,
            Form::Text(text) => text.split(',').map(str::to_owned).collect(),
        };
        let trimmed = items.iter().map(|item| item.trim().to_owned());
        Ok(Self(trimmed.filter(|item| !item.is_empty()).collect()))
    }
}

/// A number of bytes, as a number or as text.
struct Size(i64);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a number of bytes")]
        enum Form {
            Number(i64),
            Text(String),
        }
        match Form::deserialize(deserializer)? {
            Form::Number(size) => Ok(Self(size)),
            Form::Text(text) => {
                text.parse().map(Self).map_err(|_| serde::de::Error::custom("expected a number of bytes"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(body: Value) -> Result<DataSetDefinition, ApiError> {
        DataSetDefinition::parse(body.to_string().as_bytes())
    }

    #[test]
    fn group_and_type_are_enough() {
        let definition = parse(json!({"data_group": "govuk-pay", "data_type": "payments"})).expect("valid");
        assert_eq!(definition.name.as_str(), "govuk_pay_payments");
        assert_eq!(definition.settings, DataSetSettings::default());
        assert_eq!(definition.schema, SchemaChoice::OfDataType);
        assert_eq!(definition.bearer_token, None);
    }

    #[test]
    fn the_forms_of_older_clients_are_read() {
        let definition = parse(json!({
            "data_group": "a", "data_type": "b", "upload_filters": "first, second", "bearer_token": "",
            "max_age_expected": null, "schema": null,
        }))
        .expect("valid");
        assert_eq!(definition.settings.upload_filters, ["first", "second"]);
        assert_eq!(definition.settings.max_age_expected, None);
        assert_eq!(definition.schema, SchemaChoice::RecordRulesOnly);
        assert_eq!(definition.bearer_token, None);
    }

    #[test]
    fn errors_name_the_field() {
        for (body, field) in [
            (json!({"data_type": "b"}), "data_group"),
            (json!({"data_group": "A B", "data_type": "b"}), "data_group"),
            (json!({"data_group": "a", "data_type": "b", "name": "_status"}), "name"),
            (json!({"data_group": "a", "data_type": "b", "realtme": true}), "realtme"),
            (json!({"data_group": "a", "data_type": "b", "auto_ids": ["x"]}), "auto_ids"),
            (json!({"data_group": "a", "data_type": "b", "auto_ids": "aa,bb,aa"}), "auto_ids"),
            (json!({"data_group": "a", "data_type": "b", "capped_size": "0"}), "capped_size"),
            (json!({"data_group": "a", "data_type": "b", "retention_days": -1}), "retention_days"),
            (json!({"data_group": "a", "data_type": "b", "bearer_token": "with space"}), "bearer_token"),
        ] {
            let error = parse(body).expect_err(field);
            assert!(error.message.contains(field), "{} does not name {field}", error.message);
        }
    }
}
