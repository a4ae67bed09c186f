//! Desks for the threads that answer: one each, up to a number; further threads share one that is not of any of them,
//! so that it does not end with the one that stops first.

use backdrop_postgres::Versions;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The most desks of a process: each has a connection to Postgres. On larger machines the other threads share one.
const DESKS_MAX: usize = 8;

/// Hands out desks at which versions are asked for.
#[derive(Debug)]
pub(crate) struct Desks {
    /// The one that is shared.
    versions: Versions,
    handed_out: AtomicUsize,
}

impl Desks {
    pub(crate) const fn new(versions: Versions) -> Self {
        Self { versions, handed_out: AtomicUsize::new(0) }
    }

    /// A desk for the thread that asks: one that works on its runtime, as long as there are some left.
    pub(crate) fn next(&self) -> Versions {
        if self.handed_out.fetch_add(1, Ordering::Relaxed) < DESKS_MAX {
            self.versions.at_another_desk()
        } else {
            self.versions.clone()
        }
    }
}
