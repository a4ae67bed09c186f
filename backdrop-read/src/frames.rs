//! Frames of data sets: loaded when queries ask for their fields, kept as the data sets change, and asked first.
//!
//! **Invariant.** Never stale: an answer is of the state that the request was checked against, or of a later one. A
//! frame that is behind is brought there before it is asked, by one statement that reads what has changed since.
//!
//! **Invariant.** Never torn: all questions of a query are answered under one read lock; changes are applied, and
//! frames swapped, under the write lock, and only by who has the turn ([`Slot::turn`]).
//!
//! **Invariant.** Never slower than without: whatever a frame cannot do at once, the other engine does. Frames are
//! loaded and merged in the background.

mod answering;
mod budget;
mod figures;
mod following;
mod held;
mod loading;
mod merging;
mod slot;
mod wishes;

pub use budget::Budget;

use backdrop_core::data_set::DataSetId;
use backdrop_core::query::{Collect, FieldName, Filter, Grouping, Selection};
use backdrop_postgres::{ColumnReader, DataVersion, Life, Versions};
use figures::FrameFigures;
use prometheus_client::registry::Registry;
use slot::Slot;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use wishes::FIELDS_MAX;

/// How many frames are loaded at the same time; others wait. One load takes a core, and some of Postgres.
const LOADS_AT_ONCE: usize = 1;

/// The frames of a process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Frames(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    reader: ColumnReader,
    versions: Versions,
    budget: Budget,
    figures: FrameFigures,
    slots: Mutex<HashMap<DataSetId, Arc<Slot>>>,
    loads: Semaphore,
    /// How many queries are being answered from the records.
    beside: watch::Sender<usize>,
    /// Where frames are loaded and followed: not on the threads that serve requests.
    runtime: Handle,
}

/// Which state a request must at least see, and the life of the store it was seen in.
pub type Checked = (DataVersion, Life);

impl Frames {
    /// Nothing is loaded yet. Works on the current runtime.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(reader: ColumnReader, versions: Versions, budget: Budget) -> Self {
        let figures = FrameFigures::new();
        let (slots, loads) = (Mutex::default(), Semaphore::new(LOADS_AT_ONCE));
        let (beside, runtime) = (watch::Sender::new(0), Handle::current());
        Self(Arc::new(Shared { reader, versions, budget, figures, slots, loads, beside, runtime }))
    }

    /// To be held while a query is answered from the records: it goes before the loads of frames.
    pub fn beside(&self) -> Beside {
        self.0.beside.send_modify(|queries| *queries += 1);
        Beside(Arc::clone(&self.0))
    }

    /// Sees to it that queries like this one can be answered from a frame, some time later. To be called when
    /// this one has its answer.
    pub fn wish(&self, data_set: DataSetId, selection: &Selection, grouping: &Grouping) {
        let Some(fields) = fields(selection, grouping).filter(|_| !self.0.budget.is_nothing()) else {
            return;
        };
        let slot = self.0.slot(data_set);
        slot.wishes().note(&fields, Instant::now());
        if !slot.holds(&fields) {
            self.0.load(slot);
        }
    }

    /// Adds what is counted of them to a registry.
    pub(crate) fn register(&self, registry: &mut Registry) {
        self.0.figures.register(registry);
    }

    /// How many frames there are, and how large.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for slot in self.0.slots().values() {
            if let Some((rows, bytes)) = slot.size() {
                totals.frames += 1;
                totals.rows += rows;
                totals.bytes += bytes;
            }
        }
        totals
    }
}

/// A query that is being answered from the records.
#[derive(Debug)]
pub struct Beside(Arc<Shared>);

impl Drop for Beside {
    fn drop(&mut self) {
        self.0.beside.send_modify(|queries| *queries -= 1);
    }
}

/// How many frames there are, and how large.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many.
    pub frames: usize,
    /// Records in them.
    pub rows: usize,
    /// Bytes of memory they take.
    pub bytes: usize,
}

impl Shared {
    fn slot(&self, data_set: DataSetId) -> Arc<Slot> {
        Arc::clone(self.slots().entry(data_set).or_insert_with(|| Arc::new(Slot::new(data_set))))
    }

    /// The slot of a data set that a frame was wished of.
    fn known_slot(&self, data_set: DataSetId) -> Option<Arc<Slot>> {
        self.slots().get(&data_set).map(Arc::clone)
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<DataSetId, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The fields that a frame needs to answer the query; `None`: none can.
fn fields(selection: &Selection, grouping: &Grouping) -> Option<Vec<FieldName>> {
    let collected = grouping.collect().iter().map(Collect::field);
    let filtered = selection.filters().iter().map(Filter::field);
    let mut fields: Vec<FieldName> = Vec::new();
    for field in grouping.keys().iter().chain(collected).chain(filtered) {
        // Not in the body of a record; and who looks for one record has an index in the store.
        if field.is_id() || field.as_str() == "_updated_at" {
            return None;
        }
        if !fields.contains(field) {
            fields.push(field.clone());
        }
    }
    (fields.len() <= FIELDS_MAX).then_some(fields)
}
