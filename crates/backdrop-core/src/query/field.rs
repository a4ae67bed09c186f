//! Names of fields.

use super::invalid;
use crate::error::ApiError;
use crate::record::{TIME_KEYS, is_field_name};
use std::fmt;

/// The name of a field of a record: `^[a-z_][a-z0-9_]+$`, ignoring case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldName(String);

impl FieldName {
    /// Checks a text that stands in the given parameter and takes it as the name of a field.
    pub(super) fn parse(parameter: &str, text: &str) -> Result<Self, ApiError> {
        if is_field_name(text) {
            return Ok(Self(text.to_owned()));
        }
        Err(invalid(format!(
            "{parameter} names the field {text:?}, and there is none of that form: a field consists of \
             letters, digits and `_`, has two characters or more, and does not begin with a digit"
        )))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the field is Backdrop's, not the client's.
    pub fn is_internal(&self) -> bool {
        self.0.starts_with('_')
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
