//! Records as rows: what is stored, with what the store knows about it.

use crate::query::FieldName;
use crate::time::{self, Timestamp};
use serde_json::Map;
use serde_json::value::{RawValue, Value, to_raw_value};

/// A stored record as a row: its body with `_id` and `_updated_at`, or only the given fields of them if
/// there are any.
///
/// # Errors
/// If the body is not a JSON object, which the store rules out.
pub fn record_row(
    id: &str,
    updated_at: Timestamp,
    body: &str,
    fields: &[FieldName],
) -> Result<Box<RawValue>, serde_json::Error> {
    let whole = whole_row(id, updated_at, body)?;
    if fields.is_empty() {
        return Ok(whole);
    }
    let mut row: Map<String, Value> = serde_json::from_str(whole.get())?;
    row.retain(|name, _| fields.iter().any(|field| field.as_str() == name));
    to_raw_value(&row)
}

/// The body is not taken apart, only completed: an answer may hold a hundred thousand of them.
fn whole_row(id: &str, updated_at: Timestamp, body: &str) -> Result<Box<RawValue>, serde_json::Error> {
    let head = format!(r#"{{"_id":{},"_updated_at":"{}""#, Value::from(id), time::format(updated_at));
    let fields = body.trim_ascii().strip_prefix('{').unwrap_or(body).trim_ascii_start();
    let separator = if fields.starts_with('}') { "" } else { "," };
    RawValue::from_string([&head, separator, fields].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(id: &str, body: &str) -> Value {
        let updated_at = time::parse("2013-03-11T09:30:00Z").expect("a time");
        let row = record_row(id, updated_at, body, &[]).expect("JSON");
        serde_json::from_str(row.get()).expect("JSON")
    }

    #[test]
    fn a_record_is_shown_with_its_id_and_when_it_was_stored() {
        let stored = row("a\"b", r#"{"_timestamp": "2013-03-11T00:00:00+00:00", "count": 3}"#);
        assert_eq!(
            stored,
            json!({"_id": "a\"b", "_updated_at": "2013-03-11T09:30:00+00:00",
                   "_timestamp": "2013-03-11T00:00:00+00:00", "count": 3})
        );
        assert_eq!(row("a", "{}"), json!({"_id": "a", "_updated_at": "2013-03-11T09:30:00+00:00"}));
    }

    #[test]
    fn what_is_no_object_is_not_shown() {
        let updated_at = time::parse("2013-03-11").expect("a time");
        assert!(record_row("a", updated_at, "[1]", &[]).is_err());
        assert!(record_row("a", updated_at, "{", &[]).is_err());
    }
}
