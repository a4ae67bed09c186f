//! The clients of a ledger: they write, read, and write down what they are told.

use super::act::{Act, GROUP, own_id, request_id};
use super::{Answered, Found, Ledger, Read, Sent};
use backdrop_testing::{Answer, Client};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a client rests when it is refused, so that a load outlives a short outage.
const REST_AFTER_REFUSAL: Duration = Duration::from_millis(100);
/// For how long a write with a key is repeated until it is answered.
const REPEATED_FOR: Duration = Duration::from_secs(60);

/// Who sends what. The default is a steady load of writers and a reader.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// How many clients write at once.
    pub writers: usize,
    /// How many clients read what was acknowledged. None where a fault takes back for a while what was stored.
    pub readers: usize,
    /// Every how many-th write does not wait for its outcome; 0: all wait.
    pub async_every: usize,
    /// Every how many-th write has an `Idempotency-Key`, and is repeated until it is answered; 0: none.
    pub keyed_every: usize,
    /// How long each client rests between requests.
    pub pause: Duration,
    /// After how many writes it ends; `None`: when the fault is over.
    pub writes: Option<usize>,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            writers: 4,
            readers: 1,
            async_every: 3,
            keyed_every: 4,
            pause: Duration::from_millis(10),
            writes: None,
        }
    }
}

impl Load {
    /// A number of writes by one client, one after the other, which wait for their outcome.
    pub fn one_by_one(writes: usize) -> Self {
        Self {
            writers: 1,
            readers: 0,
            async_every: 0,
            keyed_every: 0,
            pause: Duration::ZERO,
            writes: Some(writes),
        }
    }

    /// A number of writes that only queue.
    pub fn queued(writes: usize) -> Self {
        Self {
            async_every: 1,
            keyed_every: 0,
            readers: 0,
            pause: Duration::ZERO,
            writes: Some(writes),
            ..Self::default()
        }
    }
}

/// Writes of one client that are stored and not touched since, by data set.
type Untouched = HashMap<usize, Vec<usize>>;

impl Ledger {
    /// Sends a load until its writes are sent, or `stop` is raised; blocks.
    pub fn send(&self, writer: &Client, reader: &Client, load: Load, stop: &AtomicBool) {
        let end = load.writes.map_or(usize::MAX, |writes| self.next.load(Ordering::Relaxed) + writes);
        let written = &AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..load.readers {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) && !written.load(Ordering::Relaxed) {
                        self.read_one(reader);
                        std::thread::sleep(load.pause);
                    }
                });
            }
            let writers: Vec<_> = (0..load.writers)
                .map(|client| scope.spawn(move || self.write(writer, client, load, end, stop)))
                .collect();
            for writer in writers {
                writer.join().expect("a client does not panic");
            }
            written.store(true, Ordering::Relaxed);
        });
    }

    fn write(&self, writer: &Client, client: usize, load: Load, end: usize, stop: &AtomicBool) {
        let mut untouched = Untouched::new();
        while !stop.load(Ordering::Relaxed)
            && let Some(number) = self.take(end)
        {
            self.write_one(writer, client, number, load, &mut untouched);
            std::thread::sleep(load.pause);
        }
    }

    fn take(&self, end: usize) -> Option<usize> {
        let next = |number| (number < end).then_some(number + 1);
        self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok()
    }

    fn write_one(
        &self,
        writer: &Client,
        client: usize,
        number: usize,
        load: Load,
        untouched: &mut Untouched,
    ) {
        let every = |count: usize| count > 0 && number.is_multiple_of(count);
        let of_set = untouched.entry(number % self.data_types.len()).or_default();
        let act = Act::of(number, of_set.last().copied());
        if matches!(act, Act::Patch(_) | Act::Delete(_)) {
            of_set.pop();
        }
        let mut writer = writer
            .with_token(&format!("token-for-{}", self.data_type_of(number)))
            .with_header("X-Request-Id", &request_id(number))
            .with_header("Content-Type", act.content_type());
        if every(load.async_every) {
            writer = writer.with_header("Prefer", "respond-async");
        }
        let is_keyed = every(load.keyed_every);
        if is_keyed {
            writer = writer.with_header("Idempotency-Key", &request_id(number));
        }
        let mut began = Instant::now();
        let first = began;
        let mut answered = self.ask(&writer, act, number);
        let mut took = began.elapsed();
        let mut repeated = 0;
        while matches!(answered, Answered::Refused | Answered::Unknown) {
            std::thread::sleep(REST_AFTER_REFUSAL);
            if !is_keyed || first.elapsed() > REPEATED_FOR {
                break;
            }
            repeated += 1;
            began = Instant::now();
            answered = match self.ask(&writer, act, number) {
                // What became of the one before is not known for all that.
                Answered::Refused if answered == Answered::Unknown => Answered::Unknown,
                answered => answered,
            };
            took = took.max(began.elapsed());
        }
        if act.is_whole() && answered == Answered::Stored {
            of_set.push(number);
            self.book().latest_stored = Some(number);
        }
        self.note(Sent { number, client, act, answered, repeated, took });
    }

    fn ask(&self, writer: &Client, act: Act, number: usize) -> Answered {
        let (method, rest, body) = act.request(number);
        let path = format!("/data/{GROUP}/{}{rest}", self.data_type_of(number));
        match writer.send(method, &path, body) {
            Err(_) => Answered::Unknown,
            Ok(answer) => judge_answer(act, &answer),
        }
    }

    /// Reads a record that was acknowledged as stored: it must be there, or nothing may be claimed.
    fn read_one(&self, reader: &Client) {
        let Some(number) = self.book().latest_stored else { return };
        // The last record of an append is never changed.
        let id = own_id(number, super::act::OWN_RECORDS - 1);
        // Now as it is, now in a group of its own.
        let grouping = if number.is_multiple_of(2) { "" } else { "&group_by=batch" };
        let path = format!("/data/{GROUP}/{}?filter_by=_id:{id}{grouping}", self.data_type_of(number));
        let began = Instant::now();
        let found = match reader.send("GET", &path, Vec::new()) {
            Err(_) => Found::Nothing,
            Ok(answer) if answer.status == 503 && answer.header("retry-after").is_some() => Found::Nothing,
            Ok(answer) if answer.status == 200 => match answer.json()["data"].as_array() {
                Some(rows) if rows.len() == 1 && rows[0]["batch"] == number => Found::There,
                Some(_) => Found::Stale(number),
                None => Found::Faulty(answer.text),
            },
            Ok(answer) => Found::Faulty(format!("{}: {}", answer.status, answer.text)),
        };
        self.book().reads.push(Read { found, took: began.elapsed() });
    }
}

/// What an answer to a write promises.
fn judge_answer(act: Act, answer: &Answer) -> Answered {
    let has_retry_after = answer.header("retry-after").is_some();
    match (answer.status, act) {
        (200, Act::Append | Act::Table | Act::Patch(_) | Act::Delete(_)) => Answered::Stored,
        (400, Act::Bad) => Answered::Rejected,
        (202, _) => match serde_json::from_str::<serde_json::Value>(&answer.text) {
            Ok(receipt) if receipt["id"].is_string() => {
                Answered::Accepted(receipt["id"].as_str().unwrap_or_default().to_owned())
            }
            _ => Answered::Faulty(format!("202 without a receipt: {}", answer.text)),
        },
        (503, _) if has_retry_after => Answered::Refused,
        // A service that was frozen finds that the client was slow.
        (408, _) => Answered::Refused,
        (504, _) => Answered::Unknown,
        (status, _) => Answered::Faulty(format!("{status} to {act:?}: {}", answer.text)),
    }
}
