//! An answer that says no, in words for the person at the terminal.

use serde::Deserialize;
use serde_json::Value;
use std::fmt;
use std::time::Duration;
use ureq::http::StatusCode;

/// What the service said when it refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// The HTTP status.
    pub(crate) status: StatusCode,
    /// After how long to try again, if the service said so.
    pub(crate) retry_after: Option<Duration>,
    /// It is the answer to an earlier request with the same key; nothing was tried now.
    pub(crate) is_replayed: bool,
    /// What went wrong with which record; empty where no record was at fault.
    pub(crate) errors: Vec<RecordError>,
    /// How many faults there are in all, listed or not.
    pub(crate) errors_total: u64,
    message: String,
    messages: Vec<String>,
}

/// What is wrong with one record.
#[derive(Debug, Deserialize)]
pub(crate) struct RecordError {
    /// Which record of the request, counted from 1.
    pub(crate) record: u64,
    /// The JSON pointer of the value at fault.
    #[serde(default)]
    pub(crate) pointer: String,
    /// What is wrong with it.
    pub(crate) message: String,
    /// In how many records it is wrong.
    #[serde(default = "one")]
    pub(crate) count: u64,
    /// The next few of them.
    #[serde(default)]
    pub(crate) also: Vec<SamePlace>,
}

/// A further record with the same fault.
#[derive(Debug, Deserialize)]
pub(crate) struct SamePlace {
    /// Which record of the request, counted from 1.
    pub(crate) record: u64,
}

const fn one() -> u64 {
    1
}

impl Refusal {
    /// Reads an error body; of one that is not ours (a proxy's, say) only the status is known.
    pub(crate) fn read(status: StatusCode, retry_after: Option<Duration>, body: &Value) -> Self {
        let message =
            body["message"].as_str().map_or_else(|| format!("the service answered {status}"), Into::into);
        let messages = body["messages"].as_array().into_iter().flatten();
        let messages = messages.filter_map(|message| message.as_str().map(str::to_owned)).collect();
        let errors = body["errors"].as_array().into_iter().flatten();
        let errors: Vec<RecordError> =
            errors.filter_map(|error| RecordError::deserialize(error).ok()).collect();
        let listed = errors.iter().map(|error| error.count).sum();
        let errors_total = body["errors_total"].as_u64().unwrap_or(listed);
        Self { status, retry_after, is_replayed: false, errors, errors_total, message, messages }
    }

    /// Whether the same request may well succeed later: the service is overloaded, starting or away.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self.status.as_u16(), 408 | 429 | 502 | 503 | 504)
    }

    /// Whether it is the records that were refused, not the request for them.
    pub(crate) fn blames_records(&self) -> bool {
        matches!(self.status.as_u16(), 400 | 413)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        // A list of one often repeats the message.
        for message in self.messages.iter().filter(|message| **message != self.message) {
            write!(f, "\n  {message}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refusal_is_shown_with_all_its_messages_once() {
        let body = json!({"status": "error", "code": "invalid_records", "message": "Records were rejected",
            "messages": ["Records were rejected", "record 2: count: is not an integer"],
            "errors": [{"record": 2, "pointer": "/count", "code": "schema_violation", "message": "is not an integer"}]});
        let refusal = Refusal::read(StatusCode::BAD_REQUEST, None, &body);
        assert_eq!(refusal.to_string(), "Records were rejected\n  record 2: count: is not an integer");
        assert_eq!(refusal.errors[0].record, 2);
        assert!(refusal.blames_records() && !refusal.is_transient());
    }

    #[test]
    fn a_foreign_body_leaves_the_status() {
        let refusal = Refusal::read(StatusCode::BAD_GATEWAY, None, &Value::Null);
        assert_eq!(refusal.to_string(), "the service answered 502 Bad Gateway");
        assert!(refusal.is_transient());
    }
}
