//! Which state a data set is in now: asked of the primary for every query, and shared by all who ask together.
//!
//! Questions are asked at a *desk*. Each has a connection of its own, which carries one statement at a time; who asks
//! while a statement is under way is answered by the next one. Threads that serve requests have desks of their own, as
//! far as there are enough: there no question and no answer goes from one thread to another.
//!
//! **Invariant.** An answer is of a statement that was sent after the question was asked. So a write that was
//! acknowledged before a query came is always seen by it.
//!
//! **Invariant.** Nobody waits for longer than the services wait for a connection: a server that has fallen silent
//! costs the connection, and one attempt to reach it anew is that of all who ask at the desk.

mod duty;
mod life;
mod line;

use crate::StoreError;
use crate::reader::DataVersion;
use backdrop_core::data_set::DataSetId;
use duty::Duty;
pub use life::Life;
use life::Lives;
use line::Line;
use sqlx::postgres::PgPool;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Asks which state data sets are in. Cheap to clone; clones ask at the same desk.
#[derive(Clone, Debug)]
pub struct Versions(Arc<Desk>);

/// Where questions are put together.
#[derive(Debug)]
struct Desk {
    common: Arc<Common>,
    runtime: Handle,
    gathering: Mutex<Gathering>,
}

/// What all desks have in common.
#[derive(Debug)]
struct Common {
    /// Where connections come from; each is taken out for good.
    pool: PgPool,
    /// For how long a question may be without an answer.
    wait: Duration,
    lives: Lives,
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
        let (questions, statements) = (AtomicU64::default(), AtomicU64::default());
        let common = Common { pool, wait, lives: Lives::default(), questions, statements };
        Self(Arc::new(Desk::new(Arc::new(common))))
    }

    /// Another desk, which works on the current runtime.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn at_another_desk(&self) -> Self {
        Self(Arc::new(Desk::new(Arc::clone(&self.0.common))))
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
        self.0.common.questions.fetch_add(1, Ordering::Relaxed);
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

    /// How many questions were asked, at all desks.
    pub fn questions(&self) -> u64 {
        self.0.common.questions.load(Ordering::Relaxed)
    }

    /// How many statements were sent to answer them.
    pub fn statements(&self) -> u64 {
        self.0.common.statements.load(Ordering::Relaxed)
    }

    /// Closes the connection of this desk, and opens no more for any: whoever needs one from now on is told that the
    /// store is not available.
    pub(crate) async fn close(&self) {
        self.0.common.pool.close().await;
        let line = self.0.gathering().line.take();
        if let Some(line) = line {
            line.close().await;
        }
    }
}

impl Desk {
    fn new(common: Arc<Common>) -> Self {
        let gathering =
            Gathering { questions: Vec::new(), since: Instant::now(), is_on_duty: false, line: None };
        Self { common, runtime: Handle::current(), gathering: Mutex::new(gathering) }
    }

    fn gathering(&self) -> MutexGuard<'_, Gathering> {
        self.gathering.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
