//! What all results have in common: their ids, and the fields that a transform adds to each.

use super::invalid;
use crate::error::ApiError;
use crate::record::{TIME_KEYS, is_field_name, python_text};
use crate::shape::Row;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use serde_json::Value;

/// An id of parts, as the original made it, so that its results and ours are the same records.
pub(super) fn id_of(parts: &[&str]) -> String {
    URL_SAFE.encode(parts.join("_"))
}

/// The fields that a transform adds to each of its results.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct AdditionalFields(Row);

impl AdditionalFields {
    /// Reads `additionalFields` of the options.
    pub(super) fn read(options: &Row) -> Result<Self, ApiError> {
        let fields = match options.get("additionalFields") {
            None | Some(Value::Null) => return Ok(Self::default()),
            Some(Value::Object(fields)) => fields,
            Some(_) => return Err(invalid("options: additionalFields must be an object")),
        };
        for (name, value) in fields {
            let is_key =
                is_field_name(name) && (!name.starts_with('_') || TIME_KEYS.contains(&name.as_str()));
            if !is_key {
                return Err(invalid(format!(
                    "options: additionalFields: {name:?} is not the name of a field"
                )));
            }
            if value.is_object() || value.is_array() {
                return Err(invalid(format!(
                    "options: additionalFields: {name} must be a text, a number, true, false or null"
                )));
            }
        }
        Ok(Self(fields.clone()))
    }

    /// Puts them under what is there already. The id tells them, too, so that transforms with different fields
    /// can share a data set.
    pub(super) fn add_to(&self, record: &mut Row) {
        if self.0.is_empty() {
            return;
        }
        let told: Vec<String> =
            self.0.iter().map(|(name, value)| format!("{name}:{}", python_text(value))).collect();
        let id = record.get("_id").and_then(Value::as_str).unwrap_or_default();
        let id = id_of(&[id, &told.join("_")]);
        for (name, value) in &self.0 {
            record.entry(name).or_insert_with(|| value.clone());
        }
        record.insert("_id".into(), id.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(value: Value) -> Row {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn ids_are_url_safe_base64_of_their_parts() {
        assert_eq!(id_of(&["a", "b"]), "YV9i");
        assert_eq!(id_of(&["ü?", "~~>"]), "w7w_X35-Pg==");
    }

    #[test]
    fn fields_are_added_below_what_is_there_and_told_by_the_id() {
        let fields = row(json!({"additionalFields": {"rate": 9, "service": "x", "is_new": true}}));
        let fields = AdditionalFields::read(&fields).expect("fields");
        let mut record = row(json!({"_id": "YV9i", "rate": 0.5}));
        fields.add_to(&mut record);
        assert_eq!(record["rate"], 0.5);
        assert_eq!(record["service"], "x");
        // "YV9i_is_new:True_rate:9_service:x"
        assert_eq!(record["_id"], "WVY5aV9pc19uZXc6VHJ1ZV9yYXRlOjlfc2VydmljZTp4");
    }

    #[test]
    fn what_no_record_can_hold_cannot_be_added() {
        for fields in [json!([]), json!({"a b": 1}), json!({"_id": "x"}), json!({"list": []})] {
            let options = row(json!({"additionalFields": fields}));
            assert!(AdditionalFields::read(&options).is_err(), "{options:?}");
        }
    }
}
