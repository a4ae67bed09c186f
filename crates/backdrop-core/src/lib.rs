//! The pure domain of Backdrop: data sets, records, schemas, periods, queries and the log of writes.
//!
//! **Invariant.** Nothing here does I/O, reads a clock or makes randomness: time, ids and limits are
//! arguments, so that tests decide them. A test over `cargo metadata` keeps every I/O crate out.
//!
//! **Invariant.** A value of a type with private fields has been checked. Nothing that holds a
//! [`DataSetName`](data_set::DataSetName) or a [`ValidRecord`](record::ValidRecord) checks it again.

pub mod backoff;
pub mod batch;
pub mod data_set;
pub mod document;
pub mod error;
pub mod export;
pub mod ingest;
pub mod json;
pub mod log;
pub mod origin;
pub mod period;
pub mod query;
pub mod receipt;
pub mod record;
pub mod schema;
pub mod shape;
pub mod time;
pub mod token;
pub mod transform;
pub mod zone;
