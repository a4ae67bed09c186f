//! The load generator: a closed loop of plain requests over connections that stay open.
//!
//! It shares the processors with what it measures, so it does as little as it can: requests are bytes that were made
//! before, of an answer only status and length are read, and connections are tasks on two threads.
//!
//! **Invariant.** Every answer has the status that is expected, or the load fails: a refusal is quick, and would pass
//! for speed.

mod connection;
mod requests;

pub use connection::{Answer, Connection};
pub use requests::{Each, NUMBER, Numbered, Requests, Same};

use anyhow::{Context, ensure};
use std::net::SocketAddr;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How many threads send at most: as many as the reference machine has cores.
const THREADS_MAX: usize = 2;
/// How long after its end a load may take to have its last answers: longer than any write waits.
const LAST_ANSWER_WITHIN: Duration = Duration::from_secs(40);

/// What is sent where, and for how long.
#[derive(Debug)]
pub struct Load {
    /// Where to.
    pub address: SocketAddr,
    /// The status every answer must have.
    pub status: u16,
    /// For how long new requests are begun.
    pub time: Duration,
}

/// What came of a load.
#[derive(Debug)]
pub struct Measured {
    /// How long each request took, in nanoseconds, sorted.
    latencies_ns: Vec<u64>,
    /// From the first request to the last answer.
    elapsed: Duration,
}

impl Load {
    /// Sends over as many connections as there are sources of requests, until the time is over or they have none left.
    ///
    /// # Errors
    /// If there is an answer of another status, or none.
    ///
    /// # Panics
    /// If a thread of the load does.
    pub fn send(&self, sources: Vec<Box<dyn Requests>>) -> anyhow::Result<Measured> {
        let threads = sources.len().clamp(1, THREADS_MAX);
        let mut shares: Vec<Vec<Box<dyn Requests>>> = (0..threads).map(|_| Vec::new()).collect();
        sources.into_iter().enumerate().for_each(|(n, source)| shares[n % threads].push(source));
        let start = Arc::new(Barrier::new(threads));
        let parts: Vec<anyhow::Result<Measured>> = std::thread::scope(|scope| {
            let run = |share| scope.spawn(|| self.send_on_thread(share, &start));
            let running: Vec<_> = shares.into_iter().map(run).collect();
            running.into_iter().map(|thread| thread.join().expect("a load does not panic")).collect()
        });
        Measured::together(parts.into_iter().collect::<anyhow::Result<_>>()?)
    }

    fn send_on_thread(&self, sources: Vec<Box<dyn Requests>>, start: &Barrier) -> anyhow::Result<Measured> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut connections = Vec::new();
            for source in sources {
                let opened = Connection::open(self.address).await;
                connections.push(opened.map(|connection| (connection, source)));
            }
            // All threads pass here, also one that is about to fail: the others would wait for it for ever.
            start.wait();
            let (began, status) = (Instant::now(), self.status);
            let until = began + self.time;
            let mut loops = JoinSet::new();
            for opened in connections {
                let (connection, source) = opened?;
                loops.spawn(ask_until(connection, source, status, until));
            }
            let all = tokio::time::timeout(self.time + LAST_ANSWER_WITHIN, loops.join_all());
            let all = all.await.context("a request was not answered")?;
            let latencies_ns = all.into_iter().collect::<anyhow::Result<Vec<_>>>()?.concat();
            Ok(Measured { latencies_ns, elapsed: began.elapsed() })
        })
    }
}

async fn ask_until(
    mut connection: Connection,
    mut source: Box<dyn Requests>,
    status: u16,
    until: Instant,
) -> anyhow::Result<Vec<u64>> {
    let mut latencies_ns = Vec::new();
    let mut now = Instant::now();
    while now < until
        && let Some(request) = source.next()
    {
        let answer = connection.ask(request).await?;
        ensure!(answer.status == status, "answered {}, not {status}: {}", answer.status, answer.text());
        let answered = Instant::now();
        latencies_ns.push(u64::try_from((answered - now).as_nanos()).unwrap_or(u64::MAX));
        now = answered;
    }
    Ok(latencies_ns)
}

impl Measured {
    /// Of requests that were timed one by one, all of them together within a time.
    ///
    /// # Errors
    /// If there is none.
    pub fn within(elapsed: Duration, latencies: &[Duration]) -> anyhow::Result<Self> {
        let ns = latencies.iter().map(|latency| u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
        Self::together(vec![Self { latencies_ns: ns.collect(), elapsed }])
    }

    /// What several measured at the same time.
    fn together(parts: Vec<Self>) -> anyhow::Result<Self> {
        let elapsed = parts.iter().map(|part| part.elapsed).max().unwrap_or_default();
        let mut latencies_ns: Vec<u64> = parts.into_iter().flat_map(|part| part.latencies_ns).collect();
        ensure!(!latencies_ns.is_empty(), "nothing was measured");
        latencies_ns.sort_unstable();
        Ok(Self { latencies_ns, elapsed })
    }

    /// How many requests were answered.
    pub const fn requests(&self) -> usize {
        self.latencies_ns.len()
    }

    /// Requests a second.
    pub fn rate(&self) -> f64 {
        self.requests() as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency that so many of a hundred requests do not exceed, in milliseconds.
    pub fn percentile_ms(&self, percent: usize) -> f64 {
        let last = self.latencies_ns.len() - 1;
        self.latencies_ns[last * percent / 100] as f64 / 1e6
    }
}
