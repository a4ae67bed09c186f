//! JSON Schemas of data sets: compiled once per version, and checked against each record.
//!
//! **Invariant.** Checking a record never touches the network or the disk: the validator is built
//! without resolvers, so that a remote `$ref` fails when the schema is set and never later.

mod builtin;
mod cost;
mod identity;
mod patterns;
mod rehearsal;
mod texts;

pub use builtin::{builtin_for, builtin_types, default_for};
pub use rehearsal::{Example, Reason, Rehearsal};
pub use texts::TextFields;

use crate::time;
use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

/// The largest schema, in bytes of JSON: a hundred times the largest of the original's.
pub const SCHEMA_BYTES_MAX: usize = 64 * 1024;

/// The largest regular expression, in bytes of what it is compiled to: `^[\s\S]{1,1000}$` fits. How long matching it
/// takes is bounded apart from this.
const PATTERN_BYTES_MAX: usize = 1024 * 1024;
/// The largest one that was ever accepted: versions before this one left it to the library.
const PATTERN_BYTES_MAX_EVER: usize = 10 * 1024 * 1024;
/// What running a regular expression may keep in memory, in bytes; less only makes it slower.
const PATTERN_CACHE_BYTES: usize = 256 * 1024;

/// Why a document cannot be the schema of a data set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SchemaError(String);

/// A compiled JSON Schema. Draft by `$schema`, 2020-12 without; formats are checked; regular
/// expressions run in linear time, so look-around is not available.
#[derive(Debug)]
pub struct Schema {
    validator: Validator,
}

/// One way in which a record breaks its schema. Its texts are made only when asked for: they repeat the
/// value, which may be large.
#[derive(Debug)]
pub struct SchemaViolation<'a>(jsonschema::ValidationError<'a>);

impl SchemaViolation<'_> {
    /// The JSON pointer of the value at fault, empty for the record itself.
    pub fn pointer(&self) -> String {
        self.0.instance_path().as_str().to_owned()
    }

    /// Which rule of the schema it breaks, whatever the value: where the rule stands, and for a missing field
    /// which one.
    pub fn rule(&self) -> String {
        let place = self.0.schema_path().as_str();
        match self.0.kind() {
            jsonschema::error::ValidationErrorKind::Required { property } => format!("{place} {property}"),
            _ => place.to_owned(),
        }
    }

    /// What is wrong with it.
    pub fn message(&self) -> String {
        self.0.to_string()
    }
}

impl Schema {
    /// Compiles a schema that a person wants to set, if it is within all bounds.
    ///
    /// # Errors
    /// If the document is too large or too costly, is not a schema, or refers to anything outside of itself.
    pub fn accept(document: &Value) -> Result<Self, SchemaError> {
        let bytes = document.to_string().len();
        if bytes > SCHEMA_BYTES_MAX {
            return Err(SchemaError(format!(
                "the schema has {bytes} bytes of JSON; at most {SCHEMA_BYTES_MAX} are allowed"
            )));
        }
        if !document.is_object() {
            return Err(SchemaError("the schema must be a JSON object".into()));
        }
        cost::check(document).map_err(SchemaError)?;
        Self::build(document, PATTERN_BYTES_MAX)
    }

    /// Compiles a schema that was accepted when it was set. The bounds of that time hold: were narrower ones asked of
    /// it now, all writes to its data set would stand still.
    ///
    /// # Errors
    /// If the document is not a schema, or refers to anything outside of itself.
    pub fn compile(document: &Value) -> Result<Self, SchemaError> {
        Self::build(document, PATTERN_BYTES_MAX_EVER)
    }

    fn build(document: &Value, pattern_bytes: usize) -> Result<Self, SchemaError> {
        let patterns = PatternOptions::regex().size_limit(pattern_bytes).dfa_size_limit(PATTERN_CACHE_BYTES);
        let mut options = jsonschema::options()
            .should_validate_formats(true)
            .with_pattern_options(patterns)
            // What a schema calls a date-time is what Backdrop reads as one, so that a record is not
            // refused for a form that the record rules allow.
            .with_format("date-time", |text: &str| time::parse(text).is_ok());
        if document.get("$schema").is_none() {
            options = options.with_draft(Draft::Draft202012);
        }
        let validator = options
            .build(&identity::without_those_of_parts(document))
            .map_err(|error| SchemaError(error.to_string()))?;
        Ok(Self { validator })
    }

    /// Whether a record follows the schema.
    pub fn is_followed_by(&self, record: &Value) -> bool {
        self.validator.is_valid(record)
    }

    /// Checks a record. No violations: the record follows the schema.
    pub fn violations<'a>(&'a self, record: &'a Value) -> impl Iterator<Item = SchemaViolation<'a>> {
        self.validator.iter_errors(record).map(SchemaViolation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn messages(schema: &Value, record: &Value) -> Vec<(String, String)> {
        let schema = Schema::compile(schema).expect("a schema");
        schema.violations(record).map(|violation| (violation.pointer(), violation.message())).collect()
    }

    #[test]
    fn violations_name_the_place_and_the_fault() {
        let schema = json!({"required": ["count"], "properties": {"count": {"type": "integer"}}});
        let found = messages(&schema, &json!({"count": "x"}));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, "/count");
        assert!(found[0].1.contains("integer"), "{}", found[0].1);
        assert_eq!(messages(&schema, &json!({}))[0].0, "");
        assert_eq!(messages(&schema, &json!({"count": 3})), []);
    }

    #[test]
    fn date_times_are_those_of_the_record_rules() {
        let schema = json!({"properties": {"at": {"format": "date-time"}}});
        for good in ["2013-03-11T09:30:15Z", "2013-03-11 09:30:15", "2013-03-11"] {
            assert_eq!(messages(&schema, &json!({"at": good})), [], "{good}");
        }
        assert_eq!(messages(&schema, &json!({"at": "yesterday"})).len(), 1);
    }

    #[test]
    fn ordinary_patterns_are_taken() {
        for pattern in [
            "^.{0,255}$",
            r"^[\w.+-]+@[\w-]+\.[\w.]{2,63}$",
            "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
            r"^https?://[^\s/]+(/\S*)?$",
            r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$",
        ] {
            let schema = json!({"properties": {"aa": {"pattern": pattern}}});
            Schema::accept(&schema).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        }
    }

    #[test]
    fn schemas_as_generators_write_them_are_taken() {
        let schema = json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "$id": "http://example.com/example.json",
            "definitions": {"count": {"$id": "#/definitions/count", "type": "integer"}},
            "properties": {"aa": {"$id": "#/properties/aa", "allOf": [{"$ref": "#/definitions/count"}]}},
        });
        let compiled = Schema::accept(&schema).expect("a schema");
        assert_eq!(compiled.violations(&json!({"aa": 1})).count(), 0);
        assert_eq!(compiled.violations(&json!({"aa": "x"})).count(), 1);
        let old = json!({
            "$schema": "http://json-schema.org/draft-04/schema#",
            "id": "http://jsonschema.net",
            "properties": {"aa": {"id": "http://jsonschema.net/aa", "type": "string"}},
        });
        assert_eq!(Schema::accept(&old).expect("a schema").violations(&json!({"aa": 1})).count(), 1);
    }

    #[test]
    fn what_could_hang_or_reach_out_is_refused() {
        for bad in [
            json!({"$ref": "https://example.org/schema.json"}),
            json!({"$ref": "file:///etc/passwd"}),
            json!({"pattern": "(?<=a)b"}),
            json!({"properties": {"a": {"pattern": "(?:(?:a{1,100}){1,100}){1,100}"}}}),
            json!({"type": "whatever"}),
            json!({"$schema": "https://example.org/unknown"}),
            json!({"description": "x".repeat(SCHEMA_BYTES_MAX)}),
            json!([]),
            json!("x"),
        ] {
            assert!(
                Schema::accept(&bad).is_err(),
                "{}",
                bad.to_string().chars().take(80).collect::<String>()
            );
        }
    }
}
