//! When an epoch begins: the decision, and the port to the ledger that remembers it.
//!
//! A Redis server that was restarted, restored, emptied or replaced may have lost entries, and could
//! give their ids to others. So it takes no appends until a new epoch is opened for it, whose ids lie
//! above all that were ever given.

use super::{Cursor, EntryId, Partition};
use std::error::Error;
use std::future::Future;

/// What a Redis server says about a partition's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueState {
    /// This life of the server.
    pub run_id: String,
    /// The marker it holds, if any.
    pub marker: Option<EpochMarker>,
    /// The last id the log gave, whether or not that entry is still there; 0-0 if it never gave one.
    pub last: EntryId,
}

/// The marker of a partition: which epoch is open, and for which life of which server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochMarker {
    /// The open epoch.
    pub epoch: u64,
    /// The life of the server it was opened for.
    pub run_id: String,
}

/// What the ledger says about a partition, its row locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerState {
    /// The newest epoch that was opened, 0 if none.
    pub epoch: u64,
    /// How far the partition has been applied.
    pub cursor: Cursor,
    /// The highest id that is known to have been given, whether or not it was applied.
    pub known: Option<EntryId>,
}

/// What to do so that appends are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EpochDecision {
    /// The marker is for this life of this server: go on in its epoch.
    Adopt {
        /// The epoch.
        epoch: u64,
    },
    /// Open a new epoch.
    Open {
        /// The new epoch.
        epoch: u64,
        /// Whether the server has forgotten entries that it had accepted, or its marker.
        went_back: bool,
    },
}

impl EpochDecision {
    /// The epoch in which appends go on.
    pub const fn epoch(self) -> u64 {
        match self {
            Self::Adopt { epoch } | Self::Open { epoch, .. } => epoch,
        }
    }
}

/// Decides how appends to a partition go on.
///
/// `acknowledged` is the highest id that this process has been given: it may know more than the
/// server does after losing its memory.
pub fn decide_epoch(ledger: LedgerState, queue: &QueueState, acknowledged: Option<EntryId>) -> EpochDecision {
    let known = ledger.known.max(ledger.cursor.entry()).max(acknowledged);
    if let Some(marker) = &queue.marker
        && marker.run_id == queue.run_id
        // A log that has forgotten entries of this very epoch would give their ids to others.
        && known.is_none_or(|known| known.epoch != marker.epoch || queue.last >= known)
        // A marker below the ledger's epoch is that of a server which another one has replaced since:
        // what it took now would lie below the cursor and never be applied.
        && marker.epoch >= ledger.epoch
    {
        return EpochDecision::Adopt { epoch: marker.epoch };
    }
    let marker_epoch = queue.marker.as_ref().map_or(0, |marker| marker.epoch);
    let epoch = ledger.epoch.max(marker_epoch).max(queue.last.epoch).max(ledger.cursor.epoch()) + 1;
    let forgot_entries = known.is_some_and(|known| queue.last < known);
    let forgot_marker = queue.marker.is_none() && ledger.epoch > 0;
    EpochDecision::Open { epoch, went_back: forgot_entries || forgot_marker }
}

/// Remembers epochs; implemented by the store.
pub trait EpochLedger: Clone + Send + Sync + 'static {
    /// Why the ledger could not be read or written.
    type Error: Error + Send + Sync + 'static;
    /// A partition's row, locked.
    type Opening: EpochOpening<Error = Self::Error> + Send;

    /// Locks the partition's row, so that nobody else opens an epoch or applies entries meanwhile.
    fn begin_opening(
        &self,
        partition: Partition,
    ) -> impl Future<Output = Result<Self::Opening, Self::Error>> + Send;
}

/// A partition's row, locked until the decision is written down.
pub trait EpochOpening {
    /// Why the ledger could not be written.
    type Error;

    /// What the ledger says.
    fn state(&self) -> LedgerState;

    /// Writes the decision down, with what is known of where the epochs before ended, and commits.
    fn finish(
        self,
        decision: EpochDecision,
        queue: &QueueState,
        acknowledged: Option<EntryId>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn id(epoch: u64, n: u64) -> EntryId {
        EntryId { epoch, n }
    }

    fn queue(run_id: &str, marker: Option<(u64, &str)>, last: EntryId) -> QueueState {
        let marker = marker.map(|(epoch, run_id)| EpochMarker { epoch, run_id: run_id.into() });
        QueueState { run_id: run_id.into(), marker, last }
    }

    fn ledger(epoch: u64, cursor: EntryId) -> LedgerState {
        LedgerState { epoch, cursor: Cursor::at(cursor), known: None }
    }

    #[test]
    fn the_first_epoch_opens_without_suspicion() {
        let fresh = LedgerState { epoch: 0, cursor: Cursor::START, known: None };
        let decision = decide_epoch(fresh, &queue("a", None, id(0, 0)), None);
        assert_eq!(decision, EpochDecision::Open { epoch: 1, went_back: false });
    }

    #[test]
    fn the_same_life_goes_on() {
        let state = queue("a", Some((3, "a")), id(3, 9));
        assert_eq!(decide_epoch(ledger(3, id(3, 4)), &state, None), EpochDecision::Adopt { epoch: 3 });
        // The store was restored from a backup and knows of fewer epochs.
        assert_eq!(decide_epoch(ledger(1, id(1, 4)), &state, None), EpochDecision::Adopt { epoch: 3 });
    }

    #[test]
    fn a_restart_that_lost_nothing_raises_no_suspicion() {
        let state = queue("b", Some((3, "a")), id(3, 9));
        let decision = decide_epoch(ledger(3, id(3, 9)), &state, Some(id(3, 9)));
        assert_eq!(decision, EpochDecision::Open { epoch: 4, went_back: false });
    }

    #[test]
    fn lost_entries_and_lost_markers_are_noticed() {
        let open = |epoch| EpochDecision::Open { epoch, went_back: true };
        let older = queue("b", Some((3, "a")), id(3, 5));
        assert_eq!(decide_epoch(ledger(3, id(3, 9)), &older, None), open(4), "below the cursor");
        assert_eq!(
            decide_epoch(ledger(3, id(3, 2)), &older, Some(id(3, 6))),
            open(4),
            "below what was acknowledged"
        );
        let flushed = queue("a", None, id(0, 0));
        assert_eq!(decide_epoch(ledger(3, id(3, 9)), &flushed, None), open(4), "everything");
    }

    #[test]
    fn a_log_that_was_removed_is_not_gone_on_with() {
        let removed = queue("a", Some((3, "a")), id(0, 0));
        let decision = decide_epoch(ledger(3, id(3, 9)), &removed, None);
        assert_eq!(decision, EpochDecision::Open { epoch: 4, went_back: true });
        // It was flushed when its epoch was opened, and nothing was appended since.
        let opened_after_a_flush = queue("a", Some((4, "a")), id(0, 0));
        let decision = decide_epoch(ledger(4, id(3, 9)), &opened_after_a_flush, None);
        assert_eq!(decision, EpochDecision::Adopt { epoch: 4 });
    }

    #[test]
    fn a_replaced_server_does_not_go_on_in_its_old_epoch() {
        let demoted = queue("a", Some((3, "a")), id(3, 20));
        let decision = decide_epoch(ledger(4, id(4, 2)), &demoted, None);
        assert_eq!(decision, EpochDecision::Open { epoch: 5, went_back: true });
    }
}
