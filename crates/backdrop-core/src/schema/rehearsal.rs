//! A dry run of a schema over records that are stored: how many would not follow it, and why.

use super::Schema;
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;

/// How many different reasons are told; more help nobody.
const REASONS_MAX: usize = 100;
/// How long a text may be: it may repeat a value, which may be large.
const TEXT_BYTES_MAX: usize = 300;

/// What a dry run has found so far.
#[derive(Debug, Default, Serialize)]
pub struct Rehearsal {
    /// How many records were looked at.
    pub records: u64,
    /// How many of them do not follow the schema.
    pub failing: u64,
    /// Why not; at most the first 100 different reasons.
    pub reasons: Vec<Reason>,
    /// Where in the list a rule of a value stands.
    #[serde(skip)]
    groups: HashMap<(String, String), usize>,
}

/// One rule that records break.
#[derive(Debug, Serialize)]
pub struct Reason {
    /// The JSON pointer of the value at fault, empty for the record itself.
    pub pointer: String,
    /// What kind of rule.
    pub code: crate::error::ErrorCode,
    /// What is wrong with the example.
    pub message: String,
    /// How many records break it.
    pub count: u64,
    /// The first of them.
    pub example: Example,
}

/// A record that breaks a rule.
#[derive(Debug, Serialize)]
pub struct Example {
    /// Its `_id`.
    #[serde(rename = "_id")]
    pub id: String,
}

impl Rehearsal {
    /// Looks at a record as it is stored, `_id` included.
    pub fn judge(&mut self, schema: &Schema, record: &Value) {
        self.records += 1;
        let mut is_failing = false;
        for violation in schema.violations(record) {
            is_failing = true;
            let group = (cut_off(violation.pointer()), violation.rule());
            if let Some(index) = self.groups.get(&group) {
                self.reasons[*index].count += 1;
            } else if self.reasons.len() < REASONS_MAX {
                let id = record["_id"].as_str().unwrap_or_default().to_owned();
                self.reasons.push(Reason {
                    pointer: group.0.clone(),
                    code: crate::error::ErrorCode::SchemaViolation,
                    message: cut_off(violation.message()),
                    count: 1,
                    example: Example { id },
                });
                self.groups.insert(group, self.reasons.len() - 1);
            }
        }
        self.failing += u64::from(is_failing);
    }
}

fn cut_off(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reasons_are_grouped_with_an_example_and_bounded() {
        let document = json!({"required": ["slug"], "properties": {"count": {"type": "integer"}}});
        let schema = Schema::compile(&document).expect("a schema");
        let mut rehearsal = Rehearsal::default();
        for record in [
            json!({"_id": "good", "slug": "x", "count": 1}),
            json!({"_id": "first", "slug": "x", "count": "one"}),
            json!({"_id": "second", "count": "two"}),
        ] {
            rehearsal.judge(&schema, &record);
        }
        let found = json!(rehearsal);
        assert_eq!((&found["records"], &found["failing"]), (&json!(3), &json!(2)));
        let reasons = found["reasons"].as_array().expect("reasons");
        assert_eq!(reasons.len(), 2);
        let count = reasons.iter().find(|reason| reason["pointer"] == "/count").expect("a reason");
        assert_eq!((&count["count"], &count["example"]), (&json!(2), &json!({"_id": "first"})));

        let schema = Schema::compile(&json!({"additionalProperties": false})).expect("a schema");
        let mut rehearsal = Rehearsal::default();
        for number in 0..150 {
            let record: serde_json::Map<_, _> = [(format!("field_{number}"), json!(1))].into_iter().collect();
            rehearsal.judge(&schema, &Value::Object(record));
        }
        assert_eq!(rehearsal.failing, 150);
        assert!(rehearsal.reasons.len() <= REASONS_MAX);
    }
}
