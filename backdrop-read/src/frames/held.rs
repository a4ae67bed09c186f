//! A frame, and which state of its data set it is.

use super::Checked;
use backdrop_core::query::FieldName;
use backdrop_frames::{Frame, FrameFull, RowRef};
use backdrop_postgres::{Changes, ColumnRow, DataSetState, DataVersion, Life, StoreError};

/// A frame that is kept.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) frame: Frame,
    pub(super) version: DataVersion,
    /// The life of the store it was loaded in.
    pub(super) life: Life,
}

/// How a frame stands to a state that was seen in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is that state.
    There,
    /// It is a later one: somebody has followed the data set further in the meantime, or loaded it anew since a
    /// connection was lost, or the store went back.
    Ahead,
    /// It can be brought there.
    Behind,
    /// It is of another history.
    Lost,
}

/// Why a frame cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum Loss {
    /// Changes cannot be read.
    #[error("the changes cannot be read")]
    Store(#[from] StoreError),
    /// It takes too much memory.
    #[error("the frame is too large")]
    Full(#[from] FrameFull),
    /// The data set was emptied, or deletions are not known any more.
    #[error("the data set was emptied, or has changed too much since")]
    TooFar,
    /// The store is in a state that cannot follow from that of the frame.
    #[error("the store went back")]
    OtherHistory,
    /// The frame has other records than the store.
    #[error("the frame has {rows} records, the data set {records}")]
    Miscounted {
        /// In the frame.
        rows: usize,
        /// In the store.
        records: u64,
    },
}

impl Held {
    /// How the frame stands to what was seen.
    pub(super) fn standing(&self, (seen, life): Checked) -> Standing {
        if self.life == life {
            standing(self.version, seen)
        } else if self.life.is_after(life) {
            Standing::Ahead
        } else {
            Standing::Lost
        }
    }

    /// Whether all of these fields are in the frame.
    pub(super) fn has(&self, fields: &[FieldName]) -> bool {
        fields.iter().all(|field| self.frame.fields().any(|held| held == field))
    }

    /// Takes up what has changed since its version. If it cannot, the frame is not to be used any more.
    pub(super) fn apply(&mut self, changes: &Changes) -> Result<(), Loss> {
        let state = changes.state;
        match standing(self.version, state.version) {
            Standing::There => return Ok(()),
            Standing::Ahead => return Err(Loss::OtherHistory),
            Standing::Lost => return Err(Loss::TooFar),
            Standing::Behind => {}
        }
        if !changes.is_all || self.version.version < state.deletions_since {
            return Err(Loss::TooFar);
        }
        for id in changes.deleted() {
            self.frame.delete(id?);
        }
        changes.for_each_stored(|row| self.frame.upsert(row_ref(row)).map_err(Loss::from))?;
        self.version = state.version;
        self.check(state)
    }

    /// What the store counts besides, to show that nothing was missed.
    pub(super) fn check(&self, state: DataSetState) -> Result<(), Loss> {
        let (rows, records) = (self.frame.rows(), state.records);
        if rows as u64 == records { Ok(()) } else { Err(Loss::Miscounted { rows, records }) }
    }
}

/// The row of the store as a frame takes it.
pub(super) const fn row_ref(row: ColumnRow<'_>) -> RowRef<'_> {
    RowRef { id: row.id, time: row.time, values: row.values }
}

/// How a version stands to another one of the same life.
fn standing(own: DataVersion, seen: DataVersion) -> Standing {
    if own == seen {
        Standing::There
    } else if own.version > seen.version && own.generation >= seen.generation {
        Standing::Ahead
    } else if own.version < seen.version && own.generation == seen.generation {
        Standing::Behind
    } else {
        Standing::Lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_frame_of_the_same_generation_can_follow() {
        let base = DataVersion { generation: 2, version: 10, version_tag: Default::default() };
        for (generation, version, expected) in [
            (2, 10, Standing::There),
            (2, 11, Standing::Behind),
            (2, 9, Standing::Ahead),
            (1, 9, Standing::Ahead),
            (3, 11, Standing::Lost),
            (3, 10, Standing::Lost),
            (3, 9, Standing::Lost),
            (1, 11, Standing::Lost),
        ] {
            assert_eq!(
                standing(base, DataVersion { generation, version, ..base }),
                expected,
                "{generation} {version}"
            );
        }
    }
}
