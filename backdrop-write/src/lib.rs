//! The ingest service: takes batches, puts them into the log, and tells how they ended; and the
//! administration of data sets.
//!
//! A write is acknowledged with 200 only when it is committed in Postgres. So a request registers as
//! waiting for its batch (`outcomes`), appends it (`ingest`), and answers with what the worker made
//! of it, or with a receipt if the client does not want to wait.
//!
//! **Invariant.** No request asks Postgres for configuration: data sets and tokens come from the
//! catalogue in the process. (A schema is asked for once per version, where CSV or a sheet needs its types.)

mod auth;
mod backlog;
mod body;
mod ending;
mod error;
mod formats;
mod idempotency;
mod ingest;
mod last_use;
mod metrics;
mod outcomes;
mod prefer;
mod queue_thread;
mod quota;
mod receipt;
mod routes;
mod settings;
mod startup;

pub use formats::read_sheet_if_told;
pub use settings::Settings;
pub use startup::Application;
