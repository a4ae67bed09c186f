//! The query service of Backdrop: answers over HTTP what the store holds.
//!
//! **Invariant.** It needs Postgres and nothing else: a broken queue cannot take reading down.
//!
//! **Invariant.** Nothing a client sends makes an answer of 5xx. Whatever it gets wrong is a 4xx that
//! says what; a 5xx means that we, or the store, are at fault.
//!
//! Handlers in [`routes`] translate between HTTP and `backdrop-core`; [`bodies`] gives what was answered before
//! ([`cache`]), or else has [`answers`] bring a query and the store together and [`format`](mod@format) write what was
//! found in the form that was asked for; [`startup`] wires everything.

pub mod answers;
pub mod bodies;
pub mod cache;
mod desks;
mod fault;
pub mod format;
pub mod frames;
pub mod identity;
pub mod metrics;
mod middleware;
mod openapi;
pub mod routes;
pub mod settings;
pub mod startup;

pub use settings::Settings;
pub use startup::Application;
