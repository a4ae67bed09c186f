//! The pool of connections, and how every connection is set.
//!
//! **Invariant.** Nobody waits for ever for a connection that has fallen silent: work that nothing has happened
//! to for longer than a statement may run is given up with its connection, and no connection is handed out or
//! taken back without a sign of life, unless it has given its last just before. The timeouts of TCP do not tell: something
//! between here and Postgres may acknowledge every byte and pass none on.
//!
//! **Invariant.** Only a primary is talked to: a standby would show what is no longer so, and take nothing.

mod connections;
mod kept;
mod probe;
mod silence;

pub(crate) use connections::{SIGN_OF_LIFE_WITHIN, is_alive, standby};
pub(crate) use kept::Kept;

use crate::versions::Versions;
use crate::{SaveError, StoreError};
use connections::{Retired, one_by_one, pool_options};
use probe::Probe;
use secrecy::{ExposeSecret, SecretString};
use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgListener, PgPool, PgPoolOptions};
use std::future::Future;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tracing::warn;

/// A connection that stands still inside a transaction loses it, and the locks it holds, after this: a
/// worker that was stopped in the middle gives its partition back, and cannot commit when it wakes.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(5);
/// How long a statement waits for a lock. No lock is meant to be held longer than one transaction takes.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long sent bytes may stay unacknowledged by the other host before its connection counts as dead.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);
/// After how much silence Postgres looks whether we are still there, so that nobody between us forgets the connection.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
/// How many connections listen, besides those of the pool.
const LISTENING: u32 = 1;
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

/// How many connections to Postgres there are, but for the ones that ask for signs of life and for versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// Open, and not in use.
    pub idle: u32,
    /// In use; one of them always is, to listen.
    pub used: u32,
    /// The most that are opened.
    pub max: u32,
}

/// The store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Database {
    pub(crate) pool: PgPool,
    options: Arc<PgConnectOptions>,
    /// For how long nothing may happen to work in progress.
    silence: Duration,
    retired: Retired,
    runtime: Handle,
    probe: Arc<Probe>,
    versions: Versions,
}

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
                ("tcp_keepalives_idle", KEEPALIVE_IDLE.as_secs().to_string()),
                ("timezone", "UTC".to_owned()),
            ]);
        let retired = Retired::default();
        let pool = pool_options(&retired)
            .max_connections(settings.max_connections.saturating_sub(LISTENING).max(1))
            .acquire_timeout(settings.acquire_timeout)
            .connect_lazy_with(options.clone());
        // Postgres gives up a statement, and the pool the search for a connection, in their time.
        let silence = settings.statement_timeout.max(settings.acquire_timeout) + SIGN_OF_LIFE_WITHIN;
        let probe = Arc::new(Probe::new(options.clone()));
        let wait = settings.acquire_timeout;
        // Always the same question, for other data sets; left to itself Postgres plans it anew each time, since it sees
        // how many they are, and that takes longer than to answer it.
        let planned_once = options.clone().options([("plan_cache_mode", "force_generic_plan")]);
        let versions =
            Versions::new(one_by_one().acquire_timeout(wait).connect_lazy_with(planned_once), wait);
        let options = Arc::new(options);
        Ok(Self { pool, options, silence, retired, runtime: Handle::current(), probe, versions })
    }

    /// A connection that listens. Not of the pool: when a listener ends, sqlx 0.9.0 has its connection stop
    /// listening, and waits for that without bound.
    pub(crate) async fn listen(&self, channel: &str) -> Result<PgListener, StoreError> {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(self.pool.options().get_acquire_timeout())
            .connect_lazy_with((*self.options).clone());
        let listening = async {
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.listen(channel).await?;
            Ok(listener)
        };
        silence::give_up_after(self.silence, listening, || ()).await
    }

    /// A connection that is not of the pool, for work that must not keep queries waiting for one.
    pub(crate) async fn connect_apart(
        &self,
        statement_timeout: Duration,
    ) -> Result<PgConnection, StoreError> {
        let timeout = [("statement_timeout", statement_timeout.as_millis().to_string())];
        let options = (*self.options).clone().options(timeout);
        let within = self.pool.options().get_acquire_timeout();
        let connecting = async {
            let mut connection = PgConnection::connect_with(&options).await?;
            connections::refuse_standby(&mut connection).await?;
            Ok(connection)
        };
        tokio::time::timeout(within, connecting).await.unwrap_or(Err(StoreError::NoAnswer))
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
        let used = self.pool.size().saturating_sub(idle) + LISTENING;
        Connections { idle, used, max: self.pool.options().get_max_connections() + LISTENING }
    }

    /// Asks which state data sets are in, over a connection of its own.
    pub const fn versions(&self) -> &Versions {
        &self.versions
    }

    /// Asks for the shortest sign of life, over a connection of its own.
    ///
    /// # Errors
    /// If none comes; the error tells why.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let probe = Arc::clone(&self.probe);
        self.in_task(async move { probe.ask().await }).await
    }

    /// Closes all connections, after the work that uses them, if that ends soon.
    pub async fn close(&self) {
        let close = async {
            self.versions.close().await;
            self.pool.close().await;
        };
        if tokio::time::timeout(CLOSE_TIMEOUT, close).await.is_err() {
            warn!("connections to the store could not be closed in time");
        }
    }
}
