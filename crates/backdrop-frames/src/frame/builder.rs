//! Building a frame from all rows of a data set.

use super::index::{Collision, Index};
use super::{Field, Frame, FrameFull, RowRef, Run};
use crate::column::{self, Bounds, Kind, Values};
use crate::hash_key::HashKey;
use crate::place::Place;
use backdrop_core::query::FieldName;
use std::mem;

/// Builds a frame from all rows of a data set, in any order.
///
/// While it works it takes what the frame will take and up to an eighth more; [`build`](Self::build) adds twelve
/// bytes a row for a moment.
#[derive(Debug)]
pub struct FrameBuilder {
    /// Its base has the rows in the order in which they came; its index is empty.
    frame: Frame,
}

/// Why there is no frame.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Two of the ids have the same hash. Under another key they have not.
    #[error("two ids have the same hash")]
    SameHash,
    /// It would be too large.
    #[error(transparent)]
    Full(#[from] FrameFull),
}

impl FrameBuilder {
    /// Begins a frame that holds the given fields and takes no more memory than given, in bytes. The key for hashes is
    /// to be made at random, and not to be told to anyone.
    pub fn new(fields: Vec<FieldName>, hash_key: [u64; 2], bytes_max: usize) -> Self {
        let (base, tail) = (Run::new(fields.len()), Run::new(fields.len()));
        let field = |name| Field { name, kind: Kind::Empty, texts_at_first: 0 };
        let bounds = Bounds { hash_key: HashKey(hash_key), bytes_max };
        let fields = fields.into_iter().map(field).collect();
        Self { frame: Frame { fields, base, tail, tail_order: Vec::new(), index: Index::default(), bounds } }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// If there is no memory left for it.
    ///
    /// # Panics
    /// If the row does not have as many values as there are fields.
    pub fn push(&mut self, row: RowRef<'_>) -> Result<(), FrameFull> {
        let hash = self.frame.bounds.hash_key.hash(row.id);
        let place = Place::base(self.frame.base.len());
        self.frame.add(place, hash, row);
        self.frame.check_room()
    }

    /// Sorts and indexes the rows.
    ///
    /// # Errors
    /// If two ids have the same hash, or the frame is too large.
    pub fn build(self) -> Result<Frame, FrameError> {
        let mut frame = self.frame;
        frame.base.sort();
        frame.base.shrink();
        frame.index = Index::of(&frame.base.hashes).map_err(|Collision| FrameError::SameHash)?;
        frame.fields.iter_mut().for_each(Field::settle);
        frame.check_room()?;
        Ok(frame)
    }
}

impl Run {
    /// Sorts rows of which none is gone by time; those of the same time stay in their order.
    fn sort(&mut self) {
        if self.times.is_sorted() {
            return;
        }
        let mut order: Vec<Place> = (0..self.len()).map(Place::base).collect();
        order.sort_by_key(|place| self.times[place.row()]);
        self.times = order.iter().map(|place| self.times[place.row()]).collect();
        self.hashes = order.iter().map(|place| self.hashes[place.row()]).collect();
        for column in &mut self.columns {
            let values = mem::replace(column, Values::None);
            *column = column::gather([&values, &values], &order);
        }
    }
}
