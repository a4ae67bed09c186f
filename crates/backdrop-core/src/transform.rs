//! Transforms: figures that are computed from the records of one data set and stored in another.
//!
//! A [`TransformType`] names a [`Function`] and says which options it takes. A [`TransformDefinition`] says which
//! data sets it reads, by which query, and where its results go. What is left is here, too, and pure: which
//! query a run asks ([`readback`]), and what is computed from its rows ([`Computation`]).
//!
//! **Invariant.** A definition that was checked can be run: its function has all the options it needs, and its
//! query is one that the query service would answer. And no chain of transforms comes back to where it began, nor
//! is it longer than [`chain::HOPS_MAX`].

pub mod chain;
mod computation;
mod definition;
mod function;
mod latest;
mod output;
mod rate;
pub mod readback;
mod satisfaction;
mod service;
mod state;

pub use computation::{Computation, Surroundings};
pub use definition::{Place, TransformDefinition, TransformType};
pub use function::Function;
pub use state::RunState;

use crate::error::{ApiError, ErrorCode};
use crate::shape::Row;
use serde_json::Value;

/// What the run's id follows where the id of a request stands: what a transform writes nobody asked for.
pub const RUN_REQUEST_PREFIX: &str = "transform-run-";

/// An error of a definition; the message begins with the name of the field.
fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidDefinition, message)
}

/// A number of a row as floating point; `None` if the field is missing, null or something else.
fn number(row: &Row, field: &str) -> Option<f64> {
    row.get(field).and_then(Value::as_f64)
}

/// A text of a row.
fn text<'r>(row: &'r Row, field: &str) -> Option<&'r str> {
    row.get(field).and_then(Value::as_str)
}
