//! Somebody who writes and somebody who reads all the while, in a data set on the same partition.

use crate::{path, writer};
use backdrop_testing::Stack;
use serde_json::json;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Nine of ten requests must not take longer, and none must take longer than the other: on a machine that has other
/// things to do, but far less than what removing a million records at once takes.
const MOST_WITHIN: Duration = Duration::from_millis(500);
const ALL_WITHIN: Duration = Duration::from_secs(5);

/// The two, at work.
pub(crate) struct Neighbours {
    stop: Arc<AtomicBool>,
    writing: JoinHandle<Vec<Duration>>,
    reading: JoinHandle<Vec<Duration>>,
}

impl Neighbours {
    pub(crate) fn start(stack: &Stack) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (writer, reader) = (writer(stack, "neighbour"), stack.reader());
        let mut written = 0;
        let write = move || {
            written = (written + 1) % 1_000;
            let record =
                json!({"_id": format!("n{written}"), "_timestamp": "2013-03-11T00:00:00Z", "count": written});
            writer.post(&path("neighbour"), &record).expect(200);
        };
        let read = move || {
            reader.get(&format!("{}?group_by=count&limit=10", path("neighbour"))).expect(200);
        };
        let (writing, reading) = (repeat(write, &stop), repeat(read, &stop));
        Self { stop, writing, reading }
    }

    /// How long their requests took.
    pub(crate) fn stop(self) -> Latencies {
        self.stop.store(true, Ordering::Relaxed);
        let [mut writes, mut reads] =
            [self.writing, self.reading].map(|thread| thread.join().expect("all were answered"));
        writes.sort();
        reads.sort();
        Latencies { writes, reads }
    }
}

/// Does something over and over; how long each time took.
fn repeat(mut something: impl FnMut() + Send + 'static, stop: &Arc<AtomicBool>) -> JoinHandle<Vec<Duration>> {
    let stop = stop.clone();
    std::thread::spawn(move || {
        let mut took = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let began = Instant::now();
            something();
            took.push(began.elapsed());
        }
        took
    })
}

/// How long requests took, the shortest first.
pub(crate) struct Latencies {
    writes: Vec<Duration>,
    reads: Vec<Duration>,
}

impl Latencies {
    /// Whether there were requests, and none was held up.
    pub(crate) fn are_bounded(&self) -> bool {
        [&self.writes, &self.reads].into_iter().all(|took| {
            took.last().is_some_and(|longest| *longest < ALL_WITHIN)
                && took[took.len() * 9 / 10] < MOST_WITHIN
        })
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, took) in [("writes", &self.writes), ("reads", &self.reads)] {
            let at = |percent: usize| took.get(took.len() * percent / 100).copied().unwrap_or_default();
            let longest = took.last().copied().unwrap_or_default();
            write!(f, "{} {what} (p50 {:?}, p90 {:?}, longest {longest:?}) ", took.len(), at(50), at(90))?;
        }
        Ok(())
    }
}
