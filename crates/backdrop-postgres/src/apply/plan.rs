//! What a run comes down to, decided in memory under the lock: which rows are written, how each batch
//! ends, and how each data set changes. Pure, so that it is tested without Postgres.

use backdrop_core::batch::{BatchKind, Changed, Handling, Outcome};
use backdrop_core::data_set::DataSetId;
use backdrop_core::error::ErrorCode;
use backdrop_core::ingest::{DecidedEntry, DecodedEntry, Effect, EntryResult, Storing};
use backdrop_core::record::{ValidRecord, Violation, Violations, collision};
use backdrop_core::time::Timestamp;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

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
    /// What the data set was after the batch.
    pub(crate) generation: i32,
    pub(crate) version: i64,
    /// What had changed since the batch was rejected that this one replays.
    pub(super) changed: Option<Changed>,
    /// Whether its idempotency key stands for it from now on; not if it stands for another batch.
    pub(super) keeps_key: bool,
    /// Whether its violations are those of its records, and not of the request.
    pub(super) is_judged_anew: bool,
}

#[derive(Debug)]
pub(super) struct Plan {
    pub(super) records: RecordColumns,
    pub(super) deletions: Vec<Deletion>,
    pub(super) batches: Vec<BatchLine>,
    pub(super) states: HashMap<DataSetId, DataSetState>,
    pub(super) results: Vec<EntryResult>,
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
    is_judged_anew: bool,
}

impl Ending {
    fn stored(stored: usize) -> Self {
        Self { stored, ..Self::default() }
    }

    fn refused(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { violations: Some(Violations::blame(code, message)), ..Self::default() }
    }

    fn faulty(violations: Violations) -> Self {
        Self { violations: Some(violations), is_judged_anew: true, ..Self::default() }
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
        let state = self.plan.states.get_mut(&data_set_id).filter(|state| !state.is_deleted);
        let Some(state) = state else {
            let ending = Ending::refused(ErrorCode::DataSetNotFound, deleted_before(&entry.envelope.kind));
            return self.finish(entry, Outcome::Rejected, ending);
        };
        if let Some(idempotency) = &entry.envelope.idempotency
            && self.known.keys.contains(&(data_set_id, idempotency.key.clone()))
        {
            let message = "this Idempotency-Key was used before, with another body";
            let ending = Ending::refused(ErrorCode::IdempotencyMismatch, message);
            return self.finish(entry, Outcome::Rejected, ending);
        }
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

    /// Stores the records of a batch, or tells why none of them is stored.
    fn store_all(&mut self, entry: &DecodedEntry, storing: Storing) -> Result<Ending, Ending> {
        let Storing { mut records, mut faulty, mut violations } = storing;
        let data_set_id = entry.envelope.data_set_id;
        let changed = match entry.envelope.kind {
            BatchKind::Replay { only_if_unchanged, .. } => {
                Some(self.leave_changed(data_set_id, &mut records, only_if_unchanged)?)
            }
            _ => None,
        };
        let collisions = self.collisions(data_set_id, &mut records, &mut faulty);
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
        Ok(Ending { stored, faulty, violations, changed, is_judged_anew: true })
    }

    /// Which ids of a replayed batch have changed since it was rejected. Takes those out, if that is asked.
    fn leave_changed(
        &self,
        data_set_id: DataSetId,
        records: &mut Vec<ValidRecord>,
        only_if_unchanged: bool,
    ) -> Result<Changed, Ending> {
        let Some(rejected) = &self.known.rejected else {
            return Err(Ending::refused(ErrorCode::RejectedNotFound, "the rejected batch is no longer kept"));
        };
        if rejected.is_replayed {
            let message = "the rejected batch was replayed already";
            return Err(Ending::refused(ErrorCode::AlreadyReplayed, message));
        }
        // If the data set was emptied since, nothing is as it was.
        let generation = self.plan.states[&data_set_id].generation;
        let is_emptied = rejected.generation != Some(generation);
        let has_changed = |record: &ValidRecord| is_emptied || rejected.changed.contains(record.id());
        let changed =
            records.iter().filter(|record| has_changed(record)).map(|record| record.id().to_owned());
        let changed = Changed::of(changed.collect());
        if only_if_unchanged {
            records.retain(|record| !has_changed(record));
        }
        Ok(changed)
    }

    /// Takes out the records that would overwrite one that only happens to have the same `_id`, and notes the
    /// values of the others.
    fn collisions(
        &mut self,
        data_set_id: DataSetId,
        records: &mut Vec<ValidRecord>,
        faulty: &mut Vec<usize>,
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
        let body = serde_json::to_string(&body).expect("a map of scalars can be written");
        let key = (data_set_id, state.generation, id);
        if let Some(tuple) = &id_tuple {
            self.known.tuples.insert(key.clone(), tuple.clone());
        }
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
        let violations = ending.violations.map(|violations| violations.located(&envelope.origin));
        self.plan.batches.push(BatchLine {
            outcome,
            records: ending.stored,
            faulty: ending.faulty,
            violations,
            generation: state.generation,
            version: state.version,
            changed: ending.changed,
            keeps_key,
            is_judged_anew: ending.is_judged_anew,
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
