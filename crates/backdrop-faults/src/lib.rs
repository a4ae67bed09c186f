//! The faults that Backdrop promises to survive, and whether it does.
//!
//! A [`Fault`] is injected into the real services, on a Postgres and a Redis of their own, while clients of a
//! [`Ledger`] write and read. Then everything is well again, the backlog is worked off, and the ledger judges: it
//! knows every answer that was given, looks behind the services, and counts what was lost, stored twice or
//! out of order. What is promised for each fault stands in `docs/reliability.md`, beside its name.
//!
//! Moments and choices come from a seed, which every run prints. `make faults` runs all of them at full length
//! and prints a table; `tests/short.rs` runs each for a few seconds.
//!
//! **Invariant.** A fault decides nothing about right and wrong: it injects and heals. Only the ledger judges, by
//! the same rules for all.

mod fault;
pub mod faults;
mod gate;
mod injections;
mod ledger;
mod memory;
mod moments;
mod report;
mod soak;
mod trial;

pub use fault::{Fault, Promise};
pub use ledger::{Ledger, Load, Verdict};
pub use moments::Moments;
pub use report::{Report, table};
pub use soak::soak_for;
pub use trial::{Doors, Scale, Trial};
