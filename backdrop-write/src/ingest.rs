//! Putting a change into the log and learning how it ended.

mod change;

pub(crate) use change::{Change, Submitted};

use crate::backlog::Backlog;
use crate::ending::Ended;
use crate::error::WriteError;
use crate::metrics::{Append, Metrics};
use crate::outcomes::{Outcomes, Waiter};
use crate::queue_thread::QueueThread;
use backdrop_core::batch::Idempotency;
use backdrop_core::error::{ErrorCode, chain};
use backdrop_core::receipt::ReceiptId;
use backdrop_postgres::{Database, StoreError};
use backdrop_queue::{Accepted, AppendError, Appender, Durability, Queue};
use backdrop_service::request;
use backdrop_service::serve::Stop;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tracing::{debug, error, info, warn};

/// How long those who wait go on waiting when the process closes: most end within a moment, and
/// the others must be answered before the process ends.
const WAIT_WHEN_STOPPING: Duration = Duration::from_secs(5);
/// How long the store may take to tell whether a key was used before: without it the worker finds out.
const KEY_TIMEOUT: Duration = Duration::from_millis(500);
/// How often it is made sure that every partition can be appended to; and how often that is tried while it is not so.
const PREPARE_INTERVALS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_millis(100));
const KEY_WAS_USED: &str = "This Idempotency-Key was used before, for another request or with another body. Use a \
                            new key, or send what was sent with it.";
/// How long what is known of the queue's durability counts as known.
const DURABILITY_AGE_MAX: Duration = Duration::from_secs(30);

/// The way into the log.
#[derive(Debug)]
pub(crate) struct Ingest {
    appender: Appender<Database>,
    database: Database,
    queue: Queue,
    outcomes: Outcomes,
    backlog: Arc<Backlog>,
    stop: Stop,
    metrics: Metrics,
    is_prepared: AtomicBool,
    _thread: QueueThread,
}

impl Ingest {
    /// Once the process closes, nobody is kept waiting for long.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(crate) fn start(
        queue: Queue,
        database: Database,
        backlog: Arc<Backlog>,
        metrics: Metrics,
        stop: Stop,
    ) -> io::Result<Self> {
        let thread = QueueThread::start()?;
        let (outcomes, appender) = thread.enter(|| {
            let outcomes = Outcomes::start(database.clone(), queue.clone());
            (outcomes, Appender::new(queue.clone(), database.clone()))
        });
        Ok(Self {
            appender,
            database,
            queue,
            outcomes,
            backlog,
            metrics,
            stop,
            is_prepared: AtomicBool::new(false),
            _thread: thread,
        })
    }

    /// Puts a change into the log, and waits for its outcome as long as is asked. If it is the repetition of one
    /// that has ended, it ends as that one did.
    pub(crate) async fn submit(&self, mut change: Change<'_>) -> Result<Submitted, WriteError> {
        if let Some(submitted) = self.answered_before(&change).await? {
            return Ok(submitted);
        }
        let batch_id = change.batch_id();
        request::note_batch(batch_id);
        let receipt = ReceiptId {
            batch_id,
            data_set_id: change.data_set.id,
            partition: change.data_set.partition,
            entry: None,
        };
        let (told, wait, is_keyed) = (change.told(), change.wait, change.idempotency.is_some());
        let (count, name) = (change.count, &change.data_set.name);
        let mut waiter = self.outcomes.wait_for(receipt.data_set_id, batch_id, told.awaited);
        let room = change.room.take();
        self.refuse_eviction().map_err(|error| {
            self.metrics.appended(Append::from(&error));
            refused(&error, receipt)
        })?;
        let request = change.into_request(batch_id);
        let began = Instant::now();
        let accepted = tokio::select! {
            biased;
            accepted = self.appender.append(request) => accepted,
            // The answer of the queue was lost, but the worker has found the batch.
            ended = waiter.ended() => {
                self.metrics.accepted(name.as_str(), count);
                if wait.is_zero() {
                    let entry = ended.row().map(|row| row.entry);
                    return Ok(Submitted::Queued(ReceiptId { entry, ..receipt }));
                }
                return told.answer(ended, false);
            }
        };
        let Accepted { entry } = accepted.map_err(|error| {
            self.metrics.appended(Append::from(&error));
            refused(&error, receipt)
        })?;
        drop(room);
        self.metrics.accepted(name.as_str(), count);
        let receipt = ReceiptId { entry: Some(entry), ..receipt };
        if wait.is_zero() {
            // Also if it has ended already: who does not wait is always answered the same.
            return Ok(Submitted::Queued(receipt));
        }
        match self.wait_until(began + wait, &mut waiter).await {
            Some(ended) => {
                // The worker found it at another place of the log: who sent it there came before.
                let was_before = ended.row().is_some_and(|row| row.entry != entry);
                told.answer(ended, is_keyed && was_before)
            }
            None => {
                self.metrics.outcome_late();
                warn!(%receipt, wait_s = wait.as_secs(), "outcome not known in time, answering with a receipt");
                Ok(Submitted::Queued(receipt))
            }
        }
    }

    /// Refuses a Redis that was told to drop entries since it was connected to, as far as that was seen.
    fn refuse_eviction(&self) -> Result<(), AppendError> {
        let seen = self.backlog.durability(DURABILITY_AGE_MAX);
        let judged = seen.map_or(Ok(()), |durability| durability.refuse_eviction());
        judged.map_err(|error| AppendError::Refused(Arc::new(error)))
    }

    /// The answer to a change that repeats one that has ended.
    pub(crate) async fn answered_before(&self, change: &Change<'_>) -> Result<Option<Submitted>, WriteError> {
        let Some(ended) = self.ended_before(change).await? else { return Ok(None) };
        self.metrics.appended(Append::Repeated);
        change.told().answer(ended, true).map(Some)
    }

    /// How the batch ended for which the idempotency key of a change stands. If the store cannot tell, the worker
    /// will recognise the batch.
    async fn ended_before(&self, change: &Change<'_>) -> Result<Option<Ended>, WriteError> {
        let Some(Idempotency { key, body_sha256 }) = &change.idempotency else { return Ok(None) };
        let known = self.database.keyed_batch(change.data_set.id, key.clone());
        match tokio::time::timeout(KEY_TIMEOUT, known).await.unwrap_or(Err(StoreError::NoAnswer)) {
            Ok(Some(known)) if known.body_sha256 == *body_sha256 => Ok(Some(known.batch.into())),
            Ok(Some(_)) => Err(WriteError::new(ErrorCode::IdempotencyMismatch, KEY_WAS_USED)),
            Ok(None) => Ok(None),
            Err(error) => {
                warn!(error = chain(&error), "idempotency key not looked up");
                Ok(None)
            }
        }
    }

    /// How the batch ended, if it does in time.
    async fn wait_until(&self, deadline: Instant, waiter: &mut Waiter) -> Option<Ended> {
        let stopping = async {
            self.stop.closing().cancelled().await;
            tokio::time::sleep(WAIT_WHEN_STOPPING).await;
        };
        tokio::select! {
            ended = waiter.ended() => Some(ended),
            () = tokio::time::sleep_until(deadline.into()) => None,
            () = stopping => None,
        }
    }

    /// Makes sure from time to time that every partition can be appended to without the store, until the process
    /// closes: when it is needed, it may be away.
    pub(crate) async fn keep_prepared(&self) {
        while !self.stop.closing().is_cancelled() {
            let is_prepared = self.prepare_all().await;
            self.is_prepared.store(is_prepared, Ordering::Relaxed);
            let interval = if is_prepared { PREPARE_INTERVALS.0 } else { PREPARE_INTERVALS.1 };
            tokio::select! {
                () = self.stop.closing().cancelled() => {}
                () = tokio::time::sleep(interval) => {}
            }
        }
    }

    async fn prepare_all(&self) -> bool {
        let partitions = self.backlog.partitions();
        for partition in &partitions {
            if let Err(error) = self.appender.prepare(*partition).await {
                debug!(%partition, error = chain(&error), "partition not ready");
                return false;
            }
        }
        !partitions.is_empty()
    }

    /// Whether every partition could be appended to when that was last tried, with or without the store.
    pub(crate) fn is_prepared(&self) -> bool {
        self.is_prepared.load(Ordering::Relaxed)
    }

    /// How durable a queued batch is; `None` if it is not known just now.
    pub(crate) async fn durability(&self) -> Option<Durability> {
        match self.backlog.durability(DURABILITY_AGE_MAX) {
            Some(known) => Some(known),
            None => self.queue.durability().await.ok(),
        }
    }
}

fn refused(error: &AppendError, receipt: ReceiptId) -> WriteError {
    let cause = chain(error);
    match error {
        AppendError::Full => {
            info!(partition = receipt.partition.0, "queue full");
            let message = "The queue is full, nothing was accepted. Try again later.";
            WriteError::new(ErrorCode::QueueFull, message)
        }
        AppendError::Refused(_) => {
            error!(error = cause, "queue not available");
            let message = "The queue is not available just now, nothing was accepted. Try again.";
            WriteError::new(ErrorCode::QueueUnavailable, message)
        }
        AppendError::Unknown(_) => {
            error!(error = cause, %receipt, "outcome of an append unknown");
            let message = format!(
                "The queue did not answer, so it is not known whether the write was accepted. \
                 Ask for its receipt later: /receipts/{receipt}"
            );
            WriteError::new(ErrorCode::OutcomeUnknown, message)
        }
    }
}
