//! The pool of connections, and how every connection is set.

use crate::{SaveError, StoreError};
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use std::future::Future;
use std::str::FromStr;
use std::time::Duration;
use tokio::runtime::Handle;

/// A connection that stands still inside a transaction loses it, and the locks it holds, after this: a
/// worker that was stopped in the middle gives its partition back, and cannot commit when it wakes.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(5);
/// How long a statement waits for a lock. No lock is meant to be held longer than one transaction takes.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long sent bytes may stay unacknowledged by the other host before its connection counts as dead.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);

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

/// The store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Database {
    pub(crate) pool: PgPool,
    runtime: Handle,
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
                ("timezone", "UTC".to_owned()),
            ]);
        let pool = PgPoolOptions::new()
            .max_connections(settings.max_connections)
            .acquire_timeout(settings.acquire_timeout)
            .connect_lazy_with(options);
        Ok(Self { pool, runtime: Handle::current() })
    }

    /// Runs work in a task of its own on the runtime the store was made on, and waits for it. Whoever
    /// waits may be cancelled; the work goes on to its end, and so does its transaction.
    ///
    /// # Errors
    /// Those of the work; [`StoreError::Panicked`] or [`StoreError::TaskLost`] if it does not come to its end.
    pub async fn in_task<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        self.runtime.spawn(work).await.unwrap_or_else(|lost| {
            Err(if lost.is_panic() { StoreError::Panicked(lost) } else { StoreError::TaskLost })
        })
    }

    /// The same for work that may also refuse what it is asked for: then it has done nothing.
    pub(crate) async fn save_in_task<T, F>(&self, work: F) -> Result<T, SaveError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, SaveError>> + Send + 'static,
    {
        self.in_task(async move { Ok(work.await) }).await?
    }

    /// Asks for the shortest sign of life.
    ///
    /// # Errors
    /// If none comes.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let pool = self.pool.clone();
        self.in_task(async move {
            sqlx::query("SELECT 1").execute(&pool).await?;
            Ok(())
        })
        .await
    }

    /// Closes all connections, after the work that uses them.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
