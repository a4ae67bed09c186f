//! A frame: the rows of a data set in two runs.
//!
//! The *base* is sorted by time, so that a range of time is a range of rows. A row that comes in the order of time
//! extends it; a late one goes to the *tail*, which has an order of its own beside it and is merged into the base
//! when it has grown. A row that is replaced or deleted is marked as gone.
//!
//! **Invariant.** Live rows of both runs together are the records of the data set, each once, by a keyed hash of
//! its id.

use crate::bitmap::Bitmap;
use crate::column::{Kind, Values};
use backdrop_core::query::FieldName;

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

/// One state of a data set, as columns.
#[derive(Debug)]
pub struct Frame {
    pub(crate) fields: Vec<Field>,
    /// In the order of time.
    pub(crate) base: Run,
    /// In the order in which they came.
    pub(crate) tail: Run,
    /// The rows of the tail in the order of time.
    pub(crate) tail_order: Vec<u32>,
}

/// A field of which the frame holds the values.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: FieldName,
    pub(crate) kind: Kind,
}

/// Rows, column by column.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// Microseconds since 1970 UTC.
    pub(crate) times: Vec<i64>,
    /// Which rows are not there any more.
    pub(crate) gone: Bitmap,
    /// The keyed hash of each row's id.
    pub(crate) hashes: Vec<u64>,
    /// In the order of the frame's fields.
    pub(crate) columns: Vec<Values>,
}

/// Builds a frame from all rows of a data set, in any order.
#[derive(Debug)]
pub struct FrameBuilder {
    fields: Vec<FieldName>,
}
