//! Putting a change into the log and learning how it ended.

use crate::auth::Caller;
use crate::ending::{Ended, not_stored};
use crate::error::WriteError;
use crate::idempotency::IDEMPOTENT_REPLAYED;
use crate::outcomes::{Awaited, Outcomes, Waiter};
use backdrop_core::batch::{BatchKind, ENVELOPE_VERSION, Envelope, Handling, Idempotency};
use backdrop_core::data_set::DataSet;
use backdrop_core::error::{ErrorCode, chain};
use backdrop_core::origin::Origin;
use backdrop_core::receipt::ReceiptId;
use backdrop_core::record::Violation;
use backdrop_postgres::{BatchRow, Database};
use backdrop_queue::{Accepted, AppendError, AppendRequest, Appender, Durability, Queue};
use backdrop_service::request::RequestId;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};
use uuid::Uuid;

/// For how long at least an append whose answer was lost is repeated, however short the client waits.
const APPEND_DEADLINE_MIN: Duration = Duration::from_secs(5);
/// How long those who wait go on waiting when the process is told to stop: most end within a moment, and
/// the others must be answered before the process ends.
const WAIT_WHEN_STOPPING: Duration = Duration::from_secs(5);
const KEY_WAS_USED: &str = "This Idempotency-Key was used before, for another request or with another body. Use a \
                            new key, or send what was sent with it.";
/// How long the store may take to tell how a key was used before: a write that is only to be queued is accepted
/// within two seconds also while the store is away.
const KEY_LOOKED_UP_WITHIN: Duration = Duration::from_secs(1);
/// How long to wait before the queue is prepared again, if it or the store was away.
const PREPARED_AGAIN_AFTER: Duration = Duration::from_secs(1);
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
    pub(crate) caller: Caller,
    pub(crate) request_id: RequestId,
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
            Ended::NotStored(outcome, violations) => {
                let error = WriteError::from(not_stored(outcome, violations));
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
    stop: CancellationToken,
    durability: Mutex<Option<(Instant, Durability)>>,
}

impl Ingest {
    /// Once `stop` is cancelled, nobody is kept waiting for long.
    pub(crate) fn new(queue: Queue, database: Database, stop: CancellationToken) -> Self {
        let outcomes = Outcomes::start(database.clone(), queue.clone());
        let appender = Appender::new(queue.clone(), database.clone());
        Self { appender, database, queue, outcomes, stop, durability: Mutex::default() }
    }

    /// Puts a change into the log, and waits for its outcome as long as is asked. If it is the repetition of one
    /// that has ended, it ends as that one did.
    pub(crate) async fn submit(&self, change: Change<'_>) -> Result<Submitted, WriteError> {
        if let Some(ended) = self.ended_before(&change).await? {
            return change.told().answer(ended, true);
        }
        let batch_id = change.batch_id();
        let receipt = ReceiptId {
            batch_id,
            data_set_id: change.data_set.id,
            partition: change.data_set.partition,
            entry: None,
        };
        let (told, wait) = (change.told(), change.wait);
        let mut waiter = self.outcomes.wait_for(receipt.data_set_id, batch_id, told.awaited);
        let request = append_request(change, batch_id);
        let began = Instant::now();
        let accepted = tokio::select! {
            accepted = self.appender.append(request) => accepted,
            // The answer of the queue was lost, but the worker has found the batch.
            ended = waiter.ended() => return told.answer(ended, false),
        };
        let Accepted { entry } = accepted.map_err(|error| refused(&error, receipt))?;
        let receipt = ReceiptId { entry: Some(entry), ..receipt };
        match self.wait_until(began + wait, &mut waiter).await {
            Some(ended) => told.answer(ended, false),
            None => {
                if !wait.is_zero() {
                    warn!(%receipt, wait_s = wait.as_secs(), "outcome not known in time, answering with a receipt");
                }
                Ok(Submitted::Queued(receipt))
            }
        }
    }

    /// How the batch ended for which the idempotency key of a change stands. If the store cannot tell, the worker
    /// will recognise the batch.
    async fn ended_before(&self, change: &Change<'_>) -> Result<Option<Ended>, WriteError> {
        let Some(Idempotency { key, body_sha256 }) = &change.idempotency else { return Ok(None) };
        let asked = self.database.keyed_batch(change.data_set.id, key.clone());
        match tokio::time::timeout(KEY_LOOKED_UP_WITHIN, asked).await {
            Ok(Ok(Some(known))) if known.body_sha256 == *body_sha256 => Ok(Some(known.batch.into())),
            Ok(Ok(Some(_))) => Err(WriteError::new(ErrorCode::IdempotencyMismatch, KEY_WAS_USED)),
            Ok(Ok(None)) => Ok(None),
            Ok(Err(error)) => {
                warn!(error = chain(&error), "idempotency key not looked up");
                Ok(None)
            }
            Err(_) => {
                warn!("idempotency key not looked up in time");
                Ok(None)
            }
        }
    }

    /// How the batch ended, if it does in time.
    async fn wait_until(&self, deadline: Instant, waiter: &mut Waiter) -> Option<Ended> {
        let stopping = async {
            self.stop.cancelled().await;
            tokio::time::sleep(WAIT_WHEN_STOPPING).await;
        };
        tokio::select! {
            ended = waiter.ended() => Some(ended),
            () = tokio::time::sleep_until(deadline.into()) => None,
            () = stopping => None,
        }
    }

    /// How durable a queued batch is; `None` if it is not known just now.
    pub(crate) async fn durability(&self) -> Option<Durability> {
        if let Some(known) = self.known_durability() {
            return Some(known);
        }
        let durability = self.queue.durability().await.ok()?;
        let known = (Instant::now(), durability.clone());
        *self.durability.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Some(durability)
    }

    /// Finds out the open epoch of every partition before anybody writes to it: with the store away, a write to a
    /// partition of which it is not known is refused. Ends when all are known, or the service is told to stop.
    pub(crate) async fn prepare(&self) {
        while !self.stop.is_cancelled() {
            match self.prepare_all().await {
                Ok(()) => return,
                Err(error) => debug!(error = &*error, "the queue is not prepared yet"),
            }
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(PREPARED_AGAIN_AFTER) => {}
            }
        }
    }

    async fn prepare_all(&self) -> Result<(), String> {
        let partitions = self.database.partitions().await.map_err(|error| chain(&error))?;
        for partition in partitions {
            self.appender.prepare(partition).await.map_err(|error| chain(&error))?;
        }
        Ok(())
    }

    /// Asks from time to time how durable the queue is, so that liveness can tell without asking; until the
    /// service is told to stop.
    pub(crate) async fn keep_durability_known(&self) {
        while !self.stop.is_cancelled() {
            let _known = self.durability().await;
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(DURABILITY_AGE_MAX / 3) => {}
            }
        }
    }

    /// How durable a queued batch is, if that was found out lately.
    pub(crate) fn known_durability(&self) -> Option<Durability> {
        let known = self.durability.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|(at, _)| at.elapsed() < DURABILITY_AGE_MAX).map(|(_, known)| known.clone())
    }
}

fn append_request(change: Change<'_>, batch_id: Uuid) -> AppendRequest {
    let RequestId(request_id) = change.request_id;
    let envelope = Envelope {
        version: ENVELOPE_VERSION,
        kind: change.kind,
        batch_id,
        data_set_id: change.data_set.id,
        data_set: Some(change.data_set.name.to_string()),
        token_id: change.caller.token_id(),
        request_id,
        idempotency: change.idempotency,
        origin: change.origin,
        configuration: change.configuration,
        handling: change.handling,
        faults: change.faults,
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
