//! Checking records: the schema first, then the record rules, then the `_id`.

use super::auto_id::{self, AutoId};
use super::{Findings, ID_BYTES_MAX, TIME_KEYS, ValidRecord, Violation, Violations, is_id, is_key};
use crate::error::ErrorCode;
use crate::schema::Schema;
use crate::time::{self, Timestamp};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// How many violations of its schema are told of one record: a schema can be made so that each record breaks it a
/// thousand times.
const RECORD_VIOLATIONS_MAX: usize = 100;

/// The most fields of a record that comes of merging: as many as one that is sent can have.
const MERGED_KEYS_MAX: usize = 32_768;
/// The most bytes of it, as JSON: as many as one that is sent can have.
const MERGED_BYTES_MAX: usize = 10 * 1024 * 1024;

/// What the records of a batch must follow.
#[derive(Clone, Copy, Debug)]
pub struct RecordRules<'r> {
    /// The schema of the data set; `None`: record rules only.
    pub schema: Option<&'r Schema>,
    /// The fields that make the `_id`; none: a record brings its own, or gets one.
    pub auto_ids: &'r [String],
    /// A record without `_id` gets one made of this and its place in the batch, so that applying the same batch
    /// again makes the same records.
    pub batch_id: Uuid,
    /// What stands in for a missing `_timestamp`.
    pub accepted_at: Timestamp,
}

/// The records of a batch, looked at.
#[derive(Debug)]
pub struct Checked {
    /// The good ones, in order.
    pub valid: Vec<ValidRecord>,
    /// The numbers of the others, counted from 1, ascending.
    pub faulty: Vec<usize>,
    /// What is wrong with them.
    pub violations: Violations,
}

/// A record as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRecord {
    /// Its `_id`.
    pub id: String,
    /// The values of which `auto_ids` made the `_id`.
    pub id_tuple: Option<String>,
    /// The point in time by which periods are formed.
    pub timestamp: Timestamp,
    /// The record without its `_id`.
    pub body: Map<String, Value>,
    /// Its place in the order of changes.
    pub seq: i64,
}

impl RecordRules<'_> {
    /// Checks records, in order. `faults` are what was found wrong with some of them before: those are
    /// not looked at any more. `goes_on` is asked before each, by its number counted from 1; `None` if it says no.
    pub fn check(
        &self,
        records: Vec<Value>,
        faults: &[Violation],
        mut goes_on: impl FnMut(usize) -> bool,
    ) -> Option<Checked> {
        let mut findings = Findings::default();
        faults.iter().for_each(|fault| findings.note(fault));
        let known_faulty: HashSet<usize> = faults.iter().map(|fault| fault.record).collect();
        let mut checked = Checked {
            valid: Vec::with_capacity(records.len()),
            faulty: Vec::new(),
            violations: Violations::default(),
        };
        let mut tuples: HashMap<String, String> = HashMap::new();
        for (record, value) in (1..).zip(records) {
            if !goes_on(record) {
                return None;
            }
            let found_before = findings.total();
            let valid = if known_faulty.contains(&record) {
                None
            } else {
                let judged = One { record, rules: self, findings: &mut findings }.check(value);
                // One that is not stored takes nobody's id.
                let judged = judged.filter(|_| findings.total() == found_before);
                judged.filter(|valid| is_first_of_its_id(record, valid, &mut tuples, &mut findings))
            };
            match valid {
                Some(valid) if findings.total() == found_before => checked.valid.push(valid),
                _ => checked.faulty.push(record),
            }
        }
        checked.violations = findings.finish();
        Some(checked)
    }

    /// The record that comes of merging the fields of an object into a stored one.
    ///
    /// # Errors
    /// What is wrong with the record that would come of it.
    pub fn merge(&self, stored: &StoredRecord, fields: Value) -> Result<ValidRecord, Violations> {
        let mut findings = Findings::default();
        let mut one = One { record: 1, rules: self, findings: &mut findings };
        let merged = one.merge(stored, fields);
        let violations = findings.finish();
        match merged {
            Some(record) if violations.total == 0 => Ok(record),
            _ => Err(violations),
        }
    }
}

/// Of records whose values differ and yet join to one `_id`, only the first can be stored.
fn is_first_of_its_id(
    record: usize,
    valid: &ValidRecord,
    tuples: &mut HashMap<String, String>,
    findings: &mut Findings,
) -> bool {
    let Some(tuple) = valid.id_tuple() else { return true };
    let first = tuples.entry(valid.id.clone()).or_insert_with(|| tuple.to_owned());
    let is_same = first == tuple;
    if !is_same {
        findings.note(&collision(record, tuple, first));
    }
    is_same
}

/// What is said of a record that would overwrite another one because their values join to the same `_id`.
pub fn collision(record: usize, tuple: &str, other: &str) -> Violation {
    let message = format!(
        "the values {tuple} make the same _id as {other} of another record when they are joined by a `.`, and must \
         not overwrite it; change one of them"
    );
    Violation::of(record, "/_id", ErrorCode::IdCollision, message)
}

/// One record under judgement.
struct One<'o, 'r> {
    record: usize,
    rules: &'o RecordRules<'r>,
    findings: &'o mut Findings,
}

impl One<'_, '_> {
    fn check(&mut self, value: Value) -> Option<ValidRecord> {
        self.check_schema(&value);
        let Value::Object(mut body) = value else {
            let message = || "a record must be a JSON object".to_owned();
            self.findings.add(self.record, "", ErrorCode::NotRecords, "", message);
            return None;
        };
        // Of the values as they were sent: a time in another form makes another `_id`, as ever.
        let auto_id = self.auto_id(&body);
        let timestamp = self.check_fields(&mut body).unwrap_or(self.rules.accepted_at);
        let sent_id = body.remove("_id");
        let (id, id_tuple) = match (auto_id, sent_id) {
            (Some(AutoId { id, tuple }), _) => (id, Some(tuple)),
            (None, Some(id)) => (self.read_id(id), None),
            (None, None) => {
                let place = (self.record - 1).to_string();
                (Uuid::new_v5(&self.rules.batch_id, place.as_bytes()).to_string(), None)
            }
        };
        Some(ValidRecord { id, id_tuple, timestamp, body: json_of(&body) })
    }

    fn merge(&mut self, stored: &StoredRecord, fields: Value) -> Option<ValidRecord> {
        let Value::Object(fields) = fields else {
            let message = || "expected one JSON object with the fields to set".to_owned();
            self.findings.add(self.record, "", ErrorCode::NotRecords, "", message);
            return None;
        };
        self.check_identity(stored, &fields);
        let mut merged = stored.body.clone();
        merged.extend(fields);
        self.check_size(&merged)?;
        merged.insert("_id".into(), Value::String(stored.id.clone()));
        let value = Value::Object(merged);
        self.check_schema(&value);
        let Value::Object(mut body) = value else { return None };
        body.remove("_id");
        let timestamp = self.check_fields(&mut body).unwrap_or(stored.timestamp);
        let (id, id_tuple) = (stored.id.clone(), stored.id_tuple.clone());
        Some(ValidRecord { id, id_tuple, timestamp, body: json_of(&body) })
    }

    /// A record stays within what one request can hold, however often it is added to.
    fn check_size(&mut self, merged: &Map<String, Value>) -> Option<()> {
        let bytes = serde_json::to_vec(merged).map_or(usize::MAX, |json| json.len());
        if merged.len() <= MERGED_KEYS_MAX && bytes <= MERGED_BYTES_MAX {
            return Some(());
        }
        let message = || {
            format!(
                "the record would have {} fields and {bytes} bytes; at most {MERGED_KEYS_MAX} fields and \
                 {MERGED_BYTES_MAX} bytes are allowed",
                merged.len()
            )
        };
        self.findings.add(self.record, "", ErrorCode::TooLarge, "", message);
        None
    }

    /// A record keeps its `_id`, and so the values of which it was made.
    fn check_identity(&mut self, stored: &StoredRecord, fields: &Map<String, Value>) {
        if fields.get("_id").is_some_and(|id| id.as_str() != Some(&stored.id)) {
            self.breaks("_id", ErrorCode::InvalidId, "the _id of a record cannot be changed; leave it out");
        }
        // An `_id` that was sent is not made of fields, whatever the data set makes of them now.
        let made_of = if stored.id_tuple.is_some() { self.rules.auto_ids } else { &[] };
        for field in made_of {
            let is_kept = match (fields.get(field), stored.body.get(field)) {
                (Some(sent), Some(value)) => sent == value || is_same_time(sent, value),
                (sent, _) => sent.is_none(),
            };
            if !is_kept {
                let message = "the _id is made of this field, so it cannot be changed; delete the record and send it \
                               anew";
                self.breaks(field, ErrorCode::InvalidId, message);
            }
        }
    }

    fn check_schema(&mut self, value: &Value) {
        let Some(schema) = self.rules.schema else { return };
        // What a schema may cost is bounded for flat records only; that this one is not flat is told anyway.
        let is_flat = value.as_object().is_none_or(|fields| fields.values().all(is_scalar));
        // To know that all is well takes a third of the time that it takes to look for what is not.
        if !is_flat || schema.is_followed_by(value) {
            return;
        }
        for violation in schema.violations(value).take(RECORD_VIOLATIONS_MAX) {
            let (pointer, rule) = (violation.pointer(), violation.rule());
            let code = ErrorCode::SchemaViolation;
            self.findings.add(self.record, &pointer, code, &rule, || violation.message());
        }
    }

    /// Checks keys and values, and normalises times; gives the `_timestamp`.
    fn check_fields(&mut self, body: &mut Map<String, Value>) -> Option<Timestamp> {
        let mut timestamp = None;
        for (key, value) in body {
            if !is_key(key) {
                let message = "a key consists of letters, digits and `_`, begins with a letter, and has two \
                               characters or more; with a `_` in front there are only `_timestamp`, \
                               `_start_at`, `_end_at` and `_id`";
                self.breaks(key, ErrorCode::InvalidKey, message);
            }
            if value.is_object() || value.is_array() {
                let kind = if value.is_array() { "a list" } else { "an object" };
                let message = format!("expected a string, a number, a boolean or null, found {kind}");
                self.breaks(key, ErrorCode::NestedValue, message);
            } else if TIME_KEYS.contains(&key.as_str())
                && let Some(time) = self.read_time(key, value)
            {
                let text = time::format(time);
                // Most are written like that already.
                if *value != text {
                    *value = Value::String(text);
                }
                if key == "_timestamp" {
                    timestamp = Some(time);
                }
            }
        }
        timestamp
    }

    fn read_time(&mut self, key: &str, value: &Value) -> Option<Timestamp> {
        let (error, found) = match value {
            Value::String(text) => match time::parse(text) {
                Ok(time) => return Some(time),
                Err(error) => (error, format!("{text:?}")),
            },
            other => (time::TimeError::Form, other.to_string()),
        };
        let rule = error.to_string();
        let (record, pointer) = (self.record, pointer(key));
        let message = || format!("{rule}, found {found}");
        self.findings.add(record, &pointer, ErrorCode::InvalidTime, &rule, message);
        None
    }

    /// The `_id` that is made of fields, if it is and they are there.
    fn auto_id(&mut self, body: &Map<String, Value>) -> Option<AutoId> {
        if self.rules.auto_ids.is_empty() {
            return None;
        }
        match auto_id::of(self.rules.auto_ids, body) {
            Ok(made) if made.id.len() <= ID_BYTES_MAX => Some(made),
            Ok(made) => {
                let bytes = made.id.len();
                let message = format!(
                    "the _id made of {} would have {bytes} bytes; at most {ID_BYTES_MAX} are allowed",
                    self.rules.auto_ids.join(", ")
                );
                self.breaks("_id", ErrorCode::InvalidId, message);
                None
            }
            Err(missing) => {
                let message = format!("The following required id fields are missing: {}", missing.join(", "));
                let rule = missing.join(",");
                self.findings.add(self.record, "", ErrorCode::MissingIdField, &rule, || message);
                None
            }
        }
    }

    fn read_id(&mut self, id: Value) -> String {
        match id {
            Value::String(id) if is_id(&id) => id,
            _ => {
                let message = format!("an _id is a string without white space of 1 to {ID_BYTES_MAX} bytes");
                self.breaks("_id", ErrorCode::InvalidId, message);
                String::new()
            }
        }
    }

    fn breaks(&mut self, key: &str, code: ErrorCode, message: impl Into<String>) {
        self.findings.add(self.record, &pointer(key), code, "", || message.into());
    }
}

fn json_of(body: &Map<String, Value>) -> String {
    serde_json::to_string(body).expect("what was read as JSON can be written")
}

fn is_scalar(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

/// Whether both are the same point in time, in whatever form.
fn is_same_time(one: &Value, other: &Value) -> bool {
    let time = |value: &Value| value.as_str().and_then(|text| time::parse(text).ok());
    time(one).is_some_and(|one| time(other) == Some(one))
}

/// RFC 6901: in a pointer `~` is written `~0` and `/` is written `~1`.
fn pointer(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests;
