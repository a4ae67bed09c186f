//! The fields of a data set as a client sends them, read one by one so that an error names its field.
//!
//! Lists may also come as one text with commas and sizes as text, as the clients of the original's administration
//! send them.

use crate::error::{ApiError, ErrorCode};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Map, Value};

/// What the service shows of a data set besides what can be set: ignored, so that what it showed can be sent back.
const SHOWN_ONLY: [&str; 3] = ["records", "version", "updated_at"];

/// The fields that were sent and not looked at yet.
pub(super) struct Form(Map<String, Value>);

impl Form {
    /// Reads a body that must be one JSON object.
    pub(super) fn read(body: &[u8]) -> Result<Self, ApiError> {
        let read: Result<Map<String, Value>, _> = serde_json::from_slice(body);
        let mut fields = read.map_err(|error| {
            invalid(format!("The definition of the data set must be one JSON object: {error}"))
        })?;
        for shown in SHOWN_ONLY {
            fields.remove(shown);
        }
        Ok(Self(fields))
    }

    /// Takes a field out; `None` if it is absent.
    pub(super) fn take<T: DeserializeOwned>(&mut self, field: &str) -> Result<Option<T>, ApiError> {
        let Some(value) = self.0.remove(field) else { return Ok(None) };
        T::deserialize(value).map(Some).map_err(|error| invalid(format!("{field}: {error}")))
    }

    /// Takes out a field for which null says as little as leaving it out.
    pub(super) fn take_value<T: DeserializeOwned>(&mut self, field: &str) -> Result<Option<T>, ApiError> {
        Ok(self.take::<Option<T>>(field)?.flatten())
    }

    /// Refuses what nobody has taken: a misspelt field would be lost in silence.
    pub(super) fn finish(self) -> Result<(), ApiError> {
        match self.0.keys().next() {
            Some(field) => Err(invalid(format!("{field}: a data set has no such field; check its spelling"))),
            None => Ok(()),
        }
    }
}

/// An error about a definition.
pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidDefinition, message)
}

/// A list of texts, or one text with commas.
pub(super) struct List(pub(super) Vec<String>);

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

/// A whole number, as a number or as text; null or an empty text: none.
pub(super) struct Number(pub(super) Option<i64>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a whole number, or null")]
        enum Form {
            None(()),
            Number(i64),
            Text(String),
        }
        match Form::deserialize(deserializer)? {
            Form::None(()) => Ok(Self(None)),
            Form::Number(number) => Ok(Self(Some(number))),
            Form::Text(text) if text.is_empty() => Ok(Self(None)),
            Form::Text(text) => {
                let number = text.parse();
                number
                    .map(|number| Self(Some(number)))
                    .map_err(|_| serde::de::Error::custom("expected a whole number, or null"))
            }
        }
    }
}
