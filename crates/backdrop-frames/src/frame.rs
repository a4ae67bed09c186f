//! A frame: the rows of a data set in two runs.
//!
//! The *base* is sorted by time, so that a range of time is a range of rows. A row that comes in the order of time
//! extends it; a late one goes to the *tail*, which has an order of its own beside it and is merged into the base
//! when it has grown. A row that is replaced or deleted is marked as gone.
//!
//! **Invariant.** Live rows of both runs together are the records of the data set, each once, by a keyed hash of
//! its id. The index has the places of exactly these rows.
//!
//! Two ids of one hash are noticed when the frame is built, and it is built anew under another key. One that comes
//! later would replace the row of the other: of a new id among a million that is so once in 10^13. Whoever follows
//! notices it, since [`Frame::rows`] is less than the number of records from then on.

mod builder;
mod changes;
mod index;
mod merge;
#[cfg(test)]
mod tests;

pub use builder::{FrameBuilder, FrameError};

use crate::bitmap::Bitmap;
use crate::column::{Bounds, Kind, Values};
use crate::room;
use backdrop_core::query::FieldName;
use index::Index;

/// A record as a frame takes it.
#[derive(Clone, Copy, Debug)]
pub struct RowRef<'r> {
    /// Its id.
    pub id: &'r str,
    /// Its time (the column `timestamp` of the store), in microseconds since 1970 UTC.
    pub time: i64,
    /// The values of the frame's fields, in their order, each as the JSON text that the store prints; `None`: the
    /// record does not have the field.
    pub values: &'r [Option<&'r str>],
}

/// The frame takes more memory than it may. Nothing is undone, and what comes after it is missing: drop the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the data set does not fit the memory that a frame may take")]
pub struct FrameFull;

/// One state of a data set, as columns.
#[derive(Debug)]
pub struct Frame {
    pub(crate) fields: Vec<Field>,
    /// In the order of time.
    pub(crate) base: Run,
    /// In the order in which they came.
    pub(crate) tail: Run,
    /// The rows of the tail in the order of time; of the same time, in the order in which they came.
    pub(crate) tail_order: Vec<u32>,
    index: Index,
    bounds: Bounds,
}

/// A field of which the frame holds the values.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: FieldName,
    pub(crate) kind: Kind,
    /// How many texts it had when the frame was built or merged.
    texts_at_first: usize,
}

/// Rows, column by column.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// Microseconds since 1970 UTC.
    pub(crate) times: Vec<i64>,
    /// Which rows are not there any more. Their values are 0 or the code of no value.
    pub(crate) gone: Bitmap,
    /// The keyed hash of each row's id.
    pub(crate) hashes: Vec<u64>,
    /// In the order of the frame's fields.
    pub(crate) columns: Vec<Values>,
}

impl Frame {
    /// The fields of which it holds the values, in the order in which rows give them.
    pub fn fields(&self) -> impl Iterator<Item = &FieldName> {
        self.fields.iter().map(|field| &field.name)
    }

    /// How many rows are live.
    pub fn rows(&self) -> usize {
        self.base.live() + self.tail.live()
    }

    /// How much memory it takes, in bytes: arrays at their capacity, dictionaries and the index.
    pub fn bytes(&self) -> usize {
        let fields: usize = self.fields.iter().map(|field| size_of::<Field>() + field.kind.bytes()).sum();
        let index = self.index.bytes() + room::bytes(&self.tail_order);
        size_of::<Self>() + fields + self.base.bytes() + self.tail.bytes() + index
    }

    /// The place of a field in `fields` and in the columns of each run.
    pub(crate) fn column(&self, name: &FieldName) -> Option<usize> {
        self.fields().position(|field| field == name)
    }
}

impl Run {
    fn new(fields: usize) -> Self {
        Self { columns: (0..fields).map(|_| Values::None).collect(), ..Self::default() }
    }

    /// How many rows it has, with those that are gone.
    pub(crate) const fn len(&self) -> usize {
        self.times.len()
    }

    /// How many rows it has that are not gone.
    pub(crate) const fn live(&self) -> usize {
        self.len() - self.gone.ones()
    }

    fn bytes(&self) -> usize {
        let columns: usize = self.columns.iter().map(|values| size_of::<Values>() + values.bytes()).sum();
        room::bytes(&self.times) + self.gone.bytes() + room::bytes(&self.hashes) + columns
    }

    fn shrink(&mut self) {
        self.times.shrink_to_fit();
        self.gone.shrink();
        self.hashes.shrink_to_fit();
        self.columns.iter_mut().for_each(Values::shrink);
    }
}
