//! Sends a chunk until the service has said what became of it.
//!
//! **Invariant.** Every record of a chunk has an `_id`, so sending a chunk again changes nothing if it was
//! stored before: a lost answer costs time, never a record twice.

use super::chunk::Chunk;
use crate::client::{Answer, CallError, Client, Refusal};
use anyhow::{Context, bail};
use serde_json::Value;
use std::time::{Duration, Instant};

/// How long one chunk is tried: a service that is restarted is back much sooner.
const TRY_FOR: Duration = Duration::from_secs(120);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// How often a chunk that was accepted but not stored yet is asked after, and for how long: a worker that is
/// restarted is back much sooner.
const ASK_EVERY: Duration = Duration::from_millis(500);
const ASK_FOR: Duration = Duration::from_secs(600);
/// How many errors of one chunk are shown.
const ERRORS_SHOWN: usize = 20;

/// What became of a chunk.
#[derive(Debug)]
pub(super) enum Sent {
    /// All its records are stored.
    Stored,
    /// None of its records is stored; which were at fault, and why.
    Rejected(Vec<String>),
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

    /// Sends a chunk.
    ///
    /// # Errors
    /// If the service refuses all chunks alike, or nothing helps for two minutes.
    pub(super) fn send(&self, chunk: &Chunk) -> anyhow::Result<Sent> {
        let path = ["data", self.data_group.as_str(), self.data_type.as_str()];
        let mut pauses = Pauses::start();
        loop {
            let (error, at_least) = match self.client.post(&path, &chunk.body) {
                Ok(Answer { receipt: None, .. }) => return Ok(Sent::Stored),
                Ok(Answer { receipt: Some(location), .. }) => return self.wait_for(chunk, &location),
                Err(CallError::Refused(refusal)) if refusal.blames_records() => {
                    return Ok(Sent::Rejected(faults(chunk, &refusal)));
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
        }
    }

    /// Waits until a chunk that was accepted is stored or rejected.
    fn wait_for(&self, chunk: &Chunk, location: &str) -> anyhow::Result<Sent> {
        let deadline = Instant::now() + ASK_FOR;
        while Instant::now() < deadline {
            std::thread::sleep(ASK_EVERY);
            let body = match self.client.get_receipt(location) {
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
                    return Ok(Sent::Rejected(faults(chunk, &refusal)));
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

/// Which records of the file were at fault, and why.
fn faults(chunk: &Chunk, refusal: &Refusal) -> Vec<String> {
    if refusal.errors.is_empty() {
        return vec![format!("{}: {refusal}", chunk.place())];
    }
    let mut faults: Vec<String> = Vec::new();
    for error in refusal.errors.iter().take(ERRORS_SHOWN) {
        let number = chunk.first + error.record.saturating_sub(1);
        let field = error.pointer.strip_prefix('/').map(|field| format!("{field}: ")).unwrap_or_default();
        faults.push(format!("record {number}: {field}{}", error.message));
    }
    if refusal.errors.len() > ERRORS_SHOWN {
        faults.push(format!("{} more errors in {}", refusal.errors.len() - ERRORS_SHOWN, chunk.place()));
    }
    faults
}

/// Pauses that grow, up to a deadline.
struct Pauses {
    deadline: Instant,
    next: Duration,
}

impl Pauses {
    fn start() -> Self {
        Self { deadline: Instant::now() + TRY_FOR, next: FIRST_PAUSE }
    }

    /// Waits before the next try; `false` if there is no time left for one.
    fn pause(&mut self, at_least: Option<Duration>) -> bool {
        // Between half and all of it, so that clients that failed together do not come back together.
        let random = u32::from(uuid::Uuid::new_v4().as_bytes()[0]);
        let pause = self.next / 2 + self.next / 2 * random / 255;
        let pause = pause.max(at_least.unwrap_or_default());
        self.next = (self.next * 2).min(LONGEST_PAUSE);
        let has_time = Instant::now() + pause < self.deadline;
        if has_time {
            std::thread::sleep(pause);
        }
        has_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn faults_have_the_numbers_of_the_file() {
        let chunk = Chunk { first: 1001, records: 1000, body: String::new() };
        let refuse = |body: Value| Refusal::read(ureq::http::StatusCode::BAD_REQUEST, None, &body);
        let body = json!({"errors": [{"record": 3, "pointer": "/count", "message": "is no number"}]});
        assert_eq!(faults(&chunk, &refuse(body)), ["record 1003: count: is no number"]);
        let body = json!({"message": "Error parsing JSON"});
        assert_eq!(faults(&chunk, &refuse(body)), ["records 1001 to 2000: Error parsing JSON"]);
        let errors = vec![json!({"record": 1, "message": "bad"}); 25];
        let shown = faults(&chunk, &refuse(json!({ "errors": errors })));
        assert_eq!(shown.len(), 21);
        assert_eq!(shown.last().map(String::as_str), Some("5 more errors in records 1001 to 2000"));
    }
}
