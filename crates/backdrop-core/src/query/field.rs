//! Names of fields.

use super::invalid;
use crate::error::ApiError;
use crate::record::{TIME_KEYS, is_field_name};
use std::fmt;

/// How many fields one query may group by, or take the latest of; each is a column of the statement.
const KEYS_MAX: usize = 10;

/// The name of a field of a record: `^[a-z_][a-z0-9_]+$`, ignoring case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldName(String);

impl FieldName {
    /// Checks a text that stands in the given parameter and takes it as the name of a field.
    pub(super) fn parse(parameter: &str, text: &str) -> Result<Self, ApiError> {
        if is_field_name(text) {
            return Ok(Self(text.to_owned()));
        }
        let hint = if text.contains(',') { "; give each field as a parameter of its own" } else { "" };
        Err(invalid(format!(
            "{parameter} names the field {text:?}, and there is none of that form: a field consists of \
             letters, digits and `_`, has two characters or more, and does not begin with a digit{hint}"
        )))
    }

    /// Reads the fields of a parameter that names several, each once, none of them Backdrop's own.
    pub(super) fn parse_keys(parameter: &str, texts: &[&str]) -> Result<Vec<Self>, ApiError> {
        let mut keys = Vec::new();
        for text in texts {
            let key = Self::parse(parameter, text)?;
            if key.is_internal() {
                return Err(invalid(format!(
                    "{parameter}={key}: fields that begin with an underscore are internal and cannot be used here"
                )));
            }
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        if keys.len() > KEYS_MAX {
            let found = keys.len();
            return Err(invalid(format!("{parameter} can name at most {KEYS_MAX} fields, found {found}")));
        }
        Ok(keys)
    }

    /// The field that holds the time of a record.
    pub(super) fn timestamp() -> Self {
        Self("_timestamp".into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the field is Backdrop's, not the client's.
    pub fn is_internal(&self) -> bool {
        self.0.starts_with('_')
    }

    /// Whether it is `_id`, which is a string always.
    pub fn is_id(&self) -> bool {
        self.0 == "_id"
    }

    /// Whether every record has a time under that name, or one that stands in for it.
    pub fn is_time_column(&self) -> bool {
        matches!(self.as_str(), "_timestamp" | "_updated_at")
    }

    /// Whether its values are times, kept in the form in which they are printed.
    pub fn is_time(&self) -> bool {
        TIME_KEYS.contains(&self.as_str()) || self.0 == "_updated_at"
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
