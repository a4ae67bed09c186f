//! Chunks: as many records as one request carries.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// How many bytes a chunk may have: 10 MiB is what the service takes, and there should be room to spare.
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// Some records of the file, as the body of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// The number of its first record in the file, counted from 1.
    pub(super) first: u64,
    /// How many records it holds.
    pub(super) records: u64,
    /// The records as a JSON list.
    pub(super) body: String,
}

impl Chunk {
    /// The number of its last record in the file.
    fn last(&self) -> u64 {
        self.first + self.records - 1
    }

    /// Which records of the file it holds, in words.
    pub(super) fn place(&self) -> String {
        match self.records {
            1 => format!("record {}", self.first),
            _ => format!("records {} to {}", self.first, self.last()),
        }
    }
}

/// Gathers records into chunks.
#[derive(Debug)]
pub(super) struct Chunks {
    records_max: u64,
    next: u64,
    records: u64,
    body: String,
}

impl Chunks {
    /// Chunks of at most so many records.
    pub(super) fn new(records_max: u64) -> Self {
        Self { records_max, next: 1, records: 0, body: String::new() }
    }

    /// Adds a record; returns the chunk before it if that is full.
    pub(super) fn add(&mut self, record: &RawValue) -> Option<Chunk> {
        let record = with_id(record.get());
        // Two brackets and a comma.
        let is_full = self.records == self.records_max || self.body.len() + record.len() + 3 > BYTES_MAX;
        let chunk = if is_full { self.finish() } else { None };
        self.body.push(if self.records == 0 { '[' } else { ',' });
        self.body.push_str(&record);
        self.records += 1;
        chunk
    }

    /// The last chunk, which need not be full.
    pub(super) fn finish(&mut self) -> Option<Chunk> {
        if self.records == 0 {
            return None;
        }
        let mut body = std::mem::take(&mut self.body);
        body.push(']');
        let chunk = Chunk { first: self.next, records: self.records, body };
        self.next += self.records;
        self.records = 0;
        Some(chunk)
    }
}

/// The record with an `_id`: a random one if it has none, made once, before the record is first sent. So a chunk
/// that is sent again because its answer was lost replaces what the first one stored.
fn with_id(record: &str) -> String {
    #[derive(Deserialize)]
    struct Identity {
        #[serde(rename = "_id", default, deserialize_with = "is_present")]
        has_id: bool,
    }
    fn is_present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| true)
    }
    match (record.strip_prefix('{'), serde_json::from_str(record)) {
        (Some(rest), Ok(Identity { has_id: false })) => {
            let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
            format!("{{\"_id\":\"{}\"{comma}{rest}", uuid::Uuid::new_v4())
        }
        // It has one, or it is no record, which is for the service to say.
        _ => record.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).expect("JSON")
    }

    #[test]
    fn records_are_numbered_through_the_file() {
        let mut chunks = Chunks::new(2);
        let record = raw(r#"{"_id":"a"}"#);
        let made: Vec<Option<Chunk>> = (0..3).map(|_| chunks.add(&record)).collect();
        assert_eq!(made[..2], [None, None]);
        let first = made[2].as_ref().expect("two records are a chunk");
        assert_eq!(first.place(), "records 1 to 2");
        assert_eq!(first.body, r#"[{"_id":"a"},{"_id":"a"}]"#);
        let last = chunks.finish().expect("one record is left");
        assert_eq!((last.place().as_str(), last.body.as_str()), ("record 3", r#"[{"_id":"a"}]"#));
        assert_eq!(chunks.finish(), None);
    }

    #[test]
    fn a_chunk_stays_below_the_bound_of_bytes() {
        let mut chunks = Chunks::new(u64::MAX);
        let record = raw(&format!(r#"{{"_id":"a","text":"{}"}}"#, "x".repeat(3 * 1024 * 1024)));
        let made: Vec<Chunk> = (0..5).filter_map(|_| chunks.add(&record)).collect();
        assert_eq!(made.iter().map(|chunk| chunk.records).collect::<Vec<_>>(), [2, 2]);
        assert!(made.iter().all(|chunk| chunk.body.len() <= BYTES_MAX));
    }

    #[test]
    fn only_records_without_id_get_one() {
        for text in [r#"{ "_id" : "a" }"#, r#"{"_id":null,"n":1}"#, r#"{"\u005fid":"a"}"#, "[1]", "3"] {
            assert_eq!(with_id(text), text);
        }
        for text in [r#"{"n":1.10}"#, "{ }", "{}", r#"{"deep":{"_id":1}}"#] {
            let record: Value = serde_json::from_str(&with_id(text)).expect("still JSON");
            assert_eq!(record["_id"].as_str().map(str::len), Some(36), "{text}");
        }
        assert!(with_id(r#"{"n":1.10}"#).ends_with(r#","n":1.10}"#));
    }
}
