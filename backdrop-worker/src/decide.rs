//! From received entries to decided ones: reading envelopes, validating records.
//!
//! All of it happens before the partition is taken, so that no lock is held while a schema is checked.

use crate::schemas::{SchemaLoadError, Schemas};
use backdrop_core::batch::{BatchKind, ENVELOPE_VERSION, Envelope, EnvelopeError, Origin};
use backdrop_core::data_set::DataSetId;
use backdrop_core::error::ErrorCode;
use backdrop_core::ingest::{DecidedEntry, DecodedEntry, Effect, ReceivedEntry};
use backdrop_core::log::Partition;
use backdrop_core::record::{self, Violation, Violations};
use backdrop_core::schema::Schema;
use backdrop_postgres::{Catalogue, StoreError};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// After so many records the rest of a run is left for the next: a transaction of this size takes a
/// tenth of a second, and everything that is held for it stays small.
const RUN_RECORDS_MAX: usize = 5_000;

/// Why entries could not be decided.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecideError {
    /// A newer writer wrote the entry: this worker must be upgraded.
    #[error("this worker is too old for what is in the queue")]
    Newer(#[source] EnvelopeError),
    /// The store cannot be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The schema is not to be had.
    #[error("the schema cannot be used")]
    Schema(#[source] SchemaLoadError),
    /// Validation took too long, or ended in a panic.
    #[error("validation did not end within its time")]
    Validation,
}

impl DecideError {
    /// Whether it is nobody's fault, least of all the entry's.
    pub(crate) const fn is_transient(&self) -> bool {
        match self {
            Self::Newer(_) => true,
            Self::Store(error) | Self::Schema(SchemaLoadError::Store(error)) => error.is_transient(),
            Self::Schema(_) | Self::Validation => false,
        }
    }
}

/// Decides entries of a partition.
#[derive(Debug)]
pub(crate) struct Decider {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) schemas: Arc<Schemas>,
    pub(crate) timeout: Duration,
}

impl Decider {
    /// Decides the first of the entries, at least one, and as many more as fit into a run.
    pub(crate) async fn decide(
        &self,
        partition: Partition,
        entries: Vec<ReceivedEntry>,
    ) -> Result<Vec<DecidedEntry>, DecideError> {
        let mut work = Vec::with_capacity(entries.len());
        for entry in entries {
            let decoded = match decode(partition, entry) {
                Ok(decoded) => decoded,
                // What comes before it can still be applied.
                Err(DecideError::Newer(_)) if !work.is_empty() => break,
                Err(error) => return Err(error),
            };
            let schema = self.schema_for(&decoded).await?;
            work.push((decoded, schema));
        }
        let validation = tokio::task::spawn_blocking(move || validate_run(work));
        // Only validation is inside: no transaction can be cut off here.
        match tokio::time::timeout(self.timeout, validation).await {
            Ok(Ok(decided)) => Ok(decided),
            Ok(Err(_)) | Err(_) => Err(DecideError::Validation),
        }
    }

    /// Puts an entry aside unread: processing it has brought a worker down, time and again.
    pub(crate) fn set_aside(partition: Partition, entry: ReceivedEntry) -> DecidedEntry {
        let (id, accepted_at) = (entry.id, entry.accepted_at);
        let envelope = Envelope::from_json(&entry.envelope).unwrap_or_else(|_| nameless(partition, &entry));
        let message = "processing the batch failed time and again; it was set aside and is kept";
        let entry = DecodedEntry { id, accepted_at, envelope, records: entry.records };
        DecidedEntry { entry, effect: Effect::SetAside(blame(ErrorCode::DeadLetter, message)) }
    }

    async fn schema_for(&self, decoded: &Result<DecodedEntry, DecidedEntry>) -> Result<Wanted, DecideError> {
        let Ok(entry) = decoded else { return Ok(Wanted::Nothing) };
        if entry.envelope.kind != BatchKind::Append {
            return Ok(Wanted::Nothing);
        }
        match self.catalogue.by_id(entry.envelope.data_set_id).await? {
            None => Ok(Wanted::DataSetGone),
            Some(known) => {
                self.schemas.of(&known.data_set).await.map(Wanted::Schema).map_err(DecideError::Schema)
            }
        }
    }
}

/// What validating an entry takes.
enum Wanted {
    Nothing,
    DataSetGone,
    Schema(Option<Arc<Schema>>),
}

/// Reads the envelope. What is not an envelope is decided at once: it is kept as dead.
fn decode(
    partition: Partition,
    entry: ReceivedEntry,
) -> Result<Result<DecodedEntry, DecidedEntry>, DecideError> {
    let envelope = match Envelope::from_json(&entry.envelope) {
        Ok(envelope) => envelope,
        Err(newer @ EnvelopeError::Newer { .. }) => return Err(DecideError::Newer(newer)),
        Err(EnvelopeError::Malformed(_)) => {
            let envelope = nameless(partition, &entry);
            let violations = blame(ErrorCode::DeadLetter, "what stood in the queue is not a batch");
            let entry = DecodedEntry {
                id: entry.id,
                accepted_at: entry.accepted_at,
                envelope,
                records: entry.records,
            };
            return Ok(Err(DecidedEntry { entry, effect: Effect::SetAside(violations) }));
        }
    };
    Ok(Ok(DecodedEntry { id: entry.id, accepted_at: entry.accepted_at, envelope, records: entry.records }))
}

/// An envelope for an entry that has none: data set 0 is nobody's, and the id follows from the place.
fn nameless(partition: Partition, entry: &ReceivedEntry) -> Envelope {
    Envelope {
        version: ENVELOPE_VERSION,
        kind: BatchKind::Append,
        batch_id: Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{partition}/{}", entry.id).as_bytes()),
        data_set_id: DataSetId(0),
        token_id: None,
        request_id: String::new(),
        idempotency: None,
        origin: Origin::Request,
    }
}

fn validate_run(work: Vec<(Result<DecodedEntry, DecidedEntry>, Wanted)>) -> Vec<DecidedEntry> {
    let mut records = 0;
    let mut decided = Vec::with_capacity(work.len());
    for (decoded, wanted) in work {
        if records >= RUN_RECORDS_MAX {
            break;
        }
        let one = match decoded {
            Ok(entry) => DecidedEntry { effect: effect_of(&entry, &wanted), entry },
            Err(decided) => decided,
        };
        if let Effect::Store(stored) = &one.effect {
            records += stored.len();
        }
        decided.push(one);
    }
    decided
}

fn effect_of(entry: &DecodedEntry, wanted: &Wanted) -> Effect {
    let schema = match (entry.envelope.kind, wanted) {
        (BatchKind::Empty, _) => return Effect::Empty,
        (BatchKind::DeleteDataSet, _) => return Effect::DeleteDataSet,
        (BatchKind::Append, Wanted::Schema(schema)) => schema.as_deref(),
        (BatchKind::Append, _) => {
            return Effect::Reject(blame(ErrorCode::DataSetNotFound, "the data set was deleted"));
        }
    };
    match serde_json::from_slice::<Vec<Value>>(&entry.records) {
        Ok(records) => match record::validate(records, schema, entry.envelope.batch_id, entry.accepted_at) {
            Ok(valid) => Effect::Store(valid),
            Err(violations) => Effect::Reject(violations),
        },
        // The writer checked it, so something else wrote it, or it was changed on the way.
        Err(error) => Effect::SetAside(blame(ErrorCode::InvalidJson, &error.to_string())),
    }
}

/// A violation that no record is to blame for.
fn blame(code: ErrorCode, message: &str) -> Violations {
    let violation = Violation { record: 0, pointer: String::new(), code, message: message.to_owned() };
    Violations { listed: vec![violation], total: 1 }
}
