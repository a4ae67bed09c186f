//! Records: the rules that hold for each of them beyond its schema, and what is said about one that
//! breaks them.

use crate::error::ErrorCode;
use crate::schema::Schema;
use crate::time::{self, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// The keys with an underscore that a record may have.
const RESERVED_KEYS: [&str; 4] = ["_timestamp", "_start_at", "_end_at", "_id"];
/// The keys whose values are times.
pub const TIME_KEYS: [&str; 3] = ["_timestamp", "_start_at", "_end_at"];
/// The longest `_id` in bytes: an index entry of Postgres holds 2,704, and other columns share it.
pub const ID_BYTES_MAX: usize = 512;
/// How many violations of one batch are told; more help nobody, and a batch may hold 30,000 records.
pub const VIOLATIONS_MAX: usize = 100;

/// One rule that one record breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// Which record of the batch, counted from 1.
    pub record: usize,
    /// The JSON pointer of the value at fault, empty for the record itself.
    pub pointer: String,
    /// What kind of rule.
    pub code: ErrorCode,
    /// What is wrong and what was expected.
    pub message: String,
}

impl Violation {
    /// The violation as one line that names record and field, for clients that only show texts.
    pub fn line(&self) -> String {
        match self.pointer.strip_prefix('/') {
            Some(field) => format!("record {}: {field}: {}", self.record, self.message),
            None => format!("record {}: {}", self.record, self.message),
        }
    }
}

/// The violations of a batch: the first ones, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violations {
    /// The first [`VIOLATIONS_MAX`] of them.
    pub listed: Vec<Violation>,
    /// How many there are in all.
    pub total: usize,
}

impl Violations {
    /// Counts a violation, and lists it if there is room. Its texts are cut off: they may repeat a value,
    /// and an answer must not become larger than what was sent.
    fn add(&mut self, make: impl FnOnce() -> Violation) {
        self.total += 1;
        if self.listed.len() < VIOLATIONS_MAX {
            let mut violation = make();
            cut_off(&mut violation.message);
            cut_off(&mut violation.pointer);
            self.listed.push(violation);
        }
    }

    /// The violations as lines, with a last one that tells how many are left out.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.listed.iter().map(Violation::line).collect();
        if self.total > self.listed.len() {
            lines.push(format!("{} more errors are not listed", self.total - self.listed.len()));
        }
        lines
    }
}

/// A record that follows its schema and the record rules, in the form in which it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidRecord {
    id: String,
    timestamp: Timestamp,
    body: Map<String, Value>,
}

impl ValidRecord {
    /// The `_id`: its identity within its data set.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The point in time by which periods are formed: `_timestamp`, or else the time of acceptance.
    pub const fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// The record without its `_id`, times normalised.
    pub const fn body(&self) -> &Map<String, Value> {
        &self.body
    }

    /// Id, timestamp and body, to be stored.
    pub fn into_parts(self) -> (String, Timestamp, Map<String, Value>) {
        (self.id, self.timestamp, self.body)
    }
}

/// Checks the records of a batch, in order, against the schema and then the record rules.
///
/// A record without `_id` gets one made of the batch's id and its place in the batch, so that
/// applying the same batch again makes the same records.
///
/// # Errors
/// Everything that is wrong with any record; then no record of the batch may be stored.
pub fn validate(
    records: Vec<Value>,
    schema: Option<&Schema>,
    batch_id: Uuid,
    accepted_at: Timestamp,
) -> Result<Vec<ValidRecord>, Violations> {
    let mut violations = Violations::default();
    let mut valid = Vec::with_capacity(records.len());
    for (index, record) in records.into_iter().enumerate() {
        let found_before = violations.total;
        if let Some(schema) = schema {
            for violation in schema.violations(&record) {
                violations.add(|| Violation {
                    record: index + 1,
                    pointer: violation.pointer(),
                    code: ErrorCode::SchemaViolation,
                    message: violation.message(),
                });
            }
        }
        let Value::Object(body) = record else {
            let message = "a record must be a JSON object".into();
            let pointer = String::new();
            let code = ErrorCode::NotRecords;
            violations.add(|| Violation { record: index + 1, pointer, code, message });
            continue;
        };
        let mut rules = Rules { record: index + 1, violations: &mut violations };
        let record = rules
            .apply(body, accepted_at, || Uuid::new_v5(&batch_id, index.to_string().as_bytes()).to_string());
        if violations.total == found_before {
            valid.push(record);
        }
    }
    if violations.total == 0 { Ok(valid) } else { Err(violations) }
}

struct Rules<'v> {
    record: usize,
    violations: &'v mut Violations,
}

impl Rules<'_> {
    fn apply(
        &mut self,
        mut body: Map<String, Value>,
        accepted_at: Timestamp,
        make_id: impl FnOnce() -> String,
    ) -> ValidRecord {
        let mut timestamp = accepted_at;
        for (key, value) in &mut body {
            if !is_key(key) {
                let message = "a key consists of letters, digits and `_`, begins with a letter, and has two \
                               characters or more; with a `_` in front there are only `_timestamp`, \
                               `_start_at`, `_end_at` and `_id`";
                self.break_rule(key, ErrorCode::InvalidKey, message);
            }
            if value.is_object() || value.is_array() {
                let kind = if value.is_array() { "a list" } else { "an object" };
                let message = format!("expected a string, a number, a boolean or null, found {kind}");
                self.break_rule(key, ErrorCode::NestedValue, message);
            } else if TIME_KEYS.contains(&key.as_str())
                && let Some(time) = self.read_time(key, value)
            {
                *value = Value::String(time::format(time));
                if key == "_timestamp" {
                    timestamp = time;
                }
            }
        }
        let id = match body.remove("_id") {
            None => make_id(),
            Some(id) => self.read_id(id),
        };
        ValidRecord { id, timestamp, body }
    }

    fn read_time(&mut self, key: &str, value: &Value) -> Option<Timestamp> {
        let result = match value {
            Value::String(text) => time::parse(text).map_err(|error| format!("{error}, found {text:?}")),
            other => Err(format!("{}, found {other}", time::TimeError::Form)),
        };
        result.map_err(|message| self.break_rule(key, ErrorCode::InvalidTime, message)).ok()
    }

    fn read_id(&mut self, id: Value) -> String {
        let is_valid = |id: &str| (1..=ID_BYTES_MAX).contains(&id.len()) && !id.contains(char::is_whitespace);
        match id {
            Value::String(id) if is_valid(&id) => id,
            _ => {
                let message = format!("an _id is a string without white space of 1 to {ID_BYTES_MAX} bytes");
                self.break_rule("_id", ErrorCode::InvalidId, message);
                String::new()
            }
        }
    }

    fn break_rule(&mut self, key: &str, code: ErrorCode, message: impl Into<String>) {
        // RFC 6901: in a pointer `~` is written `~0` and `/` is written `~1`.
        let pointer = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        let record = self.record;
        self.violations.add(|| Violation { record, pointer, code, message: message.into() });
    }
}

/// Cuts a text off after so many bytes that a person can still make out what it is about.
fn cut_off(text: &mut String) {
    const BYTES_MAX: usize = 300;
    if text.len() > BYTES_MAX {
        text.truncate(text.floor_char_boundary(BYTES_MAX));
        text.push('…');
    }
}

/// Whether a record may have the key.
fn is_key(key: &str) -> bool {
    if key.starts_with('_') { RESERVED_KEYS.contains(&key) } else { is_field_name(key) }
}

/// Whether a text has the form of a field name: `^[a-z_][a-z0-9_]+$`, ignoring case.
pub fn is_field_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    first && text.len() > 1 && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn accepted_at() -> Timestamp {
        time::parse("2020-01-02T03:04:05Z").expect("a time")
    }

    fn check(records: Value) -> Result<Vec<ValidRecord>, Violations> {
        let Value::Array(records) = records else { panic!("a list") };
        validate(records, None, Uuid::from_u128(7), accepted_at())
    }

    #[test]
    fn a_record_is_stored_with_normalised_times_and_its_id_apart() {
        let valid = check(json!([{"_id": "a", "_timestamp": "2013-03-11 00:00:00+0100", "Count_1": 3}]));
        let (id, timestamp, body) = valid.expect("valid").remove(0).into_parts();
        assert_eq!(id, "a");
        assert_eq!(time::format(timestamp), "2013-03-10T23:00:00+00:00");
        assert_eq!(Value::Object(body), json!({"_timestamp": "2013-03-10T23:00:00+00:00", "Count_1": 3}));
    }

    #[test]
    fn ids_are_made_from_batch_and_place() {
        let records = || json!([{"aa": 1}, {"aa": 1}]);
        let first = check(records()).expect("valid");
        assert_ne!(first[0].id(), first[1].id());
        assert_eq!(first, check(records()).expect("valid"));
        assert_eq!(first[0].timestamp(), accepted_at());
    }

    #[test]
    fn each_broken_rule_is_told_with_its_record_and_field() {
        let long = "x".repeat(513);
        for (record, pointer, code) in [
            (json!({"Bad-Key": 1}), "/Bad-Key", ErrorCode::InvalidKey),
            (json!({"a": 1}), "/a", ErrorCode::InvalidKey),
            (json!({"$where": 1}), "/$where", ErrorCode::InvalidKey),
            (json!({"_foo": 1}), "/_foo", ErrorCode::InvalidKey),
            (json!({"a/b": 1}), "/a~1b", ErrorCode::InvalidKey),
            (json!({"aa": [1]}), "/aa", ErrorCode::NestedValue),
            (json!({"aa": {}}), "/aa", ErrorCode::NestedValue),
            (json!({"_id": "with space"}), "/_id", ErrorCode::InvalidId),
            (json!({"_id": ""}), "/_id", ErrorCode::InvalidId),
            (json!({"_id": 7}), "/_id", ErrorCode::InvalidId),
            (json!({"_id": long}), "/_id", ErrorCode::InvalidId),
            (json!({"_timestamp": 7}), "/_timestamp", ErrorCode::InvalidTime),
            (json!({"_timestamp": null}), "/_timestamp", ErrorCode::InvalidTime),
            (json!({"_end_at": "2026-02-30"}), "/_end_at", ErrorCode::InvalidTime),
        ] {
            let violations = check(json!([{"aa": 1}, record])).expect_err(pointer);
            assert_eq!(violations.total, 1, "{violations:?}");
            let violation = &violations.listed[0];
            assert_eq!((violation.record, violation.pointer.as_str(), violation.code), (2, pointer, code));
        }
    }

    #[test]
    fn what_is_said_of_a_large_value_is_short() {
        let large = "ä".repeat(1_000_000);
        let schema = Schema::compile(&json!({"properties": {"aa": {"type": "integer"}}})).expect("a schema");
        let records = vec![json!({"aa": large, "_timestamp": large, (large.as_str()): 1})];
        let violations =
            validate(records, Some(&schema), Uuid::from_u128(7), accepted_at()).expect_err("bad");
        assert_eq!(violations.total, 3);
        assert!(violations.lines().concat().len() < 3_000);
    }

    #[test]
    fn the_list_is_capped_and_says_so() {
        let records: Vec<Value> = (0..150).map(|_| json!({"a": 1})).collect();
        let violations = check(Value::Array(records)).expect_err("all bad");
        assert_eq!((violations.listed.len(), violations.total), (VIOLATIONS_MAX, 150));
        assert_eq!(violations.lines().last().map(String::as_str), Some("50 more errors are not listed"));
    }
}
