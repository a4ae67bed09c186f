//! How fast Backdrop is.
//!
//! Each [`Row`] of the table measures the real services beside a baseline, which says what the same machine can do
//! at best: a bare HTTP handler, a bare loop of statements, a query over a table made for nothing else. Both are measured
//! in turns, in the same run, so that what disturbs the machine disturbs both; what counts is the ratio.
//!
//! `make bench` measures everything and prints the table; `tests/short.rs` measures everything for a moment.
//! Method and figures stand in `docs/performance.md`.
//!
//! **Invariant.** Nothing counts that was not answered as it should: one unexpected status fails the run.

pub mod baseline;
pub mod engines;
pub mod figures;
pub mod load;
pub mod questions;
mod random;
pub mod records;
pub mod report;
pub mod rows;
pub mod stage;
pub mod typed;

pub use report::{Line, table};
pub use rows::Row;
pub use stage::{Durability, Options, Stage};
