//! Putting a change into the log and learning how it ended.

use crate::auth::Caller;
use crate::backlog::Backlog;
use crate::body::Room;
use crate::ending::{Ended, not_stored};
use crate::error::WriteError;
use crate::idempotency::IDEMPOTENT_REPLAYED;
use crate::metrics::{Append, Metrics};
use crate::outcomes::{Awaited, Outcomes, Waiter};
use backdrop_core::batch::{BatchKind, Envelope, Handling, Idempotency};
use backdrop_core::data_set::DataSet;
use backdrop_core::error::{ErrorCode, chain};
use backdrop_core::origin::Origin;
use backdrop_core::receipt::ReceiptId;
use backdrop_core::record::Violation;
use backdrop_postgres::{BatchRow, Database, StoreError};
use backdrop_queue::{Accepted, AppendError, AppendRequest, Appender, Durability, Queue};
use backdrop_service::request::{self, RequestId};
use backdrop_service::serve::Stop;
use backdrop_service::trace::{self, TraceParent};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tracing::{debug, error, info, warn};
use uuid::Uuid;

/// For how long at least an append whose answer was lost is repeated, however short the client waits.
const APPEND_DEADLINE_MIN: Duration = Duration::from_secs(5);
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

/// A change to a data set.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    pub(crate) data_set: &'a DataSet,
    pub(crate) kind: BatchKind,
    pub(crate) origin: Origin,
    /// The version of the configuration by which the caller was judged.
    pub(crate) configuration: i64,
    pub(crate) handling: Handling,
    /// What is wrong with records already, in lenient handling.
    pub(crate) faults: Vec<Violation>,
    /// The key under which the client may send it again.
    pub(crate) idempotency: Option<Idempotency>,
    /// The JSON array of records; empty for a change without.
    pub(crate) records: String,
    /// How many records there are.
    pub(crate) count: usize,
    /// Their place in memory, given back when they are in the queue.
    pub(crate) room: Option<Room>,
    pub(crate) caller: Caller,
    pub(crate) request_id: RequestId,
    /// The trace the client is in, if it told.
    pub(crate) traceparent: Option<TraceParent>,
    /// How long to wait for the outcome.
    pub(crate) wait: Duration,
}

impl Change<'_> {
    /// The id of its batch: the same for all requests that share a key and a body.
    fn batch_id(&self) -> Uuid {
        self.idempotency
            .as_ref()
            .map_or_else(Uuid::now_v7, |idempotency| idempotency.batch_id(self.data_set.id))
    }

    /// What the answer to it tells.
    fn told(&self) -> Told {
        let tells_details =
            self.handling == Handling::Lenient || matches!(self.kind, BatchKind::Replay { .. });
        // Who shares a key with others may get the answer of one that was handled leniently.
        let awaited =
            if tells_details || self.idempotency.is_some() { Awaited::Row } else { Awaited::Outcome };
        Told { awaited, tells_details }
    }
}

/// What the answer to a change tells.
#[derive(Clone, Copy, Debug)]
struct Told {
    awaited: Awaited,
    tells_details: bool,
}

impl Told {
    fn answer(self, ended: Ended, is_repeated: bool) -> Result<Submitted, WriteError> {
        match ended {
            Ended::Stored(row) => {
                let details = row.filter(|row| self.tells_details || row.rejected > 0);
                Ok(Submitted::Stored { details, is_repeated })
            }
            Ended::NotStored(row) => {
                let error = WriteError::from(not_stored(row.outcome, row.violations));
                let (name, value) = IDEMPOTENT_REPLAYED;
                Err(if is_repeated { error.with_header(name, value) } else { error })
            }
        }
    }
}

/// What is known of a change that was accepted.
#[derive(Debug)]
pub(crate) enum Submitted {
    /// It is committed.
    Stored {
        /// What the answer tells of it, if it tells more than that.
        details: Option<Box<BatchRow>>,
        /// Whether it was so before: the change repeats another one.
        is_repeated: bool,
    },
    /// It waits in the queue.
    Queued(ReceiptId),
}

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
}

impl Ingest {
    /// Once the process closes, nobody is kept waiting for long.
    pub(crate) fn new(
        queue: Queue,
        database: Database,
        backlog: Arc<Backlog>,
        metrics: Metrics,
        stop: Stop,
    ) -> Self {
        let outcomes = Outcomes::start(database.clone(), queue.clone());
        let appender = Appender::new(queue.clone(), database.clone());
        Self {
            appender,
            database,
            queue,
            outcomes,
            backlog,
            metrics,
            stop,
            is_prepared: AtomicBool::new(false),
        }
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
        let request = append_request(change, batch_id);
        let began = Instant::now();
        let accepted = tokio::select! {
            accepted = self.appender.append(request) => accepted,
            // The answer of the queue was lost, but the worker has found the batch.
            ended = waiter.ended() => {
                self.metrics.accepted(name.as_str(), count);
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
        match self.wait_until(began + wait, &mut waiter).await {
            Some(ended) => {
                // The worker found it at another place of the log: who sent it there came before.
                let was_before = ended.row().is_some_and(|row| row.entry != entry);
                told.answer(ended, is_keyed && was_before)
            }
            None => {
                if !wait.is_zero() {
                    self.metrics.outcome_late();
                    warn!(%receipt, wait_s = wait.as_secs(), "outcome not known in time, answering with a receipt");
                }
                Ok(Submitted::Queued(receipt))
            }
        }
    }

    /// Refuses a Redis that was told to drop entries since it was connected to, as far as that was seen.
    fn refuse_eviction(&self) -> Result<(), AppendError> {
        let seen = self.backlog.durability(DURABILITY_AGE_MAX);
        seen.map_or(Ok(()), |durability| durability.refuse_eviction()).map_err(AppendError::Refused)
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

fn append_request(change: Change<'_>, batch_id: Uuid) -> AppendRequest {
    let RequestId(request_id) = change.request_id;
    let envelope = Envelope {
        data_set: Some(change.data_set.name.to_string()),
        token_id: change.caller.token_id(),
        traceparent: trace::passed_on(change.traceparent).map(|parent| parent.as_str().to_owned()),
        idempotency: change.idempotency,
        origin: change.origin,
        configuration: change.configuration,
        handling: change.handling,
        faults: change.faults,
        ..Envelope::new(change.kind, batch_id, change.data_set.id, request_id)
    };
    AppendRequest {
        partition: change.data_set.partition,
        envelope,
        records: change.records,
        deadline: Instant::now() + change.wait.max(APPEND_DEADLINE_MIN),
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
