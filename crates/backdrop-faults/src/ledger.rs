//! Clients that write down what they were promised, and a judge who looks whether it was kept.

mod act;
mod clients;
mod evidence;
mod judge;
mod model;
mod verdict;

pub use clients::Load;
pub(crate) use evidence::{backlog_bytes, log_extents};
pub use verdict::Verdict;

use act::{Act, GROUP};
use backdrop_testing::Stack;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What was sent to some data sets, and what was promised.
#[derive(Debug)]
pub struct Ledger {
    /// The data types of its data sets: acts go to one after the other.
    data_types: Vec<String>,
    next: AtomicUsize,
    acknowledged: AtomicUsize,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    sent: Vec<Sent>,
    reads: Vec<Read>,
    /// An act whose records are surely there, to be read.
    latest_stored: Option<usize>,
}

/// A write, and how it was answered in the end.
#[derive(Clone, Debug)]
struct Sent {
    number: usize,
    client: usize,
    act: Act,
    answered: Answered,
    /// How often it was sent again, since it was not answered.
    repeated: usize,
    took: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Answered {
    /// 200: it is stored.
    Stored,
    /// 400: the worker found something wrong with it.
    Rejected,
    /// 202: the receipt tells.
    Accepted(String),
    /// 503: surely not accepted.
    Refused,
    /// No answer, or one that says that nobody knows.
    Unknown,
    /// An answer that the contract does not have.
    Faulty(String),
}

#[derive(Clone, Debug)]
struct Read {
    found: Found,
    took: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    /// What was acknowledged is there.
    There,
    /// 503, or no answer: nothing is claimed.
    Nothing,
    /// What was acknowledged is missing.
    Stale(usize),
    /// An answer that the contract does not have.
    Faulty(String),
}

impl Ledger {
    /// Opens a ledger on new data sets of the stack.
    pub fn open(stack: &Stack, data_sets: usize) -> Self {
        let data_types: Vec<String> = (0..data_sets).map(|index| format!("set{index}")).collect();
        for data_type in &data_types {
            stack.create_data_set(GROUP, data_type);
        }
        Self {
            data_types,
            next: AtomicUsize::default(),
            acknowledged: AtomicUsize::default(),
            book: Mutex::default(),
        }
    }

    /// How many writes have been answered so far.
    pub fn answered(&self) -> usize {
        self.book().sent.len()
    }

    /// How many writes have been acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::Relaxed)
    }

    fn data_type_of(&self, number: usize) -> &str {
        &self.data_types[number % self.data_types.len()]
    }

    fn note(&self, sent: Sent) {
        self.acknowledged.fetch_add(usize::from(sent.answered.is_acknowledged()), Ordering::Relaxed);
        self.book().sent.push(sent);
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answered {
    const fn is_acknowledged(&self) -> bool {
        matches!(self, Self::Stored | Self::Rejected | Self::Accepted(_))
    }
}
