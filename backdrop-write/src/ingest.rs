//! Putting a change into the log and learning how it ended.

use crate::auth::Caller;
use crate::error::WriteError;
use crate::outcomes::{Ended, Outcomes, Waiter};
use backdrop_core::batch::{BatchKind, ENVELOPE_VERSION, Envelope, Handling, Outcome};
use backdrop_core::data_set::DataSet;
use backdrop_core::error::{ApiError, ErrorCode, chain};
use backdrop_core::origin::Origin;
use backdrop_core::receipt::ReceiptId;
use backdrop_core::record::{Violation, Violations};
use backdrop_postgres::Database;
use backdrop_queue::{Accepted, AppendError, AppendRequest, Appender, Durability, Queue};
use backdrop_service::request::RequestId;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use uuid::Uuid;

/// For how long at least an append whose answer was lost is repeated, however short the client waits.
const APPEND_DEADLINE_MIN: Duration = Duration::from_secs(5);
/// How long those who wait go on waiting when the process is told to stop: most end within a moment, and
/// the others must be answered before the process ends.
const WAIT_WHEN_STOPPING: Duration = Duration::from_secs(5);
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
    /// The JSON array of records; empty for a change without.
    pub(crate) records: String,
    pub(crate) caller: Caller,
    pub(crate) request_id: RequestId,
    /// How long to wait for the outcome.
    pub(crate) wait: Duration,
}

/// What is known of a change that was accepted.
#[derive(Debug)]
pub(crate) enum Submitted {
    /// It is committed.
    Stored,
    /// It waits in the queue.
    Queued(ReceiptId),
}

/// The way into the log.
#[derive(Debug)]
pub(crate) struct Ingest {
    appender: Appender<Database>,
    queue: Queue,
    outcomes: Outcomes,
    stop: CancellationToken,
    durability: Mutex<Option<(Instant, Durability)>>,
}

impl Ingest {
    /// Once `stop` is cancelled, nobody is kept waiting for long.
    pub(crate) fn new(queue: Queue, database: Database, stop: CancellationToken) -> Self {
        let outcomes = Outcomes::start(database.clone(), queue.clone());
        let appender = Appender::new(queue.clone(), database);
        Self { appender, queue, outcomes, stop, durability: Mutex::default() }
    }

    /// Puts a change into the log, and waits for its outcome as long as is asked.
    pub(crate) async fn submit(&self, change: Change<'_>) -> Result<Submitted, WriteError> {
        let batch_id = Uuid::now_v7();
        let wait = change.wait;
        let receipt = ReceiptId {
            batch_id,
            data_set_id: change.data_set.id,
            partition: change.data_set.partition,
            entry: None,
        };
        let request = append_request(change, batch_id);
        let mut waiter = self.outcomes.wait_for(receipt.data_set_id, batch_id);
        let began = Instant::now();
        let accepted = tokio::select! {
            accepted = self.appender.append(request) => accepted,
            // The answer of the queue was lost, but the worker has found the batch.
            ended = waiter.ended() => return finished(ended),
        };
        let Accepted { entry } = accepted.map_err(|error| refused(&error, receipt))?;
        let receipt = ReceiptId { entry: Some(entry), ..receipt };
        match self.wait_until(began + wait, &mut waiter).await {
            Some(ended) => finished(ended),
            None => {
                if !wait.is_zero() {
                    warn!(%receipt, wait_s = wait.as_secs(), "outcome not known in time, answering with a receipt");
                }
                Ok(Submitted::Queued(receipt))
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
        token_id: change.caller.token_id(),
        request_id,
        idempotency: None,
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

fn finished(ended: Ended) -> Result<Submitted, WriteError> {
    match ended {
        Ended::Stored => Ok(Submitted::Stored),
        Ended::NotStored(outcome, violations) => Err(not_stored(outcome, violations).into()),
    }
}

/// What a client is told of a batch that was not stored.
pub(crate) fn not_stored(outcome: Outcome, violations: Option<Violations>) -> ApiError {
    let (code, message) = match outcome {
        Outcome::Dead => (ErrorCode::DeadLetter, "The batch could not be processed; it is kept."),
        _ => (ErrorCode::InvalidRecords, "Nothing was stored: the batch breaks rules, see messages."),
    };
    // If the data set went away while the batch was queued, that is all there is to say.
    let gone = violations.as_ref().and_then(|violations| violations.listed.first());
    let code = match gone {
        Some(violation) if violation.code == ErrorCode::DataSetNotFound => ErrorCode::DataSetNotFound,
        _ => code,
    };
    ApiError { violations: violations.map(Box::new), ..ApiError::new(code, message) }
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
