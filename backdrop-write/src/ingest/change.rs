//! A change to a data set, and what its client is told of it.

use crate::auth::Caller;
use crate::body::Room;
use crate::ending::{Ended, not_stored};
use crate::error::WriteError;
use crate::idempotency::IDEMPOTENT_REPLAYED;
use crate::outcomes::Awaited;
use backdrop_core::batch::{BatchKind, Envelope, Handling, Idempotency};
use backdrop_core::data_set::DataSet;
use backdrop_core::origin::Origin;
use backdrop_core::receipt::ReceiptId;
use backdrop_core::record::Violation;
use backdrop_postgres::BatchRow;
use backdrop_queue::AppendRequest;
use backdrop_service::request::RequestId;
use backdrop_service::trace::{self, TraceParent};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// For how long at least an append whose answer was lost is repeated, however short the client waits.
const APPEND_DEADLINE_MIN: Duration = Duration::from_secs(5);

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
    pub(super) fn batch_id(&self) -> Uuid {
        self.idempotency
            .as_ref()
            .map_or_else(Uuid::now_v7, |idempotency| idempotency.batch_id(self.data_set.id))
    }

    /// What the answer to it tells.
    pub(super) fn told(&self) -> Told {
        let tells_details =
            self.handling == Handling::Lenient || matches!(self.kind, BatchKind::Replay { .. });
        // Who shares a key with others may get the answer of one that was handled leniently.
        let awaited =
            if tells_details || self.idempotency.is_some() { Awaited::Row } else { Awaited::Outcome };
        Told { awaited, tells_details }
    }

    /// What is asked of the queue.
    pub(super) fn into_request(self, batch_id: Uuid) -> AppendRequest {
        let RequestId(request_id) = self.request_id;
        let envelope = Envelope {
            data_set: Some(self.data_set.name.to_string()),
            token_id: self.caller.token_id(),
            traceparent: trace::passed_on(self.traceparent).map(|parent| parent.as_str().to_owned()),
            idempotency: self.idempotency,
            origin: self.origin,
            configuration: self.configuration,
            handling: self.handling,
            faults: self.faults,
            ..Envelope::new(self.kind, batch_id, self.data_set.id, request_id)
        };
        AppendRequest {
            partition: self.data_set.partition,
            envelope,
            records: self.records,
            deadline: Instant::now() + self.wait.max(APPEND_DEADLINE_MIN),
        }
    }
}

/// What the answer to a change tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) awaited: Awaited,
    tells_details: bool,
}

impl Told {
    pub(super) fn answer(self, ended: Ended, is_repeated: bool) -> Result<Submitted, WriteError> {
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
