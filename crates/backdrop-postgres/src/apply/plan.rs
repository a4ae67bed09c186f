//! What a run comes down to, decided in memory under the lock: which rows are written, how each batch
//! ends, and how each data set changes. Pure, so that it is tested without Postgres.

use backdrop_core::batch::{BatchKind, Outcome};
use backdrop_core::data_set::DataSetId;
use backdrop_core::error::ErrorCode;
use backdrop_core::ingest::{DecidedEntry, DecodedEntry, Effect, EntryResult};
use backdrop_core::record::{ValidRecord, Violation, Violations};
use backdrop_core::time::Timestamp;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// A living data set as it is before the run, and then as the run changes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DataSetState {
    pub(super) generation: i32,
    pub(super) version: i64,
    pub(super) is_deleted: bool,
    /// Whether the run changes it at all.
    pub(super) is_changed: bool,
    pub(super) last_timestamp: Option<Timestamp>,
}

/// The columns of the records to write, one value per record, ready for `UNNEST`.
#[derive(Debug, Default)]
pub(super) struct RecordColumns {
    pub(super) data_set_id: Vec<i64>,
    pub(super) generation: Vec<i32>,
    pub(super) id: Vec<String>,
    pub(super) seq: Vec<i64>,
    pub(super) timestamp: Vec<Timestamp>,
    pub(super) body: Vec<String>,
}

/// A row of `batch`.
#[derive(Debug)]
pub(super) struct BatchLine {
    pub(super) entry: DecodedEntry,
    pub(super) outcome: Outcome,
    pub(super) records: usize,
    /// Why it was not stored, if it was not.
    pub(super) violations: Option<Violations>,
}

#[derive(Debug)]
pub(super) struct Plan {
    pub(super) records: RecordColumns,
    pub(super) batches: Vec<BatchLine>,
    pub(super) states: HashMap<DataSetId, DataSetState>,
    pub(super) results: Vec<EntryResult>,
}

impl Plan {
    /// Goes through the entries in order. `known` are the batches that have a row already, with their
    /// outcomes; `states` the data sets that live.
    pub(super) fn of(
        entries: Vec<DecidedEntry>,
        known: &HashMap<(DataSetId, Uuid), Outcome>,
        states: HashMap<DataSetId, DataSetState>,
    ) -> Self {
        let plan =
            Self { records: RecordColumns::default(), batches: Vec::new(), states, results: Vec::new() };
        let mut planner = Planner { plan, seen: HashSet::new(), places: HashMap::new() };
        for DecidedEntry { entry, effect } in entries {
            let batch = (entry.envelope.data_set_id, entry.envelope.batch_id);
            if let Some(outcome) = known.get(&batch) {
                planner.plan.results.push(EntryResult { batch_id: batch.1, outcome: *outcome });
            } else if planner.seen.insert(batch) {
                planner.apply(entry, effect);
            }
        }
        planner.plan
    }

    /// How many records were stored, counting those that replace others.
    pub(super) fn stored_records(&self) -> u64 {
        let stored = self.batches.iter().filter(|line| line.outcome == Outcome::Stored);
        stored.map(|line| line.records as u64).sum()
    }
}

struct Planner {
    plan: Plan,
    seen: HashSet<(DataSetId, Uuid)>,
    /// Where in the columns a record stands, so that the last of equal ids wins: Postgres refuses to
    /// touch a row twice in one statement.
    places: HashMap<(DataSetId, i32, String), usize>,
}

impl Planner {
    fn apply(&mut self, entry: DecodedEntry, effect: Effect) {
        let data_set_id = entry.envelope.data_set_id;
        let state = self.plan.states.get_mut(&data_set_id).filter(|state| !state.is_deleted);
        match (effect, state) {
            (Effect::SetAside(violations), _) => self.finish(entry, Outcome::Dead, 0, Some(violations)),
            (Effect::Reject(violations), Some(_)) => {
                self.finish(entry, Outcome::Rejected, 0, Some(violations));
            }
            (Effect::Store(records), Some(_)) => {
                let count = records.len();
                for record in records {
                    self.store(data_set_id, record);
                }
                self.finish(entry, Outcome::Stored, count, None);
            }
            (Effect::Empty, Some(state)) => {
                state.empty();
                self.finish(entry, Outcome::Stored, 0, None);
            }
            (Effect::DeleteDataSet, Some(state)) => {
                state.empty();
                state.is_deleted = true;
                self.finish(entry, Outcome::Stored, 0, None);
            }
            (_, None) => {
                let violations = deleted_before(entry.envelope.kind);
                self.finish(entry, Outcome::Rejected, 0, Some(violations));
            }
        }
    }

    fn store(&mut self, data_set_id: DataSetId, record: ValidRecord) {
        let state = self.plan.states.get_mut(&data_set_id).expect("only called for a living data set");
        state.version += 1;
        state.is_changed = true;
        let (id, timestamp, body) = record.into_parts();
        state.last_timestamp = state.last_timestamp.max(Some(timestamp));
        let body = serde_json::to_string(&body).expect("a map of scalars can be written");
        let columns = &mut self.plan.records;
        let place =
            *self.places.entry((data_set_id, state.generation, id)).or_insert_with_key(|(_, _, id)| {
                columns.data_set_id.push(data_set_id.0);
                columns.generation.push(state.generation);
                columns.id.push(id.clone());
                columns.seq.push(0);
                columns.timestamp.push(timestamp);
                columns.body.push(String::new());
                columns.id.len() - 1
            });
        columns.seq[place] = state.version;
        columns.timestamp[place] = timestamp;
        columns.body[place] = body;
    }

    fn finish(
        &mut self,
        entry: DecodedEntry,
        outcome: Outcome,
        records: usize,
        violations: Option<Violations>,
    ) {
        self.plan.results.push(EntryResult { batch_id: entry.envelope.batch_id, outcome });
        self.plan.batches.push(BatchLine { entry, outcome, records, violations });
    }
}

impl DataSetState {
    fn empty(&mut self) {
        self.generation += 1;
        self.version += 1;
        self.is_changed = true;
        self.last_timestamp = None;
    }
}

fn deleted_before(kind: BatchKind) -> Violations {
    let message = match kind {
        BatchKind::Append => "the data set was deleted before the records could be stored",
        BatchKind::Empty | BatchKind::DeleteDataSet => "the data set was deleted already",
    };
    let violation = Violation {
        record: 0,
        pointer: String::new(),
        code: ErrorCode::DataSetNotFound,
        message: message.into(),
    };
    Violations { listed: vec![violation], total: 1 }
}

#[cfg(test)]
mod tests;
