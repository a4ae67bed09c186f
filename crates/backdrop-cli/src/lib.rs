//! The `backdrop` command, and the private servers it shares with the tests.
//!
//! `up` and `migrate` work on Postgres and Redis; everything else talks to the write service over HTTP, as
//! any other client would: what the command can do, a script can do too.

mod administration;
mod cli;
mod client;
mod export;
mod health;
mod home;
mod import;
mod migrate;
pub mod private;
mod stdout;
mod target;
mod up;
mod whole_file;

pub use cli::main;
