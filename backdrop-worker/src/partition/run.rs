//! A run: entries that are decided, and not applied yet.

use super::attempts::InFlight;
use crate::batch_span::BatchSpan;
use backdrop_core::ingest::{DecidedEntry, Effect, ReceivedEntry};
use backdrop_core::log::Cursor;
use backdrop_queue::ReadBounds;

/// The most entries of a run: one row of `batch` each, and one waiter to tell. What a transaction costs by itself is a
/// few times what an entry of one record costs, so it is nothing any more among so many.
pub(super) const ENTRIES_MAX: usize = 500;
/// The most bytes of a run, but for its last entry.
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// After so many records the rest is left for the next run: a transaction of this size takes a
/// tenth of a second, and everything that is held for it stays small.
const RECORDS_MAX: usize = 5_000;

/// Entries that follow upon each other, and what they do.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) decided: Vec<DecidedEntry>,
    pub(super) spans: Vec<BatchSpan>,
    /// Where the cursor must be when it is applied.
    pub(super) read_after: Cursor,
    /// Where it is then: at the last entry.
    pub(super) new_cursor: Cursor,
    /// How many bytes the log had taken with the last entry.
    pub(super) log_bytes: Option<u64>,
    pub(super) in_flight: InFlight,
    bytes: usize,
}

/// What still has room in a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) read: ReadBounds,
    pub(super) records: usize,
}

/// What is noted of entries before they are decided, for that takes them.
pub(super) struct Sizes(Vec<(usize, Option<u64>)>);

impl Room {
    /// That of a run without entries.
    pub(super) const WHOLE: Self =
        Self { read: ReadBounds { entries: ENTRIES_MAX, bytes: BYTES_MAX }, records: RECORDS_MAX };
}

impl Sizes {
    pub(super) fn of(entries: &[ReceivedEntry]) -> Self {
        let size = |entry: &ReceivedEntry| (entry.envelope.len() + entry.records.len(), entry.log_bytes);
        Self(entries.iter().map(size).collect())
    }
}

impl Run {
    /// A run without entries yet.
    pub(super) const fn after(cursor: Cursor, in_flight: InFlight) -> Self {
        Self {
            decided: Vec::new(),
            spans: Vec::new(),
            read_after: cursor,
            new_cursor: cursor,
            log_bytes: None,
            in_flight,
            bytes: 0,
        }
    }

    /// Adds the first of the entries that were read, as many as were decided.
    pub(super) fn add(&mut self, decided: Vec<(DecidedEntry, BatchSpan)>, Sizes(sizes): &Sizes) {
        for ((one, span), (bytes, log_bytes)) in decided.into_iter().zip(sizes) {
            self.new_cursor = Cursor::at(one.entry.id);
            self.log_bytes = *log_bytes;
            self.bytes += bytes;
            self.decided.push(one);
            self.spans.push(span);
        }
    }

    /// How many records it stores.
    pub(super) fn records(&self) -> usize {
        let stored = |decided: &DecidedEntry| match &decided.effect {
            Effect::Store(storing) => storing.records.len(),
            _ => 0,
        };
        self.decided.iter().map(stored).sum()
    }

    /// What still has room in it; `None`: nothing.
    pub(super) fn room(&self) -> Option<Room> {
        let entries = ENTRIES_MAX.saturating_sub(self.decided.len());
        let bytes = BYTES_MAX.saturating_sub(self.bytes);
        let records = RECORDS_MAX.saturating_sub(self.records());
        let is_left = entries > 0 && bytes > 0 && records > 0;
        is_left.then_some(Room { read: ReadBounds { entries, bytes }, records })
    }
}
