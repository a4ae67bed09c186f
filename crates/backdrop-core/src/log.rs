//! The log of writes: partitions, ids, cursors, and when a new epoch begins.
//!
//! Every change to a data set is an entry of one partition's log. Entries have ids `<epoch>-<n>`: n
//! counts up without holes within an epoch, and an epoch belongs to one life of one Redis server. So
//! ids order all entries of a partition for ever, without a clock, and a hole is visible.

mod epoch;

pub use epoch::{
    EpochDecision, EpochLedger, EpochMarker, EpochOpening, LedgerState, QueueState, decide_epoch,
};

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// One of the logs. All changes to a data set go through the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Partition(pub u16);

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The place of an entry in its partition's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// The life of the Redis server that took it, counted from 1.
    pub epoch: u64,
    /// Its number within the epoch, counted from 0.
    pub n: u64,
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.n)
    }
}

/// The text is not of the form `<epoch>-<n>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an entry id of the form <epoch>-<n>")]
pub struct NotAnEntryId;

impl FromStr for EntryId {
    type Err = NotAnEntryId;

    fn from_str(text: &str) -> Result<Self, NotAnEntryId> {
        let (epoch, n) = text.split_once('-').ok_or(NotAnEntryId)?;
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(epoch) || !is_number(n) {
            return Err(NotAnEntryId);
        }
        let number = |digits: &str| digits.parse().map_err(|_| NotAnEntryId);
        Ok(Self { epoch: number(epoch)?, n: number(n)? })
    }
}

/// How far a partition has been applied: every entry at or below it is decided, none above it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    epoch: u64,
    /// The last applied entry of the epoch; `None`: none of them yet, and all of earlier epochs.
    n: Option<u64>,
}

impl Cursor {
    /// The cursor of a partition that was just made.
    pub const START: Self = Self::start_of(0);

    /// The cursor when an entry is the last that was applied.
    pub const fn at(entry: EntryId) -> Self {
        Self { epoch: entry.epoch, n: Some(entry.n) }
    }

    /// The cursor when everything of earlier epochs is decided, and nothing of this one.
    pub const fn start_of(epoch: u64) -> Self {
        Self { epoch, n: None }
    }

    /// The epoch it stands in.
    pub const fn epoch(self) -> u64 {
        self.epoch
    }

    /// The last applied entry, if one of its epoch was.
    pub fn entry(self) -> Option<EntryId> {
        self.n.map(|n| EntryId { epoch: self.epoch, n })
    }

    /// Whether the entry is still to be applied.
    pub fn is_before(self, entry: EntryId) -> bool {
        self < Self::at(entry)
    }

    /// How many entries of the entry's own epoch are missing between the cursor and the entry.
    /// Whether the epochs between ended where they should is for the ledger to say.
    pub fn missing_before(self, entry: EntryId) -> u64 {
        let expected = if entry.epoch == self.epoch { self.n.map_or(0, |n| n + 1) } else { 0 };
        entry.n.saturating_sub(expected)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.n {
            Some(n) => write!(f, "{}-{n}", self.epoch),
            None => write!(f, "{}-start", self.epoch),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn id(epoch: u64, n: u64) -> EntryId {
        EntryId { epoch, n }
    }

    #[test]
    fn ids_and_cursors_are_ordered_by_epoch_first() {
        assert!(id(1, 9) < id(2, 0));
        assert!(Cursor::START.is_before(id(1, 0)));
        assert!(Cursor::start_of(1).is_before(id(1, 0)));
        assert!(!Cursor::start_of(2).is_before(id(1, 9)));
        assert!(!Cursor::at(id(1, 3)).is_before(id(1, 3)));
        assert!(Cursor::at(id(1, 3)).is_before(id(1, 4)));
        assert_eq!("12-34".parse(), Ok(id(12, 34)));
        for bad in ["12", "+1-2", "1-+2", "-", "1-2-3", ""] {
            assert_eq!(bad.parse::<EntryId>(), Err(NotAnEntryId), "{bad}");
        }
    }

    #[test]
    fn holes_are_counted() {
        assert_eq!(Cursor::at(id(1, 3)).missing_before(id(1, 4)), 0);
        assert_eq!(Cursor::at(id(1, 3)).missing_before(id(1, 7)), 3);
        assert_eq!(Cursor::at(id(1, 3)).missing_before(id(2, 0)), 0);
        assert_eq!(Cursor::at(id(1, 3)).missing_before(id(2, 2)), 2);
        assert_eq!(Cursor::START.missing_before(id(1, 0)), 0);
    }
}
