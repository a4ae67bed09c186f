//! Answering the questions of grouped queries from a frame.

use crate::Frame;
use backdrop_core::query::{Grouping, Selection};
use backdrop_core::shape::Cell;

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
        let _ = (selection, grouping);
        Err(Unanswerable::Unfit)
    }
}
