//! What waits in the queue, and who works on it: a picture for operators, renewed every few seconds.
//!
//! **Invariant.** Nobody who looks at the picture waits for Postgres or Redis. Each part of it was true when it was
//! asked for, and has an age; a part that could not be asked for yet is absent.

use backdrop_core::error::chain;
use backdrop_core::log::{Cursor, Partition};
use backdrop_postgres::Database;
use backdrop_queue::{Durability, Queue, Waiting};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// How often the picture is renewed: a question to Postgres and a few to Redis, each small.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(2);
/// For how long the store's cursors are those to measure by. If it does not answer, workers may still have told the
/// queue of newer ones.
const CURSORS_AGE_MAX: Duration = Duration::from_secs(5);
/// How long ago the last beat of a worker may be. Workers beat three times a second.
const WORKER_ALIVE_WITHIN: Duration = Duration::from_secs(3);

/// A part of the picture.
#[derive(Clone, Debug)]
pub(crate) struct Seen<T> {
    pub(crate) at: Instant,
    pub(crate) value: T,
}

/// The picture.
#[derive(Clone, Debug, Default)]
pub(crate) struct Picture {
    /// What waits in each partition.
    pub(crate) waiting: Option<Seen<Vec<(Partition, Waiting)>>>,
    /// How many workers are alive.
    pub(crate) workers_alive: Option<Seen<i64>>,
    /// How durable a queued batch is.
    pub(crate) durability: Option<Seen<Durability>>,
    /// Where the store's cursors stand; the partitions there are.
    cursors: Option<Seen<Vec<(Partition, Cursor)>>>,
}

/// Keeps the picture.
#[derive(Debug)]
pub(crate) struct Backlog {
    database: Database,
    queue: Queue,
    picture: Mutex<Picture>,
}

impl Backlog {
    /// An empty picture.
    pub(crate) fn new(database: Database, queue: Queue) -> Self {
        Self { database, queue, picture: Mutex::default() }
    }

    /// The picture as it is known now.
    pub(crate) fn picture(&self) -> Picture {
        self.locked().clone()
    }

    /// How durable a queued batch is, if that was seen lately.
    pub(crate) fn durability(&self, age_max: Duration) -> Option<Durability> {
        let picture = self.locked();
        picture.durability.as_ref().filter(|seen| seen.at.elapsed() < age_max).map(|seen| seen.value.clone())
    }

    /// The partitions there are, as far as is known.
    pub(crate) fn partitions(&self) -> Vec<Partition> {
        let picture = self.locked();
        let cursors = picture.cursors.iter().flat_map(|seen| &seen.value);
        cursors.map(|(partition, _)| *partition).collect()
    }

    /// Renews the picture until it is told to stop. The store and the queue are asked apart, so that the one that
    /// hangs holds up nothing of the other.
    pub(crate) async fn keep(&self, stop: &CancellationToken) {
        let renewing = async { tokio::join!(self.keep_store_seen(), self.keep_queue_seen()) };
        tokio::select! {
            () = stop.cancelled() => {}
            _never = renewing => {}
        }
    }

    async fn keep_store_seen(&self) {
        loop {
            match self.database.cursors().await {
                Ok(cursors) => self.locked().cursors = seen(cursors),
                Err(error) => debug!(error = chain(&error), "cursors not seen"),
            }
            match self.database.workers_alive(WORKER_ALIVE_WITHIN).await {
                Ok(alive) => self.locked().workers_alive = seen(alive),
                Err(error) => debug!(error = chain(&error), "workers not seen"),
            }
            tokio::time::sleep(RENEWAL_INTERVAL).await;
        }
    }

    async fn keep_queue_seen(&self) {
        loop {
            match self.queue.waiting(&self.measured_from()).await {
                Ok(waiting) if waiting.is_empty() => {}
                Ok(waiting) => self.locked().waiting = seen(waiting),
                Err(error) => debug!(error = chain(&error), "backlog not seen"),
            }
            match self.queue.durability().await {
                Ok(durability) => self.locked().durability = seen(durability),
                Err(error) => debug!(error = chain(&error), "durability not seen"),
            }
            tokio::time::sleep(RENEWAL_INTERVAL).await;
        }
    }

    /// The partitions there are, each with the cursor above which entries wait, if the store has told it lately.
    fn measured_from(&self) -> Vec<(Partition, Option<Cursor>)> {
        let picture = self.locked();
        let Some(cursors) = &picture.cursors else { return Vec::new() };
        let is_fresh = cursors.at.elapsed() < CURSORS_AGE_MAX;
        cursors.value.iter().map(|(partition, cursor)| (*partition, is_fresh.then_some(*cursor))).collect()
    }

    /// Never held across an await.
    fn locked(&self) -> MutexGuard<'_, Picture> {
        self.picture.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every part of the picture may be absent")]
fn seen<T>(value: T) -> Option<Seen<T>> {
    Some(Seen { at: Instant::now(), value })
}
