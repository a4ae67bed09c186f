//! Batches: what one write puts into the log, and how it ended.
//!
//! The envelope outlives the process that wrote it, so it is versioned and has a golden: a worker
//! must read what a writer of the version before left in the queue.

use crate::data_set::DataSetId;
use crate::token::TokenId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The version of the envelope that this code writes.
pub const ENVELOPE_VERSION: u32 = 1;

/// Everything about a batch but its records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The version of this form; see [`ENVELOPE_VERSION`].
    pub version: u32,
    /// What the batch does.
    pub kind: BatchKind,
    /// The batch's identity, made by the writer, so that an append may be repeated.
    pub batch_id: Uuid,
    /// The data set it changes.
    pub data_set_id: DataSetId,
    /// The token it was sent with; `None`: the administration token. Never the token itself.
    pub token_id: Option<TokenId>,
    /// The request it came with, to follow it from log to log.
    pub request_id: String,
    /// The client's key for repeating the request, and the hash of the body it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<Idempotency>,
    /// Where the records came from.
    pub origin: Origin,
}

/// What a batch does to its data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchKind {
    /// Stores records; a record whose `_id` exists is replaced.
    Append,
    /// Removes all records.
    Empty,
    /// Deletes the data set with all its records.
    DeleteDataSet,
}

impl BatchKind {
    /// The kind as it is kept in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Empty => "empty",
            Self::DeleteDataSet => "delete_data_set",
        }
    }
}

/// A client's `Idempotency-Key` and the body it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// The key, unique per data set.
    pub key: String,
    /// SHA-256 of the inflated body, in hexadecimal.
    pub body_sha256: String,
}

/// Where the records of a batch came from, so that an error can name the place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "format", rename_all = "snake_case")]
pub enum Origin {
    /// A JSON document: the record's number is its place.
    Json,
    /// Not a document: the change was asked for by a request without records.
    Request,
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
    /// Reads an envelope from the log.
    ///
    /// # Errors
    /// If it was written by a newer version, or is not an envelope at all.
    pub fn from_json(text: &[u8]) -> Result<Self, EnvelopeError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = serde_json::from_slice(text).map_err(EnvelopeError::Malformed)?;
        if version > ENVELOPE_VERSION {
            return Err(EnvelopeError::Newer { found: version });
        }
        serde_json::from_slice(text).map_err(EnvelopeError::Malformed)
    }

    /// Writes the envelope for the log.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("an envelope holds only texts and numbers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What version 1 looks like in the queue. Never edit it: entries like it are waiting somewhere.
    const GOLDEN_V1: &str = include_str!("../goldens/envelope_v1.json");

    fn version_1() -> Envelope {
        Envelope {
            version: 1,
            kind: BatchKind::Append,
            batch_id: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001),
            data_set_id: DataSetId(42),
            token_id: Some(TokenId(7)),
            request_id: "a-request".into(),
            idempotency: Some(Idempotency { key: "a-key".into(), body_sha256: "00ff".into() }),
            origin: Origin::Json,
        }
    }

    #[test]
    fn version_1_is_written_and_read_as_ever() {
        assert_eq!(version_1().to_json(), GOLDEN_V1.trim_end());
        assert_eq!(Envelope::from_json(GOLDEN_V1.as_bytes()).expect("readable"), version_1());
    }

    #[test]
    fn a_newer_version_is_told_apart_from_garbage() {
        let newer = br#"{"version":2,"kind":"something_new"}"#;
        assert!(matches!(Envelope::from_json(newer), Err(EnvelopeError::Newer { found: 2 })));
        assert!(matches!(Envelope::from_json(b"{}"), Err(EnvelopeError::Malformed(_))));
    }
}
