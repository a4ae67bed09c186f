//! Batches: what one write puts into the log, and how it ended.
//!
//! The envelope outlives the process that wrote it, so it is versioned and has a golden: a worker
//! must read what a writer of the version before left in the queue.

use crate::data_set::DataSetId;
use crate::origin::Origin;
use crate::record::Violation;
use crate::token::TokenId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The version of the envelope that this code writes.
const ENVELOPE_VERSION: u32 = 2;

/// Everything about a batch but its records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The version of this form.
    pub version: u32,
    /// What the batch does.
    pub kind: BatchKind,
    /// The batch's identity, made by the writer, so that an append may be repeated.
    pub batch_id: Uuid,
    /// The data set it changes.
    pub data_set_id: DataSetId,
    /// The name of the data set: a store that was restored from a backup may give the number of one that was made
    /// since to another. `None`: the writer did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_set: Option<String>,
    /// The token it was sent with; `None`: the administration token. Never the token itself.
    pub token_id: Option<TokenId>,
    /// The request it came with, to follow it from log to log.
    pub request_id: String,
    /// The trace the request belongs to, as a `traceparent` of the W3C. It has no effect, so that a worker that does
    /// not know of it may pass it over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The client's key for repeating the request, and the hash of the body it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<Idempotency>,
    /// Where the records came from.
    pub origin: Origin,
    /// The configuration that the writer knew: the worker judges by this one or a later one. 0 in entries of
    /// version 1.
    #[serde(default)]
    pub configuration: i64,
    /// What becomes of the good records of an append if others are faulty.
    #[serde(default)]
    pub handling: Handling,
    /// What was wrong with records already as they came, in lenient handling: a line that is not JSON, a cell
    /// with an error. Such a record stands in the batch all the same, as what can be kept of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Violation>,
}

/// What a batch does to its data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchKind {
    /// Stores records; a record whose `_id` exists is replaced.
    Append,
    /// Removes all records.
    Empty,
    /// Deletes the data set with all its records.
    DeleteDataSet,
    /// Merges the fields of the one record of the batch into a stored one.
    Patch {
        /// The stored record's `_id`.
        id: String,
    },
    /// Deletes a record.
    DeleteRecord {
        /// Its `_id`.
        id: String,
    },
    /// Stores the records of a batch that was rejected, as a new write.
    Replay {
        /// The rejected batch.
        of: Uuid,
        /// Whether records that were changed since are left alone.
        only_if_unchanged: bool,
    },
}

impl BatchKind {
    /// The kind as it is kept in the store.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Empty => "empty",
            Self::DeleteDataSet => "delete_data_set",
            Self::Patch { .. } => "patch",
            Self::DeleteRecord { .. } => "delete_record",
            Self::Replay { .. } => "replay",
        }
    }

    /// Whether the batch is worked on alone: what it does depends on what is stored just before it.
    pub const fn is_alone(&self) -> bool {
        matches!(self, Self::Patch { .. } | Self::DeleteRecord { .. } | Self::Replay { .. })
    }
}

/// What becomes of the good records of a batch if others are faulty (RFC 7240, `handling`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handling {
    /// Nothing is stored.
    #[default]
    Strict,
    /// They are stored; the faulty ones are kept as a rejected batch.
    Lenient,
}

/// A client's `Idempotency-Key` and the body it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// The key, unique per data set.
    pub key: String,
    /// SHA-256 of what is asked for and of the inflated body, in hexadecimal.
    pub body_sha256: String,
}

impl Idempotency {
    /// The key of a request, and the hash of what it does and of its inflated body.
    pub fn of(key: String, kind: &BatchKind, body: &[u8]) -> Self {
        let kind = serde_json::to_vec(kind).expect("a kind holds only texts");
        let hash = Sha256::new().chain_update(kind).chain_update(b"\n").chain_update(body).finalize();
        Self { key, body_sha256: format!("{hash:x}") }
    }

    /// The id of the batch: the same for each repetition of the request, so that the worker, who knows batches
    /// by their ids, stores it once.
    pub fn batch_id(&self, data_set: DataSetId) -> Uuid {
        let name = format!("{}\n{}\n{}", data_set.0, self.body_sha256, self.key);
        Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())
    }
}

/// How a batch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Its effects are committed.
    Stored,
    /// A record broke a rule; nothing was stored, and the batch is kept with its errors.
    Rejected,
    /// It could not be processed time and again; it is kept.
    Dead,
}

impl Outcome {
    /// The outcome as it is kept in the store and shown to clients.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Rejected => "rejected",
            Self::Dead => "dead",
        }
    }

    /// Reads what [`as_str`](Self::as_str) writes.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Stored, Self::Rejected, Self::Dead].into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// The ids of a replayed batch that were changed, deleted or made after it was rejected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The first [`Changed::LISTED_MAX`] of them, in order.
    pub changed: Vec<String>,
    /// How many there are.
    pub changed_total: usize,
}

impl Changed {
    /// How many ids are told.
    pub const LISTED_MAX: usize = 1_000;

    /// Those ids, each once.
    pub fn of(mut ids: Vec<String>) -> Self {
        ids.sort_unstable();
        ids.dedup();
        let changed_total = ids.len();
        ids.truncate(Self::LISTED_MAX);
        Self { changed: ids, changed_total }
    }
}

/// Why an envelope cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// A newer writer wrote it: this process must be upgraded, the batch is fine.
    #[error("the envelope has version {found}, this process reads up to {ENVELOPE_VERSION}")]
    Newer {
        /// The version found.
        found: u32,
    },
    /// It is not an envelope.
    #[error("the envelope cannot be read")]
    Malformed(#[source] serde_json::Error),
}

impl Envelope {
    /// An envelope of this version that says what every batch must: whose it is and what it does. The rest is that of a
    /// request by the administration token, judged strictly and without a key, by whatever configuration.
    pub const fn new(kind: BatchKind, batch_id: Uuid, data_set_id: DataSetId, request_id: String) -> Self {
        Self {
            version: ENVELOPE_VERSION,
            kind,
            batch_id,
            data_set_id,
            data_set: None,
            token_id: None,
            request_id,
            traceparent: None,
            idempotency: None,
            origin: Origin::Request,
            configuration: 0,
            handling: Handling::Strict,
            faults: Vec::new(),
        }
    }

    /// Reads an envelope from the log.
    ///
    /// # Errors
    /// If it was written by a newer version, or is not an envelope at all.
    pub fn from_json(text: &[u8]) -> Result<Self, EnvelopeError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let read = serde_json::from_slice::<Self>(text);
        let version = match &read {
            Ok(envelope) => envelope.version,
            // Perhaps a newer version says things in another way.
            Err(_) => serde_json::from_slice(text).map_or(0, |Versioned { version }| version),
        };
        if version > ENVELOPE_VERSION {
            return Err(EnvelopeError::Newer { found: version });
        }
        read.map_err(EnvelopeError::Malformed)
    }

    /// Writes the envelope for the log.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("an envelope holds only texts and numbers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use std::collections::BTreeMap;

    /// What the versions look like in the queue. Never edit them: entries like these are waiting somewhere.
    const GOLDEN_V1: &str = include_str!("../goldens/envelope_v1.json");
    const GOLDEN_V2: &str = include_str!("../goldens/envelope_v2.json");

    fn version_1() -> Envelope {
        Envelope {
            version: 1,
            kind: BatchKind::Append,
            batch_id: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001),
            data_set_id: DataSetId(42),
            data_set: None,
            token_id: Some(TokenId(7)),
            request_id: "a-request".into(),
            traceparent: None,
            idempotency: Some(Idempotency { key: "a-key".into(), body_sha256: "00ff".into() }),
            origin: Origin::Json,
            configuration: 0,
            handling: Handling::Strict,
            faults: Vec::new(),
        }
    }

    fn version_2() -> Envelope {
        Envelope {
            version: 2,
            kind: BatchKind::Replay { of: Uuid::from_u128(9), only_if_unchanged: true },
            origin: Origin::Sheet {
                sheet: "Figures".into(),
                rows: [2, 3, 5].into_iter().collect(),
                columns: BTreeMap::from([("count".into(), "C".into())]),
            },
            configuration: 12,
            handling: Handling::Lenient,
            faults: vec![Violation::of(2, "/count", ErrorCode::CellError, "the cell holds #REF!")],
            ..version_1()
        }
    }

    #[test]
    fn version_1_is_read_as_ever() {
        assert_eq!(Envelope::from_json(GOLDEN_V1.as_bytes()).expect("readable"), version_1());
    }

    #[test]
    fn version_2_is_written_and_read_as_ever() {
        assert_eq!(version_2().to_json(), GOLDEN_V2.trim_end());
        assert_eq!(Envelope::from_json(GOLDEN_V2.as_bytes()).expect("readable"), version_2());
        let named = Envelope { data_set: Some("a_data_set".into()), ..version_2() };
        assert!(named.to_json().contains(r#""data_set_id":42,"data_set":"a_data_set","#));
        assert_eq!(Envelope::from_json(named.to_json().as_bytes()).expect("readable"), named);
        let kinds = [
            (BatchKind::Patch { id: "a".into() }, r#"{"patch":{"id":"a"}}"#),
            (BatchKind::DeleteRecord { id: "a".into() }, r#"{"delete_record":{"id":"a"}}"#),
            (BatchKind::Empty, r#""empty""#),
            (BatchKind::DeleteDataSet, r#""delete_data_set""#),
        ];
        for (kind, text) in kinds {
            assert_eq!(serde_json::to_string(&kind).expect("texts"), text);
        }
    }

    #[test]
    fn a_trace_goes_with_the_batch() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let traced = Envelope { traceparent: Some(parent.into()), ..version_2() };
        assert!(traced.to_json().contains(&format!(r#""request_id":"a-request","traceparent":"{parent}""#)));
        assert_eq!(Envelope::from_json(traced.to_json().as_bytes()).expect("readable"), traced);
    }

    #[test]
    fn a_repeated_request_makes_the_same_batch_and_any_other_another() {
        let id = |key: &str, kind: &BatchKind, body: &[u8], data_set| {
            Idempotency::of(key.into(), kind, body).batch_id(DataSetId(data_set))
        };
        let first = id("k", &BatchKind::Append, b"[]", 1);
        assert_eq!(first, id("k", &BatchKind::Append, b"[]", 1));
        let others = [
            id("l", &BatchKind::Append, b"[]", 1),
            id("k", &BatchKind::Empty, b"[]", 1),
            id("k", &BatchKind::Append, b"[ ]", 1),
            id("k", &BatchKind::Append, b"[]", 2),
        ];
        assert!(others.iter().all(|other| *other != first));
    }

    #[test]
    fn a_newer_version_is_told_apart_from_garbage() {
        let newer = br#"{"version":3,"kind":"something_new"}"#;
        assert!(matches!(Envelope::from_json(newer), Err(EnvelopeError::Newer { found: 3 })));
        assert!(matches!(Envelope::from_json(b"{}"), Err(EnvelopeError::Malformed(_))));
    }
}
