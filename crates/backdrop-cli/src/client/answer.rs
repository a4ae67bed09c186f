//! What the service answers.

use super::Refusal;
use serde_json::Value;
use ureq::http::{HeaderMap, StatusCode, header};

/// The header of an answer that was given before.
pub(super) const REPLAYED: &str = "idempotent-replayed";

/// Why there is no good answer.
#[derive(Debug)]
pub(crate) enum CallError {
    /// There is no answer: nothing tells whether the service has done what was asked.
    NoAnswer(anyhow::Error),
    /// The service has answered that it did not.
    Refused(Refusal),
}

impl From<CallError> for anyhow::Error {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NoAnswer(error) => error,
            CallError::Refused(refusal) => Self::msg(refusal.to_string()),
        }
    }
}

/// A good answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Accepted but not done yet (202): where to ask for the outcome.
    pub(crate) receipt: Option<String>,
    /// It is the answer to an earlier request with the same key; nothing was done now.
    pub(crate) is_replayed: bool,
    /// The body; null if it is empty.
    pub(crate) body: Value,
}

/// A page of an export.
#[derive(Debug)]
pub(crate) struct Page {
    /// Records, one a line.
    pub(crate) lines: Vec<u8>,
    /// The query of the address of the next page, if there is one.
    pub(crate) next: Option<String>,
}

impl Page {
    /// How many records it holds.
    pub(crate) fn records(&self) -> u64 {
        self.lines.iter().filter(|byte| **byte == b'\n').count() as u64
    }
}

/// An answer of the service, as it came.
pub(super) struct Received {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Received {
    /// The value of a header.
    pub(super) fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The query of the address of the next page. Its path is that of this one, as the service, which may stand
    /// behind another address, knows it.
    pub(super) fn next(&self) -> Option<String> {
        let link = self.header(header::LINK)?.strip_suffix(">; rel=\"next\"")?;
        Some(link.split_once('?')?.1.to_owned())
    }
}

impl From<Received> for Answer {
    fn from(received: Received) -> Self {
        let location = received.header(header::LOCATION).map(str::to_owned);
        Self {
            receipt: location.filter(|_| received.status == StatusCode::ACCEPTED),
            is_replayed: received.header(REPLAYED).is_some(),
            body: serde_json::from_slice(&received.body).unwrap_or(Value::Null),
        }
    }
}
