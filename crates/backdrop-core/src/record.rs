//! Records: the rules that hold for each of them beyond its schema, and what is said about one that
//! breaks them.

mod auto_id;
mod check;
mod violation;

pub(crate) use auto_id::python_text;
pub use check::{Checked, RecordRules, StoredRecord, collision};
pub use violation::{Findings, RecordPlace, VIOLATIONS_MAX, Violation, Violations};

use crate::time::Timestamp;

/// The keys with an underscore that a record may have.
const RESERVED_KEYS: [&str; 4] = ["_timestamp", "_start_at", "_end_at", "_id"];
/// The keys whose values are times.
pub const TIME_KEYS: [&str; 3] = ["_timestamp", "_start_at", "_end_at"];
/// The longest `_id` in bytes: an index entry of Postgres holds 2,704, and other columns share it.
pub const ID_BYTES_MAX: usize = 512;

/// A record that follows its schema and the record rules, in the form in which it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidRecord {
    id: String,
    id_tuple: Option<String>,
    timestamp: Timestamp,
    body: String,
}

impl ValidRecord {
    /// The `_id`: its identity within its data set.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The values of which `auto_ids` made the `_id`, as a JSON list; `None`: it was not made so.
    pub fn id_tuple(&self) -> Option<&str> {
        self.id_tuple.as_deref()
    }

    /// The point in time by which periods are formed: `_timestamp`, or else the time of acceptance.
    pub const fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// The record without its `_id`, times normalised, as JSON: written where it is checked, so that no lock is held
    /// meanwhile.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Id, tuple of the id, timestamp and body, to be stored.
    pub fn into_parts(self) -> (String, Option<String>, Timestamp, String) {
        (self.id, self.id_tuple, self.timestamp, self.body)
    }
}

/// Whether a text can be the `_id` of a record: 1 to [`ID_BYTES_MAX`] bytes without white space, and without
/// NUL, which the store cannot hold.
pub fn is_id(text: &str) -> bool {
    let is_out_of_place = |character: char| character.is_whitespace() || character == '\0';
    (1..=ID_BYTES_MAX).contains(&text.len()) && !text.contains(is_out_of_place)
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

    #[test]
    fn field_names_are_those_of_the_original() {
        for name in ["aa", "_timestamp", "A1", "a_b"] {
            assert!(is_field_name(name), "{name}");
        }
        for name in ["a", "", "1a", "a-b", "$where", "ä1"] {
            assert!(!is_field_name(name), "{name}");
        }
        assert!(is_key("_id") && !is_key("_foo"));
    }

    #[test]
    fn ids_are_what_the_store_can_hold() {
        for id in ["a", "a/b+c=", "é", &"x".repeat(ID_BYTES_MAX)] {
            assert!(is_id(id), "{id}");
        }
        for id in ["", "a b", "a\0b", "\u{2003}", &"x".repeat(ID_BYTES_MAX + 1)] {
            assert!(!is_id(id), "{id:?}");
        }
    }
}
