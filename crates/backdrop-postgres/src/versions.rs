//! Which state a data set is in now: asked of the primary for every query, and shared by all who ask together.
//!
//! One connection of its own carries one statement at a time. Who asks while a statement is under way is answered by
//! the next one.
//!
//! **Invariant.** An answer is of a statement that was sent after the question was asked. So a write that was
//! acknowledged before a query came is always seen by it.
//!
//! **Invariant.** Nobody waits for longer than the services wait for a connection: a server that has fallen silent
//! costs the connection, and one attempt to reach it anew is everybody's.

mod duty;
mod line;

use crate::StoreError;
use crate::reader::DataVersion;
use backdrop_core::data_set::DataSetId;
use duty::Duty;
use line::Line;
use sqlx::postgres::PgPool;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// As long as this stays the same, versions of a data set are those of one history: of one table, over one connection
/// that was never lost. A database that was restored shows another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Life(u64);

/// Asks which state data sets are in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Versions(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Where a connection comes from; it is taken out for good.
    pool: PgPool,
    /// For how long a question may be without an answer.
    wait: Duration,
    runtime: Handle,
    gathering: Mutex<Gathering>,
    lives: AtomicU64,
    questions: AtomicU64,
    statements: AtomicU64,
}

/// The questions that are not sent yet.
#[derive(Debug)]
struct Gathering {
    questions: Vec<Question>,
    /// When the oldest of them was asked.
    since: Instant,
    /// Whether somebody is at work, who takes them when the statement under way is answered.
    is_on_duty: bool,
    /// The connection, as long as nobody is.
    line: Option<Line>,
}

#[derive(Debug)]
struct Question {
    data_set: DataSetId,
    answer: oneshot::Sender<Result<(DataVersion, Life), StoreError>>,
}

impl Versions {
    /// Connects when it is first asked, through that pool, which nobody else uses. Works on the current runtime.
    pub(crate) fn new(pool: PgPool, wait: Duration) -> Self {
        let gathering =
            Gathering { questions: Vec::new(), since: Instant::now(), is_on_duty: false, line: None };
        Self(Arc::new(Shared {
            pool,
            wait,
            runtime: Handle::current(),
            gathering: Mutex::new(gathering),
            lives: AtomicU64::default(),
            questions: AtomicU64::default(),
            statements: AtomicU64::default(),
        }))
    }

    /// The state the data set is in, at a moment after the call, and the life that its version belongs to.
    ///
    /// # Errors
    /// If the store fails or falls silent, or does not know the data set.
    pub async fn current(&self, data_set: DataSetId) -> Result<(DataVersion, Life), StoreError> {
        let (answer, answered) = oneshot::channel();
        if let Some(duty) = self.ask(Question { data_set, answer }) {
            self.0.runtime.spawn(duty.do_it());
        }
        answered.await.unwrap_or(Err(StoreError::TaskLost))
    }

    /// Notes a question; the duty to answer it, if nobody has it.
    fn ask(&self, question: Question) -> Option<Duty> {
        self.0.questions.fetch_add(1, Ordering::Relaxed);
        let mut gathering = self.0.gathering();
        if gathering.questions.is_empty() {
            gathering.since = Instant::now();
        }
        gathering.questions.push(question);
        if gathering.is_on_duty {
            return None;
        }
        gathering.is_on_duty = true;
        let line = gathering.line.take();
        drop(gathering);
        Some(Duty::new(Arc::clone(&self.0), line))
    }

    /// How many questions were asked.
    pub fn questions(&self) -> u64 {
        self.0.questions.load(Ordering::Relaxed)
    }

    /// How many statements were sent to answer them.
    pub fn statements(&self) -> u64 {
        self.0.statements.load(Ordering::Relaxed)
    }

    /// Closes the connection; whoever asks from now on is told that the store is not available.
    pub(crate) async fn close(&self) {
        self.0.pool.close().await;
        let line = self.0.gathering().line.take();
        if let Some(line) = line {
            line.close().await;
        }
    }
}

impl Shared {
    fn gathering(&self) -> MutexGuard<'_, Gathering> {
        self.gathering.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_life(&self) -> Life {
        Life(self.lives.fetch_add(1, Ordering::Relaxed))
    }
}
