//! Shaping: from what an engine found to the rows of an answer.
//!
//! An engine gives [`Cell`]s, one per combination of keys and period that has records at all. Here they
//! are brought together to groups, periods without records are filled in, and groups are sorted and
//! limited ([`GroupedRows`]). Every engine shares this, so that they can differ in nothing that a client sees.
//!
//! **Invariant.** An answer has at most [`ROWS_MAX`] rows, and that is known before the rows are made.

mod bounds;
mod cell;
mod columns;
mod earlier;
mod gathering;
mod group;
mod number;
mod order;
mod record;
mod row;
mod rows;
mod scalar;
mod subset;
mod table_cell;

pub use bounds::{ANSWER_BYTES_MAX, ROWS_MAX, cells_max, too_large, too_many_groups, too_many_rows};
pub use cell::{Cell, Collected};
pub use gathering::Gathering;
pub use number::Number;
pub use record::record_row;
pub use row::Row;
pub use rows::GroupedRows;
pub use scalar::Scalar;
pub use subset::{Subset, Values};
pub use table_cell::TableCell;

use earlier::Earlier;

#[cfg(test)]
mod tests;
