//! All faults, in the order in which `docs/reliability.md` lists them.
//!
//! Each is a function that starts a stack, sends a load, injects and heals as often as the scale says, and has
//! the ledger judge. Those on one thing stand in one file.

mod connections;
mod failed_over;
mod postgres;
mod queue;
mod restored;
mod services;
mod workers;

use crate::fault::Fault;
use crate::soak::SOAK;

/// All faults.
pub const ALL: &[Fault] = &[
    workers::KILLED,
    workers::KILLED_BEFORE_COMMIT,
    workers::FROZEN_BEFORE_COMMIT,
    workers::STOPPED_BEFORE_TRIMMING,
    workers::COMPETE,
    workers::ABORTED_BY_ENTRY,
    services::WRITER_KILLED,
    services::TERMINATED,
    services::ROLLING_RESTART,
    services::REQUESTS_CANCELLED,
    services::WRITER_CLOCK_OFF,
    queue::KILLED,
    queue::STOPPED,
    queue::FROZEN,
    queue::ANSWERS_LOST,
    queue::EMPTIED,
    queue::RESTORED,
    queue::TAIL_CUT_APPLIED,
    queue::TAIL_CUT_UNAPPLIED,
    queue::REPLICA_PROMOTED,
    queue::PRIMARY_DEMOTED,
    queue::FAILED_BACK,
    queue::FILE_REWRITTEN,
    queue::MARKERS_DELETED,
    queue::OPENING_INTERRUPTED,
    queue::BOTH_KILLED,
    queue::OUT_OF_MEMORY,
    queue::BACKLOG_FULL,
    postgres::KILLED,
    postgres::STOPPED,
    postgres::FROZEN,
    postgres::SLOW,
    restored::RESTORED,
    failed_over::FAILED_OVER,
    connections::CUT,
    connections::DELAYED,
    connections::HALF_OPEN,
    SOAK,
];

/// The fault of that name.
pub fn named(name: &str) -> Option<Fault> {
    ALL.iter().find(|fault| fault.name == name).copied()
}
