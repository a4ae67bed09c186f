//! From received entries to decided ones: reading envelopes, validating records.
//!
//! All of it happens before the partition is taken, so that no lock is held while a schema is checked.

mod judge;
mod stint;

use crate::batch_span::BatchSpan;
use crate::schemas::{SchemaLoadError, Schemas};
use backdrop_core::batch::{BatchKind, Envelope, EnvelopeError};
use backdrop_core::data_set::DataSetId;
use backdrop_core::error::ErrorCode;
use backdrop_core::ingest::{DecidedEntry, DecodedEntry, Effect, ReceivedEntry};
use backdrop_core::log::Partition;
use backdrop_core::record::Violations;
use backdrop_postgres::{Catalogue, Database, StoreError};
use judge::{Rules, Wanted, Work};
use std::sync::Arc;
use std::time::Duration;
pub(crate) use stint::processor_time;
use stint::{Clock, Stint};
use uuid::Uuid;

/// By how much validation may take longer on the clock on the wall than it gets of the processor.
const CROWDED_OUT: u32 = 4;

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
    /// Validation got no time of the processor for very long, hangs within one record, or ended in a panic.
    #[error("validation did not end")]
    Validation,
}

impl DecideError {
    /// What it was, as metrics have it.
    pub(crate) const fn cause(&self) -> &'static str {
        match self {
            Self::Newer(_) => "newer_entry",
            Self::Store(_) | Self::Schema(SchemaLoadError::Store(_)) => "store",
            Self::Schema(_) => "schema",
            Self::Validation => "validation",
        }
    }

    /// Whether it is nobody's fault, least of all the entry's.
    pub(crate) const fn is_transient(&self) -> bool {
        match self {
            Self::Newer(_) => true,
            Self::Store(error) | Self::Schema(SchemaLoadError::Store(error)) => error.is_transient(),
            Self::Schema(_) | Self::Validation => false,
        }
    }
}

/// Where entries stand that are to be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Right above the cursor.
    Head,
    /// Behind others that are being applied. What depends on what is stored cannot be decided there.
    Behind,
}

/// Decides entries of a partition.
#[derive(Debug)]
pub(crate) struct Decider {
    pub(crate) database: Database,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) schemas: Arc<Schemas>,
    /// How much time of the processor the validation of a run may take.
    pub(crate) timeout: Duration,
    pub(crate) clock: Clock,
}

impl Decider {
    /// Decides the first of the entries, and as many more as fit into a run with so many records: at the head at least
    /// one, behind others perhaps none.
    pub(crate) async fn decide(
        &self,
        partition: Partition,
        entries: Vec<ReceivedEntry>,
        place: Place,
        records_max: usize,
    ) -> Result<Vec<(DecidedEntry, BatchSpan)>, DecideError> {
        let mut work = Vec::with_capacity(entries.len());
        for entry in entries {
            let decoded = match decode(partition, entry) {
                Ok(decoded) => decoded,
                // What comes before it can still be applied.
                Err(DecideError::Newer(_)) if place == Place::Behind || !work.is_empty() => break,
                Err(error) => return Err(error),
            };
            let is_alone = decoded.as_ref().is_ok_and(|entry| entry.envelope.kind.is_alone());
            // What it does depends on what the entries before it store.
            if is_alone && (place == Place::Behind || !work.is_empty()) {
                break;
            }
            let wanted = self.wanted(&decoded).await?;
            let span = self.span(decoded.as_ref().unwrap_or_else(|decided| &decided.entry));
            work.push(Work { decoded, wanted, span });
            if is_alone {
                break;
            }
        }
        if work.is_empty() {
            return Ok(Vec::new());
        }
        let (clock, limit) = (self.clock, self.timeout);
        let validation =
            tokio::task::spawn_blocking(move || judge::run(work, records_max, Stint::begin(clock, limit)));
        // It ends by itself soon after its time is over. Only validation is inside: no transaction can be cut off here.
        match tokio::time::timeout(limit.saturating_mul(CROWDED_OUT), validation).await {
            Ok(Ok(decided)) => Ok(decided),
            Ok(Err(_)) | Err(_) => Err(DecideError::Validation),
        }
    }

    /// Puts an entry aside unread: processing it has brought a worker down, time and again.
    pub(crate) fn set_aside(&self, partition: Partition, entry: ReceivedEntry) -> (DecidedEntry, BatchSpan) {
        let (id, accepted_at) = (entry.id, entry.accepted_at);
        let envelope = Envelope::from_json(&entry.envelope).unwrap_or_else(|_| nameless(partition, &entry));
        let message = "processing the batch failed time and again; it was set aside and is kept";
        let entry = DecodedEntry { id, accepted_at, envelope, records: entry.records };
        let span = self.span(&entry);
        let effect = Effect::SetAside(Violations::blame(ErrorCode::DeadLetter, message));
        (DecidedEntry { entry, effect }, span)
    }

    fn span(&self, entry: &DecodedEntry) -> BatchSpan {
        BatchSpan::of(&entry.envelope, self.catalogue.name_of(entry.envelope.data_set_id).as_ref())
    }

    async fn wanted(&self, decoded: &Result<DecodedEntry, DecidedEntry>) -> Result<Wanted, DecideError> {
        let Ok(DecodedEntry { envelope, .. }) = decoded else { return Ok(Wanted::Nothing) };
        if matches!(envelope.kind, BatchKind::Empty | BatchKind::DeleteDataSet) {
            return Ok(Wanted::Nothing);
        }
        // By the configuration that the writer knew, or a later one.
        let known = self.catalogue.by_id_since(envelope.data_set_id, envelope.configuration).await?;
        let Some(known) = known else { return Ok(Wanted::DataSetGone) };
        let stored = match &envelope.kind {
            BatchKind::Patch { id } | BatchKind::DeleteRecord { id } => {
                self.database.stored_record(envelope.data_set_id, id.clone()).await?
            }
            _ => None,
        };
        let schema = self.schemas.of(&known.data_set).await.map_err(DecideError::Schema)?;
        Ok(Wanted::Rules(Rules { known, schema, stored }))
    }
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
            let violations =
                Violations::blame(ErrorCode::DeadLetter, "what stood in the queue is not a batch");
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
    let batch_id = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{partition}/{}", entry.id).as_bytes());
    Envelope::new(BatchKind::Append, batch_id, DataSetId::NOBODY, String::new())
}
