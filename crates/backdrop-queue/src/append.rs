//! Appending batches to the log.
//!
//! Appends of all requests share one connection, and those of one partition that wait at the same time one call
//! ([`flight`]). An append whose answer is lost is repeated with the same batch id, which the worker recognises, so
//! repeating it never stores it twice.

mod flight;
mod script;

use crate::connection::{APPEND_RESPONSE_TIMEOUT, Link};
use crate::{AppendError, Queue, QueueError};
use backdrop_core::batch::Envelope;
use backdrop_core::error::chain;
use backdrop_core::log::{EntryId, EpochLedger, Partition};
use flight::{Entry, Failure, Waiting};
use redis::Script;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tracing::{info, warn};

/// How long the way to an append may take: a connection, and an epoch. Whoever is refused for this is told well within
/// two seconds.
const READY_TIMEOUT: Duration = Duration::from_millis(1_500);
/// How long to wait before an append is tried again after its answer was lost.
const RETRY_DELAY: Duration = Duration::from_millis(100);
/// For how long a failure to connect or to open an epoch is everybody's: who waited for it meanwhile need
/// not wait for another one. Without this a server that hangs makes a queue of all requests.
const SHARED_FAILURE: Duration = Duration::from_millis(250);

/// What to append.
#[derive(Debug)]
pub struct AppendRequest {
    /// The partition of the batch's data set.
    pub partition: Partition,
    /// The envelope.
    pub envelope: Envelope,
    /// The JSON array of records.
    pub records: String,
    /// Until when an append whose answer was lost is repeated.
    pub deadline: Instant,
}

/// A batch that stands in the log.
#[derive(Clone, Copy, Debug)]
pub struct Accepted {
    /// Its place there.
    pub entry: EntryId,
}

/// Appends to the log over one shared connection. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Appender<L> {
    queue: Queue,
    ledger: L,
    shared: Arc<Shared>,
}

struct Shared {
    script: Script,
    /// Where flights run, and what drives their connection: who asks may run elsewhere, and end before them.
    runtime: Handle,
    link: tokio::sync::Mutex<SharedLink>,
    /// What is known of each partition. Never held across an await.
    partitions: Mutex<HashMap<Partition, PartitionState>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("partitions", &self.partitions).finish_non_exhaustive()
    }
}

impl Shared {
    fn update<T>(&self, partition: Partition, change: impl FnOnce(&mut PartitionState) -> T) -> T {
        let mut partitions = self.partitions.lock().unwrap_or_else(PoisonError::into_inner);
        change(partitions.entry(partition).or_default())
    }
}

#[derive(Debug, Default)]
struct PartitionState {
    /// The open epoch, as far as is known.
    epoch: Option<u64>,
    /// The highest id this process was given.
    acknowledged: Option<EntryId>,
    /// Held while an epoch is opened; when that last failed.
    opening: Arc<tokio::sync::Mutex<Option<Instant>>>,
    /// What the next call is to append.
    waiting: VecDeque<Waiting>,
    /// Whether there is a flight, which takes up what waits.
    is_flying: bool,
}

impl PartitionState {
    /// The highest n this process was given in an epoch.
    fn acknowledged_in(&self, epoch: u64) -> Option<u64> {
        self.acknowledged.filter(|entry| entry.epoch == epoch).map(|entry| entry.n)
    }
}

/// The connection that one caller opens and all use; or that it just failed to open.
#[derive(Default)]
enum SharedLink {
    #[default]
    Missing,
    Failed(Instant),
    There(Link),
}

/// Refuses to try again at once what has just failed.
fn refuse_if_just_failed(failed: Option<Instant>) -> Result<(), QueueError> {
    match failed {
        Some(at) if at.elapsed() < SHARED_FAILURE => {
            Err(QueueError::NoConnection("the last attempt has just failed".into()))
        }
        _ => Ok(()),
    }
}

impl<L: EpochLedger> Appender<L> {
    /// Appends to this queue, opening epochs with this ledger. What there is to do for all together runs on the runtime
    /// that is current here.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(queue: Queue, ledger: L) -> Self {
        let shared = Shared {
            script: script::prepared(),
            runtime: Handle::current(),
            link: tokio::sync::Mutex::default(),
            partitions: Mutex::default(),
        };
        Self { queue, ledger, shared: Arc::new(shared) }
    }

    /// Appends a batch.
    ///
    /// # Errors
    /// Whether nothing was accepted, or it is not known; see [`AppendError`].
    pub async fn append(&self, request: AppendRequest) -> Result<Accepted, AppendError> {
        let AppendRequest { partition, envelope, records, deadline } = request;
        let batch_id = envelope.batch_id;
        let mut entry = Entry { envelope: envelope.to_json(), records };
        let mut lost_answer: Option<Arc<QueueError>> = None;
        loop {
            let ended = self.board(partition, entry).ended();
            let ended = match &lost_answer {
                // Whether this one is accepted is not known, either, if it is cut off.
                Some(lost) => tokio::time::timeout_at(deadline.into(), ended)
                    .await
                    .map_err(|_| AppendError::Unknown(Arc::clone(lost)))?,
                None => ended.await,
            };
            let failed = match ended {
                Some(Ok(entry)) => return Ok(Accepted { entry }),
                Some(Err(failed)) => failed,
                // The flight was lost, and the entry with it.
                None => return Err(AppendError::Unknown(Arc::new(QueueError::NoAnswer))),
            };
            // Once an answer was lost, a later refusal says nothing about the first attempt.
            let lost = match (failed.failure, lost_answer.take()) {
                (Failure::Full, None) => return Err(AppendError::Full),
                (Failure::NotSent(error), None) => return Err(AppendError::Refused(error)),
                (Failure::Full | Failure::NotSent(_), Some(lost)) => lost,
                (Failure::AnswerLost(error), _) => {
                    warn!(batch = %batch_id, error = chain(&error),
                          "answer to an append lost, repeating it");
                    error
                }
            };
            if Instant::now() + RETRY_DELAY >= deadline {
                return Err(AppendError::Unknown(lost));
            }
            (entry, lost_answer) = (failed.entry, Some(lost));
            tokio::time::sleep(RETRY_DELAY).await;
        }
    }

    /// Makes ready to append to a partition, so that its first append need not wait for the store. Costs nothing if it
    /// is ready.
    ///
    /// # Errors
    /// If it cannot be made ready just now.
    pub async fn prepare(&self, partition: Partition) -> Result<(), QueueError> {
        self.ready(partition).await.map(|_ready| ())
    }

    /// The connection, and the epoch of the partition.
    async fn ready(&self, partition: Partition) -> Result<(Link, u64), QueueError> {
        let ready = async { Ok((self.link().await?, self.epoch(partition).await?)) };
        tokio::time::timeout(READY_TIMEOUT, ready).await.unwrap_or(Err(QueueError::NoAnswer))
    }

    /// The open epoch; opens one if none is known. Whoever comes meanwhile waits for it.
    async fn epoch(&self, partition: Partition) -> Result<u64, QueueError> {
        if let Some(epoch) = self.update(partition, |state| state.epoch) {
            return Ok(epoch);
        }
        // One lock a partition: one whose row is held up must not hold up the others.
        let opening = self.update(partition, |state| Arc::clone(&state.opening));
        let mut failed = opening.lock().await;
        let (epoch, acknowledged) = self.update(partition, |state| (state.epoch, state.acknowledged));
        if let Some(epoch) = epoch {
            return Ok(epoch);
        }
        refuse_if_just_failed(*failed)?;
        let opened = self.queue.open_epoch(&self.ledger, partition, acknowledged).await;
        *failed = opened.is_err().then(Instant::now);
        let epoch = opened?;
        info!(%partition, epoch, "appending in epoch");
        self.update(partition, |state| state.epoch = Some(epoch));
        Ok(epoch)
    }

    fn update<T>(&self, partition: Partition, change: impl FnOnce(&mut PartitionState) -> T) -> T {
        self.shared.update(partition, change)
    }

    /// The shared connection; connects if there is none. Whoever comes meanwhile waits for it.
    async fn link(&self) -> Result<Link, QueueError> {
        let mut shared = self.shared.link.lock().await;
        if let SharedLink::There(link) = &*shared
            && !link.is_lost()
        {
            return Ok(link.clone());
        }
        if let SharedLink::Failed(at) = &*shared {
            refuse_if_just_failed(Some(*at))?;
        }
        match self.connect().await {
            Ok(link) => {
                *shared = SharedLink::There(link.clone());
                Ok(link)
            }
            Err(error) => {
                *shared = SharedLink::Failed(Instant::now());
                Err(error)
            }
        }
    }

    async fn connect(&self) -> Result<Link, QueueError> {
        let queue = self.queue.clone();
        let connecting = async move {
            let link = queue.connect(APPEND_RESPONSE_TIMEOUT).await?;
            queue.durability().await?.refuse_eviction()?;
            Ok(link)
        };
        // Where flights run, for there the connection is driven from then on: an answer is passed on without another
        // thread being woken for it. If that runtime is gone, nothing is appended any more.
        self.shared.runtime.spawn(connecting).await.unwrap_or(Err(QueueError::NoAnswer))
    }

    async fn drop_link(&self, lost: &Link) {
        let mut shared = self.shared.link.lock().await;
        if matches!(&*shared, SharedLink::There(link) if link.is(lost)) {
            *shared = SharedLink::Missing;
        }
    }
}
