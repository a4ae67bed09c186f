//! Counting attempts, so that an entry that brings workers down does not do so for ever.
//!
//! A process that begins on a partition first commits that it does. If it dies over the entry, the
//! count stays, and the next process counts on. From the third attempt on the entry is worked on alone,
//! with nothing else in flight in the whole process, so that it and nothing else is to blame; after
//! three deaths in that state it is put aside, kept and visible. If it turns out innocent, the one to blame stood behind
//! it in the run: those are suspects, worked on alone one after the other and counted as if they had failed as often, until
//! one is put aside or none is left. In the flow of work nothing is counted, since that would be a commit for each run,
//! and an entry that is waited for is read before it is counted: a death then is the first, and not counted, so that
//! six are the most. (One more in a run that was decided ahead; and who the suspects are is known to this process only, so
//! that the count begins anew if it ends between two of them.)

use super::run::ENTRIES_MAX;
use crate::metrics::Partitions;
use backdrop_core::error::chain;
use backdrop_core::log::{Cursor, Partition};
use backdrop_postgres::{Database, StoreError};
use std::sync::Arc;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};
use tracing::warn;

/// From this attempt on an entry is worked on alone.
const ALONE_FROM: u32 = 3;
/// At this attempt three have failed alone, and the entry is put aside.
const SET_ASIDE_AT: u32 = ALONE_FROM + 3;

/// How the next entries are to be worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Care {
    /// As usual.
    Usual,
    /// The head entry alone, and nothing else in the process meanwhile.
    Alone,
    /// The head entry is put aside.
    SetAside,
}

impl Care {
    const fn at(attempts: u32) -> Self {
        if attempts >= SET_ASIDE_AT {
            Self::SetAside
        } else if attempts >= ALONE_FROM {
            Self::Alone
        } else {
            Self::Usual
        }
    }
}

/// What this process has counted for a partition.
#[derive(Debug)]
pub(super) struct Attempts {
    database: Database,
    partition: Partition,
    state: State,
    /// How many entries above the cursor may have been in a run over which workers died.
    suspects: usize,
    told: Partitions,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Nothing is counted: the next entry is the first of this process, or the first after an error.
    NotCounted,
    /// An attempt at the entry after the cursor is counted.
    Counted(Cursor, Care),
    /// Work goes on without counting: the last run was applied.
    Progress,
    /// What was counted at the cursor is to be taken back: a fault that was not the entry's.
    ToTakeBack(Cursor),
}

impl Attempts {
    /// What is counted is told there, too.
    pub(super) const fn new(database: Database, partition: Partition, told: Partitions) -> Self {
        Self { database, partition, state: State::NotCounted, suspects: 0, told }
    }

    /// Called before work on the entries after the cursor begins. `None`: somebody else is at work on
    /// them, or has been.
    ///
    /// Whoever has to wait for others in this process does so before it is counted: if one of them
    /// brings the process down, only what was at work counts as having been.
    pub(super) async fn begin(
        &mut self,
        cursor: Cursor,
        alone: &Alone,
    ) -> Result<Option<(Care, InFlight)>, StoreError> {
        if let State::ToTakeBack(counted_at) = self.state {
            self.database.reset_attempts(self.partition, counted_at).await?;
            self.told.attempted(self.partition, 0);
            self.state = State::NotCounted;
        }
        match self.state {
            State::Progress => Ok(Some((Care::Usual, alone.begin(Care::Usual).await))),
            State::Counted(counted_at, care) if counted_at == cursor => {
                Ok(Some((care, alone.begin(care).await)))
            }
            _ => self.count(cursor, alone).await,
        }
    }

    async fn count(&mut self, cursor: Cursor, alone: &Alone) -> Result<Option<(Care, InFlight)>, StoreError> {
        let row = self.database.partition(self.partition).await?;
        if row.cursor != cursor {
            return Ok(None);
        }
        let at_least = if self.suspects > 0 { ALONE_FROM } else { 1 };
        let expected = Care::at(at_least.max(row.attempts + 1));
        let in_flight = alone.begin(expected).await;
        // If the answer is lost, it may be counted all the same.
        self.state = State::ToTakeBack(cursor);
        let Some(attempt) = self.database.raise_attempts(self.partition, cursor, at_least).await? else {
            self.state = State::NotCounted;
            return Ok(None);
        };
        // A suspect is not known to have failed.
        self.told.attempted(self.partition, if row.attempts == 0 { 1 } else { attempt });
        let care = Care::at(attempt);
        self.state = State::Counted(cursor, care);
        if row.attempts > 0 && care != Care::Usual {
            warn!(partition = self.partition.0, %cursor, attempt, ?care, "work on the next entries has failed before");
        }
        self.seen(attempt);
        if care == expected {
            return Ok(Some((care, in_flight)));
        }
        // Somebody else has counted in between.
        drop(in_flight);
        Ok(Some((care, alone.begin(care).await)))
    }

    /// The entry above the cursor is at this attempt: if it is worked on alone from now on, those behind it are
    /// suspects, too.
    pub(super) const fn seen(&mut self, attempt: u32) {
        if attempt >= ALONE_FROM && self.suspects == 0 {
            self.suspects = ENTRIES_MAX;
        }
    }

    /// How many of the next entries are to be taken at once.
    pub(super) const fn entries_at_once(&self) -> usize {
        if self.suspects == 0 { ENTRIES_MAX } else { 1 }
    }

    /// Whether work goes on without counting: the last run was applied.
    pub(super) const fn is_in_flow(&self) -> bool {
        matches!(self.state, State::Progress)
    }

    /// A run was applied; the store has set the count to 0 with it.
    pub(super) fn progress(&mut self) {
        self.told.attempted(self.partition, 0);
        self.suspects = match self.state {
            State::Counted(_, Care::Alone) => self.suspects.saturating_sub(1),
            _ => 0,
        };
        self.state = if self.suspects == 0 { State::Progress } else { State::NotCounted };
    }

    /// Nothing is left above the cursor.
    pub(super) const fn caught_up(&mut self) {
        self.suspects = 0;
    }

    /// The partition was left to somebody else, or its cursor moved: whatever comes next is new.
    pub(super) fn forget(&mut self) {
        self.told.attempted(self.partition, 0);
        self.suspects = 0;
        self.state = State::NotCounted;
    }

    /// The partition is left, perhaps to others: what comes next is not in the flow of this work.
    pub(super) const fn left(&mut self) {
        self.suspects = 0;
        if matches!(self.state, State::Progress) {
            self.state = State::NotCounted;
        }
    }

    /// The visit failed.
    pub(super) const fn failed(&mut self, is_transient: bool) {
        self.state = match self.state {
            State::Counted(cursor, _) if is_transient => State::ToTakeBack(cursor),
            State::ToTakeBack(cursor) => State::ToTakeBack(cursor),
            _ => State::NotCounted,
        };
    }

    /// The process stops in an orderly way: what is counted was no death.
    pub(super) async fn stop(self) {
        if let State::Counted(cursor, _) | State::ToTakeBack(cursor) = self.state
            && let Err(error) = self.database.reset_attempts(self.partition, cursor).await
        {
            let error = chain(&error);
            warn!(partition = self.partition.0, error, "attempts not taken back");
        }
    }
}

/// Lets one entry be worked on with nothing else in flight in the process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alone(Arc<RwLock<()>>);

/// Held while entries are worked on.
#[derive(Debug)]
pub(super) enum InFlight {
    #[expect(dead_code, reason = "held for its drop")]
    WithOthers(OwnedRwLockReadGuard<()>),
    #[expect(dead_code, reason = "held for its drop")]
    Alone(OwnedRwLockWriteGuard<()>),
}

impl Alone {
    /// Waits until work may begin with that care.
    pub(super) async fn begin(&self, care: Care) -> InFlight {
        let lock = Arc::clone(&self.0);
        match care {
            Care::Usual | Care::SetAside => InFlight::WithOthers(lock.read_owned().await),
            Care::Alone => InFlight::Alone(lock.write_owned().await),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_attempts_alone_then_aside() {
        let cares: Vec<Care> = (1..=7).map(Care::at).collect();
        use Care::{Alone, SetAside, Usual};
        assert_eq!(cares, [Usual, Usual, Alone, Alone, Alone, SetAside, SetAside]);
    }
}
