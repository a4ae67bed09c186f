//! All faults, in the order in which `docs/reliability.md` lists them.
//!
//! Each is a function that starts a stack, sends a load, injects and heals as often as the scale says, and has
//! the ledger judge. Those on one thing stand in one file.

mod connections;
mod failed_over;
mod postgres;
mod queue;
mod restored;
mod workers;

use crate::fault::Fault;

/// All faults.
pub const ALL: &[Fault] = &[
    workers::KILLED,
    queue::KILLED,
    postgres::KILLED,
    postgres::STOPPED,
    postgres::FROZEN,
    postgres::SLOW,
    restored::RESTORED,
    failed_over::FAILED_OVER,
    connections::CUT,
    connections::DELAYED,
    connections::HALF_OPEN,
];

/// The fault of that name.
pub fn named(name: &str) -> Option<Fault> {
    ALL.iter().find(|fault| fault.name == name).copied()
}
