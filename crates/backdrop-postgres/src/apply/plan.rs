//! What a run comes down to, decided in memory under the lock: which rows are written, how each batch
//! ends, and how each data set changes. Pure, so that it is tested without Postgres.

use backdrop_core::batch::{BatchKind, Changed, Envelope, Handling, Outcome};
use backdrop_core::data_set::DataSetId;
use backdrop_core::error::ErrorCode;
use backdrop_core::ingest::{DecidedEntry, DecodedEntry, Effect, EntryResult, Storing};
use backdrop_core::json;
use backdrop_core::record::{ValidRecord, Violation, Violations, collision};
use backdrop_core::time::Timestamp;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

const KEY_WAS_USED: &str = "This Idempotency-Key was used before, for another request or with another body.";

/// What the store knows already that bears on a run.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The batches that have a row, with their outcomes.
    pub(super) batches: HashMap<(DataSetId, Uuid), Outcome>,
    /// The idempotency keys that stand for a batch.
    pub(super) keys: HashSet<(DataSetId, String)>,
    /// The values that made the ids of records, by data set, generation and id.
    pub(super) tuples: HashMap<(DataSetId, i32, String), String>,
    /// The rejected batch that is replayed.
    pub(super) rejected: Option<Rejected>,
}

/// A rejected batch that is about to be replayed.
#[derive(Debug, Default)]
pub(super) struct Rejected {
    /// The generation of its data set when it was rejected; `None`: a version that did not keep it.
    pub(super) generation: Option<i32>,
    pub(super) is_replayed: bool,
    /// The numbers its records had in their request; empty: they are all of it.
    pub(super) numbers: Vec<usize>,
    /// Those of its ids that were changed, deleted or made since, in that generation.
    pub(super) changed: HashSet<String>,
}

/// A record to delete.
#[derive(Debug)]
pub(super) struct Deletion {
    pub(super) data_set_id: DataSetId,
    pub(super) generation: i32,
    pub(super) id: String,
    pub(super) seq: i64,
}

/// A living data set as it is before the run, and then as the run changes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DataSetState {
    pub(super) generation: i32,
    pub(super) version: i64,
    pub(super) is_deleted: bool,
    /// Whether the run changes it at all.
    pub(super) is_changed: bool,
    /// Whether the newest record may be gone, so that the store has to be asked which one is.
    pub(super) may_have_lost_newest: bool,
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
    pub(super) id_tuple: Vec<Option<String>>,
}

/// A row of `batch`.
#[derive(Debug)]
pub(crate) struct BatchLine {
    pub(crate) entry: DecodedEntry,
    pub(crate) outcome: Outcome,
    /// How many records were stored.
    pub(crate) records: usize,
    /// The numbers of those that were not, while the others were.
    pub(crate) faulty: Vec<usize>,
    /// Why it was not stored, or not all of it.
    pub(crate) violations: Option<Violations>,
    /// What the data set was before the batch.
    pub(crate) generation: i32,
    pub(crate) version: i64,
    /// What had changed since the batch was rejected that this one replays.
    pub(super) changed: Option<Changed>,
    /// Whether its idempotency key stands for it from now on; not if it stands for another batch.
    pub(super) keeps_key: bool,
}

#[derive(Debug)]
pub(super) struct Plan {
    pub(super) records: RecordColumns,
    pub(super) deletions: Vec<Deletion>,
    pub(super) batches: Vec<BatchLine>,
    pub(super) states: HashMap<DataSetId, DataSetState>,
    pub(super) results: Vec<EntryResult>,
}

impl BatchLine {
    /// How many of its records were not stored.
    pub(super) fn not_stored(&self) -> usize {
        match self.outcome {
            Outcome::Stored => self.faulty.len(),
            Outcome::Rejected | Outcome::Dead => json::count(&self.entry.records).unwrap_or_default(),
        }
    }

    /// Why the request as a whole was refused, if it was.
    pub(super) fn refusal(&self) -> Option<&Violations> {
        self.violations.as_ref().filter(|violations| !violations.blame_records())
    }
}

impl Plan {
    /// Goes through the entries in order. `states` are the data sets that live.
    pub(super) fn of(
        entries: Vec<DecidedEntry>,
        known: Known,
        states: HashMap<DataSetId, DataSetState>,
    ) -> Self {
        let plan = Self {
            records: RecordColumns::default(),
            deletions: Vec::new(),
            batches: Vec::new(),
            states,
            results: Vec::new(),
        };
        let mut planner = Planner { plan, known, seen: HashSet::new(), places: HashMap::new() };
        for DecidedEntry { entry, effect } in entries {
            let batch = (entry.envelope.data_set_id, entry.envelope.batch_id);
            if let Some(outcome) = planner.known.batches.get(&batch) {
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

/// How an entry ended.
#[derive(Default)]
struct Ending {
    /// How many records were stored.
    stored: usize,
    faulty: Vec<usize>,
    violations: Option<Violations>,
    changed: Option<Changed>,
}

impl Ending {
    fn stored(stored: usize) -> Self {
        Self { stored, ..Self::default() }
    }

    fn refused(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { violations: Some(Violations::blame(code, message)), ..Self::default() }
    }

    fn faulty(violations: Violations) -> Self {
        Self { violations: Some(violations), ..Self::default() }
    }
}

struct Planner {
    plan: Plan,
    known: Known,
    seen: HashSet<(DataSetId, Uuid)>,
    /// Where in the columns a record stands, so that the last of equal ids wins: Postgres refuses to
    /// touch a row twice in one statement.
    places: HashMap<(DataSetId, i32, String), usize>,
}

impl Planner {
    fn apply(&mut self, entry: DecodedEntry, effect: Effect) {
        let data_set_id = entry.envelope.data_set_id;
        if let Effect::SetAside(violations) = effect {
            return self.finish(entry, Outcome::Dead, Ending::faulty(violations));
        }
        if let Some(refusal) = self.refusal(&entry.envelope) {
            return self.finish(entry, Outcome::Rejected, refusal);
        }
        let state = self.plan.states.get_mut(&data_set_id).expect("without one the entry is refused");
        let (outcome, ending) = match effect {
            Effect::SetAside(violations) => (Outcome::Dead, Ending::faulty(violations)),
            Effect::Reject(violations) => (Outcome::Rejected, Ending::faulty(violations)),
            Effect::Store(storing) => match self.store_all(&entry, storing) {
                Ok(ending) => (Outcome::Stored, ending),
                Err(ending) => (Outcome::Rejected, ending),
            },
            Effect::Replace { record, .. } => {
                state.may_have_lost_newest = true;
                self.store(data_set_id, record);
                (Outcome::Stored, Ending::stored(1))
            }
            Effect::DeleteRecord { id, .. } => {
                state.change();
                state.may_have_lost_newest = true;
                let (generation, seq) = (state.generation, state.version);
                self.plan.deletions.push(Deletion { data_set_id, generation, id, seq });
                (Outcome::Stored, Ending::stored(0))
            }
            Effect::Empty => {
                state.empty();
                (Outcome::Stored, Ending::stored(0))
            }
            Effect::DeleteDataSet => {
                state.empty();
                state.is_deleted = true;
                (Outcome::Stored, Ending::stored(0))
            }
        };
        self.finish(entry, outcome, ending);
    }

    /// Why nothing can come of a request, whatever its records are.
    fn refusal(&self, envelope: &Envelope) -> Option<Ending> {
        let data_set_id = envelope.data_set_id;
        if self.plan.states.get(&data_set_id).is_none_or(|state| state.is_deleted) {
            return Some(Ending::refused(ErrorCode::DataSetNotFound, deleted_before(&envelope.kind)));
        }
        let is_used = |key: &str| self.known.keys.contains(&(data_set_id, key.to_owned()));
        if envelope.idempotency.as_ref().is_some_and(|idempotency| is_used(&idempotency.key)) {
            return Some(Ending::refused(ErrorCode::IdempotencyMismatch, KEY_WAS_USED));
        }
        match (&envelope.kind, &self.known.rejected) {
            (BatchKind::Replay { .. }, None) => {
                let message = "The rejected batch is no longer kept.";
                Some(Ending::refused(ErrorCode::RejectedNotFound, message))
            }
            (BatchKind::Replay { .. }, Some(rejected)) if rejected.is_replayed => {
                let message = "The rejected batch was replayed already.";
                Some(Ending::refused(ErrorCode::AlreadyReplayed, message))
            }
            _ => None,
        }
    }

    /// Stores the records of a batch, or tells why none of them is stored.
    fn store_all(&mut self, entry: &DecodedEntry, storing: Storing) -> Result<Ending, Ending> {
        let Storing { mut records, mut faulty, mut violations } = storing;
        let data_set_id = entry.envelope.data_set_id;
        let changed = self.changed(&entry.envelope, &records);
        let left_alone = match entry.envelope.kind {
            BatchKind::Replay { only_if_unchanged: true, .. } => changed.iter().flatten().cloned().collect(),
            _ => HashSet::new(),
        };
        let collisions = self.take_out(data_set_id, &mut records, &mut faulty, &left_alone);
        if !collisions.is_empty() {
            violations.append(collisions);
            if entry.envelope.handling == Handling::Strict {
                return Err(Ending::faulty(violations));
            }
        }
        let stored = records.len();
        for record in records {
            self.store(data_set_id, record);
        }
        let violations = (violations.total > 0).then_some(violations);
        Ok(Ending { stored, faulty, violations, changed: changed.map(Changed::of) })
    }

    /// Which ids of a replayed batch have changed since it was rejected.
    fn changed(&self, envelope: &Envelope, records: &[ValidRecord]) -> Option<Vec<String>> {
        let rejected = self.known.rejected.as_ref()?;
        // If the data set was emptied since, nothing is as it was.
        let is_emptied = rejected.generation != Some(self.plan.states[&envelope.data_set_id].generation);
        let ids = records.iter().map(ValidRecord::id);
        Some(ids.filter(|id| is_emptied || rejected.changed.contains(*id)).map(str::to_owned).collect())
    }

    /// Takes out the records that are left alone, and those that would overwrite one that only happens to have
    /// the same `_id`. Tells of the latter.
    fn take_out(
        &self,
        data_set_id: DataSetId,
        records: &mut Vec<ValidRecord>,
        faulty: &mut Vec<usize>,
        left_alone: &HashSet<String>,
    ) -> Vec<Violation> {
        let generation = self.plan.states[&data_set_id].generation;
        let tuples = &self.known.tuples;
        // The numbers that are left for the good ones.
        let mut numbers = (1..).filter({
            let faulty: HashSet<usize> = faulty.iter().copied().collect();
            move |number| !faulty.contains(number)
        });
        let mut found = Vec::new();
        records.retain(|record| {
            let number = numbers.next().unwrap_or_default();
            if left_alone.contains(record.id()) {
                return false;
            }
            let Some(tuple) = record.id_tuple() else { return true };
            let other = tuples.get(&(data_set_id, generation, record.id().to_owned()));
            match other.filter(|other| *other != tuple) {
                Some(other) => {
                    found.push(collision(number, tuple, other));
                    faulty.push(number);
                    false
                }
                None => true,
            }
        });
        faulty.sort_unstable();
        found
    }

    fn store(&mut self, data_set_id: DataSetId, record: ValidRecord) {
        let state = self.plan.states.get_mut(&data_set_id).expect("only called for a living data set");
        state.change();
        let (id, id_tuple, timestamp, body) = record.into_parts();
        state.last_timestamp = state.last_timestamp.max(Some(timestamp));
        let key = (data_set_id, state.generation, id);
        match &id_tuple {
            Some(tuple) => self.known.tuples.insert(key.clone(), tuple.clone()),
            None => self.known.tuples.remove(&key),
        };
        let columns = &mut self.plan.records;
        let place = *self.places.entry(key).or_insert_with_key(|(_, _, id)| {
            columns.data_set_id.push(data_set_id.0);
            columns.generation.push(state.generation);
            columns.id.push(id.clone());
            columns.seq.push(0);
            columns.timestamp.push(timestamp);
            columns.body.push(String::new());
            columns.id_tuple.push(None);
            columns.id.len() - 1
        });
        columns.seq[place] = state.version;
        columns.timestamp[place] = timestamp;
        columns.body[place] = body;
        columns.id_tuple[place] = id_tuple;
    }

    fn finish(&mut self, entry: DecodedEntry, outcome: Outcome, ending: Ending) {
        let envelope = &entry.envelope;
        self.plan.results.push(EntryResult { batch_id: envelope.batch_id, outcome });
        let state = self.plan.states.get(&envelope.data_set_id).copied().unwrap_or_default();
        // A key that stands for another batch already would be refused by the store.
        let keeps_key = envelope.idempotency.as_ref().is_some_and(|idempotency| {
            self.known.keys.insert((envelope.data_set_id, idempotency.key.clone()))
        });
        let numbers = self.known.rejected.as_ref().map(|rejected| rejected.numbers.as_slice());
        let tell = |found: Violations| found.located(&envelope.origin).numbered(numbers.unwrap_or_default());
        let violations = ending.violations.map(tell);
        self.plan.batches.push(BatchLine {
            outcome,
            records: ending.stored,
            faulty: ending.faulty,
            violations,
            generation: state.generation,
            // Each record that was stored raised it by one.
            version: state.version - i64::try_from(ending.stored).unwrap_or_default(),
            changed: ending.changed,
            keeps_key,
            entry,
        });
    }
}

impl DataSetState {
    fn change(&mut self) {
        self.version += 1;
        self.is_changed = true;
    }

    fn empty(&mut self) {
        self.change();
        self.generation += 1;
        self.last_timestamp = None;
        self.may_have_lost_newest = false;
    }
}

const fn deleted_before(kind: &BatchKind) -> &'static str {
    match kind {
        BatchKind::Empty | BatchKind::DeleteDataSet => "the data set was deleted already",
        _ => "the data set was deleted before the records could be stored",
    }
}

#[cfg(test)]
mod tests;
