//! What a person sends to make a data set.

use super::form::{Form, invalid};
use super::{DataGroup, DataSetName, DataSetSettings, DataType, NameError, SettingsChange};
use crate::error::ApiError;
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
    /// # Errors
    /// [`ErrorCode::InvalidDefinition`](crate::error::ErrorCode::InvalidDefinition), naming the field at fault and what it should be.
    pub fn parse(body: &[u8]) -> Result<Self, ApiError> {
        let mut form = Form::read(body)?;
        let data_group =
            DataGroup::parse(required(&mut form, "data_group")?).map_err(in_field("data_group"))?;
        let data_type = DataType::parse(required(&mut form, "data_type")?).map_err(in_field("data_type"))?;
        let name = match form.take_value::<String>("name")? {
            Some(name) => DataSetName::parse(name).map_err(in_field("name"))?,
            None => DataSetName::of(&data_group, &data_type).map_err(in_field("name"))?,
        };
        let settings = SettingsChange::take_from(&mut form)?.applied_to(&DataSetSettings::default());
        let bearer_token = form.take_value("bearer_token")?.filter(|token: &String| !token.is_empty());
        if let Some(token) = &bearer_token {
            check_token(token).map_err(|reason| invalid(format!("bearer_token: {reason}")))?;
        }
        let schema = match form.take("schema")? {
            None => SchemaChoice::OfDataType,
            Some(Value::Null) => SchemaChoice::RecordRulesOnly,
            Some(schema) => SchemaChoice::Given(schema),
        };
        form.finish()?;
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

fn required(form: &mut Form, field: &str) -> Result<String, ApiError> {
    form.take_value(field)?.ok_or_else(|| invalid(format!("{field}: a data set needs one")))
}

fn in_field(field: &str) -> impl FnOnce(NameError) -> ApiError {
    move |error| invalid(format!("{field}: {error}"))
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
