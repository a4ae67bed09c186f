//! Frames: the columns of a data set that queries ask for, as typed arrays in memory, and the query engine
//! over them.
//!
//! A frame is one state of a data set. It is built from all rows at once, follows changes row by row, and
//! answers the questions of grouped queries with the same cells as the statements in Postgres do.
//!
//! **Invariant.** What a frame cannot hold or answer *exactly* as Postgres would, it does not answer: it says
//! so ([`Unanswerable`]), and the other engine is asked. Postgres stays the truth.
//!
//! **Invariant.** No I/O, no clock, no randomness but what is passed in: who loads and follows is the service.

mod answer;
mod bitmap;
mod column;
mod frame;
mod hash_key;
mod place;
mod room;

pub use answer::Unanswerable;
pub use frame::{Frame, FrameBuilder, FrameError, FrameFull, RowRef};
