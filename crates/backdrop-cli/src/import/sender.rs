//! Sends a chunk until the service has said what became of it.
//!
//! **Invariant.** A chunk goes out with a key, and the service does what has the same key once: a lost answer costs
//! time, never a record twice.

use super::chunk::Chunk;
use crate::client::{Answer, CallError, Client, Pauses, Refusal, SamePlace};
use anyhow::{Context, bail};
use serde_json::Value;
use std::time::{Duration, Instant};

/// How often a chunk that was accepted but not stored yet is asked after, and for how long: a worker that is
/// restarted is back much sooner.
const ASK_EVERY: Duration = Duration::from_millis(500);
const ASK_FOR: Duration = Duration::from_secs(600);
/// How many faults of one chunk are shown.
const FAULTS_SHOWN: usize = 20;

/// What became of a chunk.
#[derive(Debug)]
pub(super) enum Sent {
    /// All its records are stored.
    Stored,
    /// They had been stored before, by a request with the same key.
    StoredBefore,
    /// None of its records is stored.
    Rejected(Rejection),
}

/// Why a chunk was rejected.
#[derive(Debug)]
pub(super) struct Rejection {
    /// Which records were at fault, and why.
    pub(super) faults: Vec<String>,
    /// It was rejected before, by a request with the same key; nothing was tried now.
    pub(super) is_replayed: bool,
}

/// Sends chunks to one data set.
#[derive(Debug)]
pub(super) struct Sender {
    client: Client,
    data_group: String,
    data_type: String,
}

impl Sender {
    /// Sends to the data set of a group and type.
    pub(super) fn new(client: Client, data_group: String, data_type: String) -> Self {
        Self { client, data_group, data_type }
    }

    /// Sends a chunk under a key.
    ///
    /// # Errors
    /// If the service refuses all chunks alike, or nothing helps for two minutes.
    pub(super) fn send(&self, chunk: &Chunk, key: &str) -> anyhow::Result<Sent> {
        let path = ["data", self.data_group.as_str(), self.data_type.as_str()];
        let mut pauses = Pauses::start();
        let mut is_first = true;
        loop {
            let (error, at_least) = match self.client.post_once(&path, &chunk.body, key) {
                // Else it was stored just now, and the answer lost.
                Ok(Answer { receipt: None, is_replayed: true, .. }) if is_first => {
                    return Ok(Sent::StoredBefore);
                }
                Ok(Answer { receipt: None, .. }) => return Ok(Sent::Stored),
                Ok(Answer { receipt: Some(location), .. }) => return self.wait_for(chunk, &location),
                Err(CallError::Refused(refusal)) if refusal.blames_records() => {
                    return Ok(Sent::Rejected(Rejection::of(chunk, &refusal)));
                }
                Err(CallError::Refused(refusal)) if !refusal.is_transient() => {
                    return Err(CallError::Refused(refusal).into());
                }
                Err(CallError::Refused(refusal)) => {
                    let retry_after = refusal.retry_after;
                    (CallError::Refused(refusal), retry_after)
                }
                Err(error) => (error, None),
            };
            if !pauses.pause(at_least) {
                let error = anyhow::Error::from(error);
                return Err(error).with_context(|| chunk.place());
            }
            is_first = false;
        }
    }

    /// Waits until a chunk that was accepted is stored or rejected.
    fn wait_for(&self, chunk: &Chunk, location: &str) -> anyhow::Result<Sent> {
        let deadline = Instant::now() + ASK_FOR;
        while Instant::now() < deadline {
            std::thread::sleep(ASK_EVERY);
            let body = match self.client.get_at(location) {
                Ok(answer) => answer.body,
                Err(CallError::Refused(refusal)) if !refusal.is_transient() => {
                    return Err(CallError::Refused(refusal).into());
                }
                Err(_) => continue,
            };
            match state(&body) {
                Some("stored") => return Ok(Sent::Stored),
                Some("rejected") => {
                    let refusal = Refusal::read(ureq::http::StatusCode::BAD_REQUEST, None, &body);
                    return Ok(Sent::Rejected(Rejection::of(chunk, &refusal)));
                }
                Some("queued") => {}
                other => bail!("{}: the service says {}", chunk.place(), other.unwrap_or("nothing of it")),
            }
        }
        bail!("{}: still queued after {} s; is the worker running?", chunk.place(), ASK_FOR.as_secs())
    }
}

fn state(receipt: &Value) -> Option<&str> {
    receipt["state"].as_str()
}

impl Rejection {
    fn of(chunk: &Chunk, refusal: &Refusal) -> Self {
        Self { faults: faults(chunk, refusal), is_replayed: refusal.is_replayed }
    }
}

/// Which records of the file were at fault, and why.
fn faults(chunk: &Chunk, refusal: &Refusal) -> Vec<String> {
    if refusal.errors.is_empty() {
        return vec![format!("{}: {refusal}", chunk.place())];
    }
    let mut faults: Vec<String> = Vec::new();
    let mut told = 0;
    for error in refusal.errors.iter().take(FAULTS_SHOWN) {
        let place = chunk.place_of(error.record, &error.pointer);
        let field = error.pointer.strip_prefix('/').map(|field| format!("{field}: ")).unwrap_or_default();
        let also = also(chunk, &error.also, error.count);
        faults.push(format!("{place}: {field}{}{also}", error.message));
        told += error.count;
    }
    if refusal.errors_total > told {
        faults.push(format!("{} more errors in {}", refusal.errors_total - told, chunk.place()));
    }
    faults
}

/// In how many records something is wrong, and the next few of them.
fn also(chunk: &Chunk, places: &[SamePlace], count: u64) -> String {
    if count < 2 {
        return String::new();
    }
    let places: Vec<String> = places.iter().map(|place| chunk.place_of(place.record, "")).collect();
    let more = if places.len() as u64 + 1 < count { " and others" } else { "" };
    match places.is_empty() {
        true => format!(" (in {count} records)"),
        false => format!(" (in {count} records, also {}{more})", places.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backdrop_core::origin::Origin;
    use serde_json::json;

    #[test]
    fn faults_have_the_places_of_the_file() {
        let origin = Origin::Lines { lines: (1003..2003).collect() };
        let chunk =
            Chunk { number: 2, first: 1001, records: 1000, has_ids: true, body: String::new(), origin };
        let refuse = |body: Value| Refusal::read(ureq::http::StatusCode::BAD_REQUEST, None, &body);
        let body = json!({"errors": [{"record": 3, "pointer": "/count", "message": "is no number"}]});
        assert_eq!(faults(&chunk, &refuse(body)), ["record 1003 (line 1005): count: is no number"]);
        let body = json!({"message": "Error parsing JSON"});
        assert_eq!(faults(&chunk, &refuse(body)), ["records 1001 to 2000: Error parsing JSON"]);
        let errors = vec![json!({"record": 1, "message": "bad"}); 25];
        let shown = faults(&chunk, &refuse(json!({ "errors": errors })));
        assert_eq!(shown.len(), 21);
        assert_eq!(shown.last().map(String::as_str), Some("5 more errors in records 1001 to 2000"));
    }

    #[test]
    fn a_fault_of_many_records_is_told_once() {
        let origin = Origin::Lines { lines: (2..7).collect() };
        let chunk = Chunk { number: 1, first: 1, records: 5, has_ids: true, body: String::new(), origin };
        let error = json!({"record": 1, "message": "bad", "count": 4,
            "also": [{"record": 2, "line": 9}, {"record": 3}]});
        let body = json!({"errors": [error], "errors_total": 4});
        let refusal = Refusal::read(ureq::http::StatusCode::BAD_REQUEST, None, &body);
        assert_eq!(
            faults(&chunk, &refusal),
            ["record 1 (line 2): bad (in 4 records, also record 2 (line 3), record 3 (line 4) and others)"]
        );
    }
}
