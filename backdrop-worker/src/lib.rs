//! The worker: reads the log in order, validates each batch, and persists what is valid.
//!
//! One task per partition (`partition`) goes round: read what lies above the cursor, decide what each
//! entry does (`decide`), apply the run in one transaction, announce it. Which worker looks after
//! which partition is settled by heartbeats (`fleet`), and only saves work: what keeps two workers from
//! applying the same entry is the lock on the partition's row and the cursor in it.
//!
//! Beside them the transformer (`transformer`) computes figures from what was stored.
//!
//! **Invariant.** The worker never waits for a lock while it holds one, never speaks to Redis inside a
//! transaction, and forgets everything between runs but what it can learn again.

mod batch_span;
mod decide;
mod fleet;
mod janitor;
mod metrics;
mod partition;
mod routes;
mod schemas;
mod settings;
mod startup;
mod transformer;
mod trimmer;

pub use settings::Settings;
pub use startup::Application;
