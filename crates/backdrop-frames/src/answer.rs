//! Answering the questions of grouped queries from a frame.
//!
//! A query becomes a [`question`]: the columns it concerns. The [`scan`] goes through the [`spans`] of rows of one
//! period after the other; of each block of their [`rows`] those are selected that the [`predicate`]s hold for, they
//! get the [`slots`] of their groups, and [`collector`]s add them up. All of that goes column by column, with loops
//! that know the types of their columns.
//!
//! **Invariant.** The cells are those of the statement in Postgres: the same groups, and to the last digit the same
//! numbers. (Where equal numbers are written in different ways, as `1` and `1.0` are, it is open there, too, which
//! of them stands for both.)

mod block;
mod bytes;
mod collector;
mod decimal;
mod extremes;
mod keys;
mod lanes;
mod ordered;
mod predicate;
mod question;
mod ranks;
mod rows;
mod scan;
mod sets;
mod slots;
mod spans;
mod sums;
mod tally;
#[cfg(test)]
mod tests;

use crate::Frame;
use backdrop_core::query::{Grouping, Selection};
use backdrop_core::shape::Cell;
use scan::Scan;

/// Why a question goes to the other engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswerable {
    /// The frame does not hold a field that the question needs. (It may, once it is loaded anew with it.)
    #[error("a field is not in the frame")]
    NotLoaded,
    /// The frame cannot hold a field exactly, or the question is of a kind that it does not answer.
    #[error("the frame cannot answer that exactly")]
    Unfit,
    /// The answer would be too large; the other engine says so in the words of the contract.
    #[error("the answer is too large")]
    TooLarge,
}

impl Frame {
    /// The cells of a question, as the statement in Postgres gives them, in any order.
    ///
    /// # Errors
    /// If the question is not one for this frame.
    pub fn cells(&self, selection: &Selection, grouping: &Grouping) -> Result<Vec<Cell>, Unanswerable> {
        Scan::new(self, selection, grouping)?.cells(grouping)
    }
}
