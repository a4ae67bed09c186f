//! How connections are begun, handed out and taken back.

use sqlx::postgres::{PgConnection, PgPoolOptions};
use sqlx::{Connection, Row};
use std::io::{Error, ErrorKind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a connection may take to show that it lives, and an answer to come later than Postgres itself would
/// have given the statement up: as long as a busy network and a busy server take together.
pub(crate) const SIGN_OF_LIFE_WITHIN: Duration = Duration::from_secs(2);

/// For how long the last answer counts as a sign of life: for longer than reading and validating the next run takes.
pub(super) const FRESH_FOR: Duration = Duration::from_millis(50);

/// When something showed last that connections cannot be relied on: the server takes no writes any more, or work was
/// given up, perhaps while it began a transaction. Those that are older are not used again.
#[derive(Clone, Debug, Default)]
pub(super) struct Retired(Arc<Mutex<Option<Instant>>>);

impl Retired {
    pub(super) fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether a connection of that age is not to be used again.
    pub(super) fn concerns(&self, age: Duration) -> bool {
        let noted = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.is_some_and(|noted| noted.elapsed() <= age)
    }
}

/// A pool that is yet to be told how many connections it may have.
pub(super) fn pool_options(retired: &Retired) -> PgPoolOptions {
    let (before, after) = (retired.clone(), retired.clone());
    PgPoolOptions::new()
        .after_connect(|connection, _| Box::pin(refuse_standby(connection)))
        // The pool's own test has no bound.
        .test_before_acquire(false)
        .before_acquire(move |connection, about| {
            let (is_old, is_fresh) = (before.concerns(about.age), about.idle_for < FRESH_FOR);
            Box::pin(async move {
                match (is_old, is_fresh) {
                    (true, _) => Ok(false),
                    // It gave a sign of life when it was taken back.
                    (false, true) => Ok(true),
                    (false, false) => is_alive(connection).await,
                }
            })
        })
        // The pool tests once more by itself, without bound: held is only what falls silent in that very moment.
        .after_release(move |connection, about| {
            let is_old = after.concerns(about.age);
            Box::pin(async move { if is_old { Ok(false) } else { is_alive(connection).await } })
        })
}

/// A pool whose connections are taken out of it for good.
pub(super) fn one_by_one() -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(1)
        .after_connect(|connection, _| Box::pin(refuse_standby(connection)))
}

/// The pool waits, and connects again, until it reaches a primary or its time is up.
pub(super) async fn refuse_standby(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    // As plain text: one question and one answer.
    let row = sqlx::raw_sql("SELECT pg_is_in_recovery()").fetch_one(connection).await?;
    let is_standby: bool = row.try_get(0)?;
    if is_standby { Err(standby()) } else { Ok(()) }
}

/// Why a connection is not used that leads to a standby.
pub(crate) fn standby() -> sqlx::Error {
    let message = "the server is a standby, which takes no writes and may lag";
    Error::new(ErrorKind::ReadOnlyFilesystem, message).into()
}

/// Whether a connection shows a sign of life in time; an error if not.
pub(crate) async fn is_alive(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    match tokio::time::timeout(SIGN_OF_LIFE_WITHIN, connection.ping()).await {
        Ok(answered) => answered.map(|()| true),
        Err(_) => Err(Error::new(ErrorKind::TimedOut, "the connection is silent").into()),
    }
}
