//! Chunks: as many records as one request carries.

use super::source::{Layout, Record};
use backdrop_core::origin::Origin;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// How many bytes a chunk may have: 10 MiB is what the service takes, and there should be room to spare.
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// Some records of the file, as the body of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Its own number, counted from 1.
    pub(super) number: u64,
    /// The number of its first record in the file, counted from 1.
    pub(super) first: u64,
    /// How many records it holds.
    pub(super) records: u64,
    /// Whether each of them has an `_id`, so that storing them again changes nothing but the time.
    pub(super) has_ids: bool,
    /// The records as a JSON list.
    pub(super) body: String,
    /// Where they stand in the file.
    pub(super) origin: Origin,
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

    /// Which record of the file is the one that has this number, counted from 1, in the chunk; and where it, or the
    /// field that a JSON pointer names, stands.
    pub(super) fn place_of(&self, record: u64, pointer: &str) -> String {
        let number = self.first + record.saturating_sub(1);
        let place = self.origin.place(usize::try_from(record).unwrap_or(usize::MAX), pointer);
        match (place.sheet, place.cell, place.line) {
            (Some(sheet), Some(cell), _) => format!("record {number} ({sheet}!{cell})"),
            (Some(sheet), None, Some(row)) => format!("record {number} ({sheet}, row {row})"),
            (None, _, Some(line)) => format!("record {number} (line {line})"),
            _ => format!("record {number}"),
        }
    }
}

/// Gathers records into chunks. The same records make the same chunks, whenever they are read.
#[derive(Debug)]
pub(super) struct Chunks {
    records_max: u64,
    layout: Layout,
    number: u64,
    next: u64,
    has_ids: bool,
    body: String,
    lines: Vec<u32>,
}

impl Chunks {
    /// Chunks of at most so many records.
    pub(super) fn new(records_max: u64, layout: Layout) -> Self {
        Self {
            records_max,
            layout,
            number: 1,
            next: 1,
            has_ids: true,
            body: String::new(),
            lines: Vec::new(),
        }
    }

    /// Adds a record; returns the chunk before it if that is full.
    pub(super) fn add(&mut self, record: &Record) -> Option<Chunk> {
        // Two brackets and a comma.
        let is_full = self.lines.len() as u64 == self.records_max
            || self.body.len() + record.json.len() + 3 > BYTES_MAX;
        let chunk = if is_full { self.finish() } else { None };
        self.body.push(if self.lines.is_empty() { '[' } else { ',' });
        self.body.push_str(&record.json);
        self.lines.push(record.line);
        self.has_ids = self.has_ids && has_id(&record.json);
        chunk
    }

    /// The last chunk, which need not be full.
    pub(super) fn finish(&mut self) -> Option<Chunk> {
        if self.lines.is_empty() {
            return None;
        }
        let mut body = std::mem::take(&mut self.body);
        body.push(']');
        let records = self.lines.len() as u64;
        let chunk = Chunk {
            number: self.number,
            first: self.next,
            records,
            has_ids: std::mem::replace(&mut self.has_ids, true),
            body,
            origin: self.layout.origin(self.lines.drain(..)),
        };
        self.number += 1;
        self.next += records;
        Some(chunk)
    }
}

/// Whether the record has an `_id`, of whatever kind: if it is none, the service will say so.
fn has_id(record: &str) -> bool {
    #[derive(Deserialize)]
    struct Identity {
        #[serde(rename = "_id", default, deserialize_with = "is_present")]
        has_id: bool,
    }
    fn is_present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| true)
    }
    // A list would be read as the values of the fields.
    record.starts_with('{') && serde_json::from_str(record).is_ok_and(|identity: Identity| identity.has_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn record(line: u32, json: &str) -> Record {
        Record { json: json.to_owned(), line }
    }

    #[test]
    fn records_are_numbered_through_the_file() {
        let mut chunks = Chunks::new(2, Layout::Lines);
        let made: Vec<Option<Chunk>> = [(1, "{\"_id\":1}"), (3, "{\"_id\":2}"), (9, "{}")]
            .map(|(line, json)| chunks.add(&record(line, json)))
            .into();
        assert_eq!(made[..2], [None, None]);
        let first = made[2].as_ref().expect("two records are a chunk");
        assert_eq!((first.number, first.place().as_str(), first.has_ids), (1, "records 1 to 2", true));
        assert_eq!(first.body, r#"[{"_id":1},{"_id":2}]"#);
        assert_eq!(first.place_of(2, "/count"), "record 2 (line 3)");
        let last = chunks.finish().expect("one record is left");
        assert_eq!((last.number, last.place().as_str(), last.has_ids), (2, "record 3", false));
        assert_eq!((last.body.as_str(), last.place_of(1, "")), ("[{}]", "record 3 (line 9)".into()));
        assert_eq!(chunks.finish(), None);
    }

    #[test]
    fn a_record_of_a_sheet_has_a_cell_or_a_row() {
        let columns = BTreeMap::from([("count".to_owned(), "C".to_owned())]);
        let mut chunks = Chunks::new(9, Layout::Sheet { sheet: "Figures".into(), columns });
        chunks.add(&record(4, "{}"));
        let chunk = chunks.finish().expect("a chunk");
        assert_eq!(chunk.place_of(1, "/count"), "record 1 (Figures!C4)");
        assert_eq!(chunk.place_of(1, ""), "record 1 (Figures, row 4)");
    }

    #[test]
    fn a_chunk_stays_below_the_bound_of_bytes() {
        let mut chunks = Chunks::new(u64::MAX, Layout::Lines);
        let large = record(1, &format!(r#"{{"_id":"a","text":"{}"}}"#, "x".repeat(3 * 1024 * 1024)));
        let made: Vec<Chunk> = (0..5).filter_map(|_| chunks.add(&large)).collect();
        assert_eq!(made.iter().map(|chunk| chunk.records).collect::<Vec<_>>(), [2, 2]);
        assert!(made.iter().all(|chunk| chunk.body.len() <= BYTES_MAX));
    }

    #[test]
    fn an_id_is_found_wherever_it_stands() {
        for text in [r#"{ "nn":1, "_id" : "a" }"#, r#"{"_id":null}"#, r#"{"\u005fid":"a"}"#] {
            assert!(has_id(text), "{text}");
        }
        for text in ["{}", r#"{"deep":{"_id":1}}"#, "[1]", "3"] {
            assert!(!has_id(text), "{text}");
        }
    }
}
