//! The pool of connections, and how every connection is set.
//!
//! **Invariant.** Nobody waits for ever for a connection that has fallen silent: work that nothing has happened
//! to for longer than a statement may run is given up with its connection, and no connection is handed out or
//! taken back without a sign of life. The timeouts of TCP do not tell: something between here and Postgres may
//! acknowledge every byte and pass none on.
//!
//! **Invariant.** Only a primary is talked to: a standby would show what is no longer so, and take nothing.

mod silence;

use crate::{SaveError, StoreError};
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgListener, PgPool, PgPoolOptions};
use sqlx::{Connection, Row};
use std::future::Future;
use std::io::{Error, ErrorKind};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tracing::warn;

/// A connection that stands still inside a transaction loses it, and the locks it holds, after this: a
/// worker that was stopped in the middle gives its partition back, and cannot commit when it wakes.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(5);
/// How long a statement waits for a lock. No lock is meant to be held longer than one transaction takes.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long sent bytes may stay unacknowledged by the other host before its connection counts as dead.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may take to show that it lives, and an answer to come later than Postgres itself would
/// have given the statement up: as long as a busy network and a busy server take together.
const SIGN_OF_LIFE_WITHIN: Duration = Duration::from_secs(2);
/// How long a sign of life may take.
const PING_TIMEOUT: Duration = Duration::from_secs(2);
/// How long closing may wait for connections that are in use: one to a server that hangs is never given back.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

/// How to reach Postgres.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// `postgres://user:password@host:port/database`.
    pub url: SecretString,
    /// The most connections this process opens.
    pub max_connections: u32,
    /// How long a request waits for a free connection.
    pub acquire_timeout: Duration,
    /// How long a statement may run.
    pub statement_timeout: Duration,
    /// What the connections are called in `pg_stat_activity`.
    pub application_name: String,
}

/// How many connections to Postgres there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// Open, and not in use.
    pub idle: u32,
    /// In use.
    pub used: u32,
    /// The most that are opened.
    pub max: u32,
}

/// The store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Database {
    pub(crate) pool: PgPool,
    options: PgConnectOptions,
    /// For how long nothing may happen to work in progress.
    silence: Duration,
    retired: Retired,
    runtime: Handle,
    /// For signs of life: of its own, so that the answer tells of Postgres and not of who else uses it.
    probe: Arc<Probe>,
}

/// When something showed last that connections cannot be relied on: the server takes no writes any more, or work was
/// given up, perhaps while it began a transaction. Those that are older are not used again.
#[derive(Clone, Debug, Default)]
struct Retired(Arc<Mutex<Option<Instant>>>);

impl Database {
    /// Prepares a pool without connecting: what needs a connection waits for one, or fails as
    /// [`StoreError::Unavailable`].
    ///
    /// # Errors
    /// If the URL cannot be read.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(settings: &DatabaseSettings) -> Result<Self, StoreError> {
        let millis = |duration: Duration| duration.as_millis().to_string();
        let options = PgConnectOptions::from_str(settings.url.expose_secret())?
            .application_name(&settings.application_name)
            .options([
                ("statement_timeout", millis(settings.statement_timeout)),
                ("lock_timeout", millis(LOCK_TIMEOUT)),
                ("idle_in_transaction_session_timeout", millis(IDLE_IN_TRANSACTION)),
                ("tcp_user_timeout", millis(TCP_USER_TIMEOUT)),
                ("timezone", "UTC".to_owned()),
            ]);
        let retired = Retired::default();
        let pool = pool_options(&retired)
            // One connection is the listener's.
            .max_connections(settings.max_connections.saturating_sub(1).max(1))
            .acquire_timeout(settings.acquire_timeout)
            .connect_lazy_with(options.clone());
        // Postgres gives up a statement, and the pool the search for a connection, in their time.
        let silence = settings.statement_timeout.max(settings.acquire_timeout) + SIGN_OF_LIFE_WITHIN;
        let probe = Arc::new(Probe { options: options.clone(), connection: tokio::sync::Mutex::default() });
        Ok(Self { pool, options, silence, retired, runtime: Handle::current(), probe })
    }

    /// A connection that listens. Not of the pool: when a listener ends, sqlx 0.9.0 has its connection stop
    /// listening, and waits for that without bound.
    pub(crate) async fn listen(&self, channel: &str) -> Result<PgListener, StoreError> {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(self.pool.options().get_acquire_timeout())
            .connect_lazy_with(self.options.clone());
        let listening = async {
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.listen(channel).await?;
            Ok(listener)
        };
        silence::give_up_after(self.silence, listening, || ()).await
    }

    /// Runs work in a task of its own on the runtime the store was made on, and waits for it. Whoever
    /// waits may be cancelled; the work goes on to its end, and so does its transaction. If nothing happens to it
    /// for longer than a statement may run, it is given up.
    ///
    /// # Errors
    /// Those of the work; [`StoreError::Panicked`] or [`StoreError::TaskLost`] if it does not come to its end;
    /// [`StoreError::NoAnswer`] if it is given up. Whether it was committed is not known then.
    pub async fn in_task<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let retired = self.retired.clone();
        let work = silence::give_up_after(self.silence, work, move || retired.note());
        let result = self.runtime.spawn(work).await.unwrap_or_else(|lost| {
            Err(if lost.is_panic() { StoreError::Panicked(lost) } else { StoreError::TaskLost })
        });
        if result.as_ref().is_err_and(StoreError::is_of_standby) {
            self.retired.note();
        }
        result
    }

    /// Like [`in_task`](Self::in_task), for who is in such a task already.
    pub(crate) fn unless_silent<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> impl Future<Output = Result<T, StoreError>> {
        silence::give_up_after(self.silence, work, || self.retired.note())
    }

    /// The same for work that may also refuse what it is asked for: then it has done nothing.
    pub(crate) async fn save_in_task<T, F>(&self, work: F) -> Result<T, SaveError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, SaveError>> + Send + 'static,
    {
        self.in_task(async move { Ok(work.await) }).await?
    }

    /// How many connections there are just now; asks nobody.
    pub fn connections(&self) -> Connections {
        // The two are read one after the other, so that one may be idle that is not counted yet.
        let idle = u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX);
        let used = self.pool.size().saturating_sub(idle);
        Connections { idle, used, max: self.pool.options().get_max_connections() }
    }

    /// Asks for the shortest sign of life, over a connection of its own.
    ///
    /// # Errors
    /// If none comes; the error tells why.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let probe = Arc::clone(&self.probe);
        let asked = async move { tokio::time::timeout(PING_TIMEOUT, probe.ask()).await };
        self.in_task(async move { asked.await.unwrap_or(Err(StoreError::NoAnswer)) }).await
    }

    /// Closes all connections, after the work that uses them, if that ends soon.
    pub async fn close(&self) {
        if tokio::time::timeout(CLOSE_TIMEOUT, self.pool.close()).await.is_err() {
            warn!("connections to the store could not be closed in time");
        }
    }
}

#[derive(Debug)]
struct Probe {
    options: PgConnectOptions,
    connection: tokio::sync::Mutex<Option<PgConnection>>,
}

impl Probe {
    async fn ask(&self) -> Result<(), StoreError> {
        let mut kept = self.connection.lock().await;
        // Taken out while it is used: whoever gives up in the middle leaves none behind.
        if let Some(connection) = kept.take()
            && let Ok(connection) = Self::ask_over(connection).await
        {
            *kept = Some(connection);
            return Ok(());
        }
        // Lost, perhaps by a restart that is over.
        let mut connection = PgConnection::connect_with(&self.options).await?;
        refuse_standby(&mut connection).await?;
        *kept = Some(Self::ask_over(connection).await?);
        Ok(())
    }

    /// Also shows whether the database was migrated.
    async fn ask_over(mut connection: PgConnection) -> Result<PgConnection, StoreError> {
        sqlx::query("SELECT version FROM configuration").execute(&mut connection).await?;
        Ok(connection)
    }
}

impl Retired {
    fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether a connection of that age is not to be used again.
    fn concerns(&self, age: Duration) -> bool {
        let noted = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.is_some_and(|noted| noted.elapsed() <= age)
    }
}

/// How connections are begun, handed out and taken back.
fn pool_options(retired: &Retired) -> PgPoolOptions {
    let (before, after) = (retired.clone(), retired.clone());
    PgPoolOptions::new()
        .after_connect(|connection, _| Box::pin(refuse_standby(connection)))
        // The pool's own test has no bound.
        .test_before_acquire(false)
        .before_acquire(move |connection, about| {
            let is_old = before.concerns(about.age);
            Box::pin(async move { if is_old { Ok(false) } else { is_alive(connection).await } })
        })
        // The pool tests once more by itself, without bound: held is only what falls silent in that very moment.
        .after_release(move |connection, about| {
            let is_old = after.concerns(about.age);
            Box::pin(async move { if is_old { Ok(false) } else { is_alive(connection).await } })
        })
}

/// The pool waits, and connects again, until it reaches a primary or its time is up.
async fn refuse_standby(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    // As plain text: one question and one answer.
    let row = sqlx::raw_sql("SELECT pg_is_in_recovery()").fetch_one(connection).await?;
    let is_standby: bool = row.try_get(0)?;
    if is_standby {
        let message = "the server is a standby, which takes no writes and may lag";
        return Err(Error::new(ErrorKind::ReadOnlyFilesystem, message).into());
    }
    Ok(())
}

/// Whether a connection shows a sign of life in time; an error if not.
pub(crate) async fn is_alive(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    match tokio::time::timeout(SIGN_OF_LIFE_WITHIN, connection.ping()).await {
        Ok(answered) => answered.map(|()| true),
        Err(_) => Err(Error::new(ErrorKind::TimedOut, "the connection is silent").into()),
    }
}
