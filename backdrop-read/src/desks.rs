//! Desks for the threads that answer: one each, up to a number.

use backdrop_postgres::Versions;
use std::sync::{Mutex, PoisonError};

/// The most desks of a process: each has a connection to Postgres. On larger machines some threads share one.
const DESKS_MAX: usize = 8;

/// Hands out desks at which versions are asked for.
#[derive(Debug)]
pub(crate) struct Desks {
    /// The first one, which is not handed out.
    versions: Versions,
    handed_out: Mutex<HandedOut>,
}

#[derive(Debug, Default)]
struct HandedOut {
    desks: Vec<Versions>,
    times: usize,
}

impl Desks {
    pub(crate) fn new(versions: Versions) -> Self {
        Self { versions, handed_out: Mutex::default() }
    }

    /// A desk for the thread that asks: one that works on its runtime, as long as there are some left.
    pub(crate) fn next(&self) -> Versions {
        let mut handed_out = self.handed_out.lock().unwrap_or_else(PoisonError::into_inner);
        let place = handed_out.times % DESKS_MAX;
        handed_out.times += 1;
        if place == handed_out.desks.len() {
            handed_out.desks.push(self.versions.at_another_desk());
        }
        handed_out.desks[place].clone()
    }
}
