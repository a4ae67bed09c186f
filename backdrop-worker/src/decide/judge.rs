//! What an entry does, once everything that takes is at hand. Pure but for the clock that it is given: it runs on a
//! thread of its own, and ends when its time is over.

use super::stint::Stint;
use crate::batch_span::BatchSpan;
use backdrop_core::batch::{BatchKind, Handling};
use backdrop_core::error::ErrorCode;
use backdrop_core::ingest::{DecidedEntry, DecodedEntry, Effect, Storing};
use backdrop_core::record::{RecordRules, StoredRecord, Violations};
use backdrop_core::schema::Schema;
use backdrop_postgres::KnownDataSet;
use serde_json::Value;
use std::sync::Arc;

/// What judging an entry takes.
pub(super) enum Wanted {
    Nothing,
    DataSetGone,
    Rules(Rules),
}

/// An entry, and what judging it takes.
pub(super) struct Work {
    /// An entry without an envelope is decided already.
    pub(super) decoded: Result<DecodedEntry, DecidedEntry>,
    pub(super) wanted: Wanted,
    pub(super) span: BatchSpan,
}

/// By what the records of an entry are judged.
pub(super) struct Rules {
    pub(super) known: Arc<KnownDataSet>,
    pub(super) schema: Option<Arc<Schema>>,
    /// The record that the entry changes, if it changes one that is there.
    pub(super) stored: Option<StoredRecord>,
}

/// Judges the first of the entries, and as many more as fit into a run and its time. The first one has all of it, and
/// is put aside if that is not enough.
pub(super) fn run(work: Vec<Work>, records_max: usize, mut stint: Stint) -> Vec<(DecidedEntry, BatchSpan)> {
    let mut records = 0;
    let mut decided = Vec::with_capacity(work.len());
    for Work { decoded, wanted, span } in work {
        if records >= records_max {
            break;
        }
        let one = match decoded {
            Ok(entry) => {
                stint.begin_entry();
                match span.in_scope(|| effect_of(&entry, &wanted, &mut stint)) {
                    Some(effect) => DecidedEntry { effect, entry },
                    // It comes first in the next run.
                    None if !decided.is_empty() => break,
                    None => DecidedEntry { effect: took_too_long(&stint), entry },
                }
            }
            Err(decided) => decided,
        };
        if let Effect::Store(storing) = &one.effect {
            records += storing.records.len();
        }
        decided.push((one, span));
    }
    decided
}

fn took_too_long(stint: &Stint) -> Effect {
    Effect::SetAside(Violations::blame(ErrorCode::DeadLetter, stint.told()))
}

/// `None`: there was no time for all of it.
fn effect_of(entry: &DecodedEntry, wanted: &Wanted, stint: &mut Stint) -> Option<Effect> {
    let kind = &entry.envelope.kind;
    let rules = match (kind, wanted) {
        (BatchKind::Empty, _) => return Some(Effect::Empty),
        (BatchKind::DeleteDataSet, _) => return Some(Effect::DeleteDataSet),
        (_, Wanted::Rules(rules)) => rules,
        _ => {
            let gone = Violations::blame(ErrorCode::DataSetNotFound, "the data set was deleted");
            return Some(Effect::Reject(gone));
        }
    };
    let effect = match kind {
        BatchKind::DeleteRecord { id } => match &rules.stored {
            Some(stored) => Effect::DeleteRecord { id: id.clone(), seq: stored.seq },
            None => no_record(id),
        },
        BatchKind::Patch { id } => match (&rules.stored, records_of(entry)) {
            (_, Err(broken)) => broken,
            (None, _) => no_record(id),
            (Some(stored), Ok(records)) => rules.merge(entry, stored, records),
        },
        _ => match records_of(entry) {
            Ok(records) => return rules.store(entry, records, stint),
            Err(broken) => broken,
        },
    };
    Some(effect)
}

/// The records of an entry. The writer checked them, so if they cannot be read something else wrote them, or
/// they were changed on the way.
fn records_of(entry: &DecodedEntry) -> Result<Vec<Value>, Effect> {
    serde_json::from_slice(&entry.records)
        .map_err(|error| Effect::SetAside(Violations::blame(ErrorCode::InvalidJson, error.to_string())))
}

fn no_record(id: &str) -> Effect {
    Effect::Reject(Violations::blame(ErrorCode::RecordNotFound, format!("No record found with id {id}")))
}

impl Rules {
    fn of<'r>(&'r self, entry: &DecodedEntry) -> RecordRules<'r> {
        RecordRules {
            schema: self.schema.as_deref(),
            auto_ids: &self.known.data_set.settings.auto_ids,
            batch_id: entry.envelope.batch_id,
            accepted_at: entry.accepted_at,
        }
    }

    fn store(&self, entry: &DecodedEntry, records: Vec<Value>, stint: &mut Stint) -> Option<Effect> {
        let checked =
            self.of(entry).check(records, &entry.envelope.faults, |record| stint.goes_on(record))?;
        if checked.violations.total > 0 && entry.envelope.handling == Handling::Strict {
            return Some(Effect::Reject(checked.violations));
        }
        let (records, faulty, violations) = (checked.valid, checked.faulty, checked.violations);
        Some(Effect::Store(Storing { records, faulty, violations }))
    }

    fn merge(&self, entry: &DecodedEntry, stored: &StoredRecord, fields: Vec<Value>) -> Effect {
        let fields = fields.into_iter().next().unwrap_or_default();
        match self.of(entry).merge(stored, fields) {
            Ok(record) => Effect::Replace { record, seq: stored.seq },
            Err(violations) => Effect::Reject(violations),
        }
    }
}

#[cfg(test)]
mod tests;
