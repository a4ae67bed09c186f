//! A client that writes down what it was promised, and judges afterwards whether it was kept.
//!
//! It looks behind the services: at the rows of batches, at the data set's version, which must have grown
//! by exactly what was stored, and at the records themselves.

use crate::client::Client;
use crate::stack::Stack;
use serde_json::{Value, json};
use sqlx::Row;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const GROUP: &str = "ledger";
/// A record that every batch writes: the last accepted one must win.
const SHARED_ID: &str = "shared";
/// Records of its own that each batch writes.
const OWN_RECORDS: usize = 3;
/// How long a client rests when it is refused, so that a load outlives a short outage.
const REST_AFTER_REFUSAL: Duration = Duration::from_millis(100);
/// How long accepted batches may take to be decided once everything is well again.
const DRAIN_WITHIN: Duration = Duration::from_secs(60);

/// What to send.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// How many batches.
    pub batches: usize,
    /// How many clients send at once.
    pub clients: usize,
    /// Every how many-th batch does not wait for its outcome; 0: all wait.
    pub async_every: usize,
    /// How long each client rests between batches.
    pub pause: Duration,
}

impl Default for Load {
    fn default() -> Self {
        Self { batches: 200, clients: 4, async_every: 3, pause: Duration::ZERO }
    }
}

/// What was sent to one data set, and what was promised.
#[derive(Debug)]
pub struct Ledger {
    data_type: String,
    next: AtomicUsize,
    sent: Mutex<Vec<Sent>>,
}

#[derive(Clone, Debug)]
struct Sent {
    number: usize,
    client: usize,
    promise: Promise,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Promise {
    /// 200: it is stored.
    Stored,
    /// 202: the receipt tells.
    Accepted(String),
    /// 503: surely not accepted.
    Refused,
    /// No answer, or one that says that nobody knows.
    None,
}

/// What became of all promises. A test states what it expects of each figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Batches acknowledged with 200 or 202.
    pub acknowledged: usize,
    /// Of these, reported as lost by their receipts; everything else acknowledged is stored.
    pub reported_lost: usize,
    /// Batches that were refused, or not answered.
    pub not_acknowledged: usize,
    /// Entries that the gaps of the partition's log account for.
    pub gap_entries: i64,
    /// Gaps noted, those of unknown size included.
    pub gaps: i64,
}

impl Ledger {
    /// Opens a ledger on a new data set of the stack.
    pub fn open(stack: &Stack, data_type: &str) -> Self {
        stack.create_data_set(GROUP, data_type);
        Self { data_type: data_type.to_owned(), next: AtomicUsize::new(0), sent: Mutex::default() }
    }

    /// How many batches have been answered.
    pub fn answered(&self) -> usize {
        self.sent().len()
    }

    /// Sends batches from several threads until all are sent; blocks.
    ///
    /// # Panics
    /// If a service answers anything that is not in the contract.
    pub fn send(&self, writer: &Client, load: Load) {
        let end = self.next.load(Ordering::Relaxed) + load.batches;
        std::thread::scope(|scope| {
            for client in 0..load.clients {
                scope.spawn(move || {
                    while let Some(number) = self.take(end) {
                        let is_async = load.async_every > 0 && number % load.async_every == 0;
                        self.send_one(writer, client, number, is_async);
                        std::thread::sleep(load.pause);
                    }
                });
            }
        });
    }

    fn take(&self, end: usize) -> Option<usize> {
        let next = |number| (number < end).then_some(number + 1);
        self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok()
    }

    fn send_one(&self, writer: &Client, client: usize, number: usize, is_async: bool) {
        let mut records = vec![json!({"_id": SHARED_ID, "batch": number})];
        records.extend(
            (0..OWN_RECORDS).map(|index| json!({"_id": format!("{number}-{index}"), "batch": number})),
        );
        let mut writer = writer
            .with_token(&format!("token-for-{}", self.data_type))
            .with_header("X-Request-Id", &request_id(number))
            .with_header("Content-Type", "application/json");
        if is_async {
            writer = writer.with_header("Prefer", "respond-async");
        }
        let body = Value::Array(records).to_string().into_bytes();
        let promise = match writer.send("POST", &format!("/data/{GROUP}/{}", self.data_type), body) {
            Err(_) => Promise::None,
            Ok(answer) => match answer.status {
                200 => Promise::Stored,
                202 => Promise::Accepted(answer.json()["id"].as_str().expect("a receipt").to_owned()),
                503 => Promise::Refused,
                504 => Promise::None,
                status => panic!("batch {number} was answered with {status}: {}", answer.text),
            },
        };
        let is_refused = matches!(promise, Promise::Refused | Promise::None);
        self.sent().push(Sent { number, client, promise });
        if is_refused {
            std::thread::sleep(REST_AFTER_REFUSAL);
        }
    }

    fn sent(&self) -> std::sync::MutexGuard<'_, Vec<Sent>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until everything accepted is decided, and judges.
    ///
    /// # Panics
    /// If a promise was broken.
    pub async fn judge(&self, stack: &Stack) -> Judgement {
        let sent = self.sent().clone();
        let states = tokio::task::block_in_place(|| self.receipt_states(stack, &sent));
        let rows = self.batch_rows(stack).await;
        let mut judgement = Judgement::default();
        for one in &sent {
            let row = rows.get(&request_id(one.number)).map_or(0, Vec::len);
            let (number, promise) = (one.number, &one.promise);
            match promise {
                Promise::Stored => assert_eq!(row, 1, "batch {number}: 200, but {row} rows"),
                Promise::Accepted(_) if states[&number] == "lost" => {
                    assert_eq!(row, 0, "batch {number} is lost, but has {row} rows");
                    judgement.reported_lost += 1;
                }
                Promise::Accepted(_) => {
                    assert_eq!((row, states[&number].as_str()), (1, "stored"), "batch {number}");
                }
                Promise::Refused => assert_eq!(row, 0, "batch {number}: 503, but {row} rows"),
                Promise::None => assert!(row <= 1, "batch {number}: {row} rows"),
            }
            match promise {
                Promise::Stored | Promise::Accepted(_) => judgement.acknowledged += 1,
                Promise::Refused | Promise::None => judgement.not_acknowledged += 1,
            }
        }
        self.judge_order(&sent, &rows);
        self.judge_records(stack, &rows).await;
        let row = sqlx::query(
            "SELECT coalesce(sum(g.missing), 0)::bigint AS missing, count(*) AS gaps
             FROM ingest_gap g JOIN data_set d USING (partition) WHERE d.data_type = $1",
        )
        .bind(&self.data_type)
        .fetch_one(&stack.pool)
        .await
        .expect("gaps");
        Judgement { gap_entries: row.get("missing"), gaps: row.get("gaps"), ..judgement }
    }

    /// The final states of all receipts.
    fn receipt_states(&self, stack: &Stack, sent: &[Sent]) -> HashMap<usize, String> {
        let writer = stack.writer().with_token(&format!("token-for-{}", self.data_type));
        let deadline = Instant::now() + DRAIN_WITHIN;
        let accepted = sent.iter().filter_map(|one| match &one.promise {
            Promise::Accepted(receipt) => Some((one.number, receipt)),
            _ => None,
        });
        accepted
            .map(|(number, receipt)| {
                loop {
                    let answer = writer.get(&format!("/receipts/{receipt}"));
                    let is_final = answer.status == 200 && answer.json()["state"] != "queued";
                    if is_final {
                        return (number, answer.json()["state"].as_str().expect("a state").to_owned());
                    }
                    assert!(Instant::now() < deadline, "batch {number} is not decided: {}", answer.text);
                    std::thread::sleep(Duration::from_millis(50));
                }
            })
            .collect()
    }

    /// Places, by request id, of the batches of this data set.
    async fn batch_rows(&self, stack: &Stack) -> HashMap<String, Vec<(i64, i64)>> {
        let rows = sqlx::query(
            "SELECT b.request_id, b.epoch, b.n FROM batch b JOIN data_set d ON d.id = b.data_set_id
             WHERE d.data_type = $1 AND b.outcome = 'stored' ORDER BY b.epoch, b.n",
        )
        .bind(&self.data_type)
        .fetch_all(&stack.pool)
        .await
        .expect("batches");
        let mut places: HashMap<String, Vec<(i64, i64)>> = HashMap::new();
        for row in rows {
            places.entry(row.get("request_id")).or_default().push((row.get("epoch"), row.get("n")));
        }
        places
    }

    /// What one client sent one after the other was accepted in that order.
    fn judge_order(&self, sent: &[Sent], rows: &HashMap<String, Vec<(i64, i64)>>) {
        let mut last: HashMap<usize, (i64, i64)> = HashMap::new();
        let mut in_order = sent.to_vec();
        in_order.sort_by_key(|one| (one.client, one.number));
        for one in in_order {
            let Some(&[place]) = rows.get(&request_id(one.number)).map(Vec::as_slice) else { continue };
            let before = last.insert(one.client, place);
            assert!(before < Some(place), "batch {} was accepted out of order", one.number);
        }
    }

    /// The records are exactly those of the stored batches, applied once each, in the order accepted.
    async fn judge_records(&self, stack: &Stack, rows: &HashMap<String, Vec<(i64, i64)>>) {
        let stored: BTreeMap<(i64, i64), usize> = rows
            .iter()
            .flat_map(|(request, places)| places.iter().map(move |place| (*place, number_of(request))))
            .collect();
        let records = sqlx::query(
            "SELECT r.id, r.seq, (r.body->>'batch')::bigint AS batch, s.version, s.records
             FROM data_set d JOIN data_set_state s ON s.data_set_id = d.id
             JOIN record r ON r.data_set_id = d.id AND r.generation = s.generation
             WHERE d.data_type = $1",
        )
        .bind(&self.data_type)
        .fetch_all(&stack.pool)
        .await
        .expect("records");
        let Some(first) = records.first() else { return assert!(stored.is_empty(), "no records at all") };
        let (version, count): (i64, i64) = (first.get("version"), first.get("records"));
        let per_batch = OWN_RECORDS + 1;
        assert_eq!(version, to_i64(stored.len() * per_batch), "the version counts what was stored");
        assert_eq!(count, to_i64(records.len()), "the count of records");

        let found: HashMap<String, (i64, i64)> =
            records.iter().map(|row| (row.get("id"), (row.get("seq"), row.get("batch")))).collect();
        let expected: HashSet<String> = stored
            .values()
            .flat_map(|number| (0..OWN_RECORDS).map(move |index| format!("{number}-{index}")))
            .chain([SHARED_ID.to_owned()])
            .collect();
        assert_eq!(found.keys().cloned().collect::<HashSet<_>>(), expected, "the records");
        // Each batch takes as many numbers as it has records, in the order of the log.
        for (place, number) in stored.values().enumerate() {
            for index in 0..OWN_RECORDS {
                let seq = to_i64(place * per_batch + index + 2);
                let id = format!("{number}-{index}");
                assert_eq!(found[&id], (seq, to_i64(*number)), "record {id}");
            }
        }
        let last = stored.values().next_back().expect("there are records, so there are batches");
        assert_eq!(found[SHARED_ID].1, to_i64(*last), "the last accepted batch wins");
    }
}

fn request_id(number: usize) -> String {
    format!("ledger-{number}")
}

fn number_of(request_id: &str) -> usize {
    request_id
        .strip_prefix("ledger-")
        .and_then(|number| number.parse().ok())
        .expect("a request of the ledger")
}

fn to_i64(number: usize) -> i64 {
    number.try_into().expect("small numbers")
}
