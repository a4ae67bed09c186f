//! Everything Backdrop keeps in Postgres.
//!
//! **Invariant.** No other crate holds SQL. Functions here take and give types of `backdrop-core`.
//!
//! **Invariant.** Every transaction runs in a task of its own ([`Database::in_task`]): beginning one is
//! not cancel-safe in sqlx 0.9.0, and a client that hangs up must not leave half of one behind.
//!
//! To add something that is stored: a migration that begins with why, a file here with its row type and
//! its static SQL, and a test against a real Postgres. Only `reader` builds SQL from parts.

mod apply;
mod audit;
mod batches;
mod catalogue;
mod columns;
mod data_sets;
mod database;
mod documents;
mod epochs;
mod error;
mod export;
mod freshness;
mod gaps;
mod janitor;
mod migrations;
mod partitions;
mod reader;
mod records;
mod rejected;
mod retention;
mod schemas;
mod tokens;
mod transforms;
mod versions;
mod workers;

pub use apply::{Applied, AppliedBatch, Applier, ApplyResult};
pub use audit::{Actor, AuditPlace, AuditRow, AuditWrite};
pub use batches::{BatchRow, KeyedBatch, ReceiptFacts};
pub use catalogue::{Catalogue, KnownDataSet, KnownToken, Lookups};
pub use columns::{Changes, ColumnReader, ColumnRow, ColumnSink, DataSetState};
pub use data_sets::{DataSetRow, NewDataSet};
pub use database::{Connections, Database, DatabaseSettings};
pub use documents::DocumentRow;
pub use error::{SaveError, StoreError};
pub use export::{ExportPage, ExportQuery};
pub use gaps::LogGaps;
pub use janitor::RECEIPTS_KEPT;
pub use migrations::migrate;
pub use partitions::PartitionRow;
pub use reader::{DataVersion, Found, Page, ReadError, RecordReader};
pub use rejected::{KeptBatch, RejectedBatch};
pub use retention::{BoundedDataSet, Horizon};
pub use schemas::{SchemaRow, SchemaSet};
pub use tokens::TokenRow;
pub use transforms::{RunEnd, RunRow, TakenRun, TransformRow, TransformTypeRow};
pub use versions::{Life, Versions};
