//! The pool of connections, and how every connection is set.

use crate::StoreError;
use secrecy::{ExposeSecret, SecretString};
use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use std::future::Future;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Mutex;

/// A connection that stands still inside a transaction loses it, and the locks it holds, after this: a
/// worker that was stopped in the middle gives its partition back, and cannot commit when it wakes.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(5);
/// How long a statement waits for a lock. No lock is meant to be held longer than one transaction takes.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long sent bytes may stay unacknowledged by the other host before its connection counts as dead.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);

/// By how much the limits that Postgres keeps may be overrun before it counts as hanging: it may have ended a statement
/// long ago, but say so late.
const ANSWER_MARGIN: Duration = Duration::from_secs(5);
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

/// The store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Database {
    pub(crate) pool: PgPool,
    runtime: Handle,
    /// After how long whoever waits for work is told that Postgres hangs.
    answer_timeout: Duration,
    /// For signs of life: of its own, so that the answer tells of Postgres and not of who else uses it.
    probe: Arc<Probe>,
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
            .connect_lazy_with(options.clone());
        let answer_timeout = settings.acquire_timeout + settings.statement_timeout + ANSWER_MARGIN;
        let probe = Arc::new(Probe { options, connection: Mutex::default() });
        Ok(Self { pool, runtime: Handle::current(), answer_timeout, probe })
    }

    /// Runs work in a task of its own on the runtime the store was made on, and waits for it. Whoever
    /// waits may be cancelled; the work goes on to its end, and so does its transaction.
    ///
    /// # Errors
    /// Those of the work; [`StoreError::Panicked`] or [`StoreError::TaskLost`] if it does not come to its end;
    /// [`StoreError::NoAnswer`] if Postgres hangs. What becomes of the work is not known then.
    pub async fn in_task<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let working = self.runtime.spawn(work);
        let Ok(ended) = tokio::time::timeout(self.answer_timeout, working).await else {
            return Err(StoreError::NoAnswer);
        };
        ended.unwrap_or_else(|lost| {
            Err(if lost.is_panic() { StoreError::Panicked(lost) } else { StoreError::TaskLost })
        })
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
        let _hanging = tokio::time::timeout(CLOSE_TIMEOUT, self.pool.close()).await;
    }
}

#[derive(Debug)]
struct Probe {
    options: PgConnectOptions,
    connection: Mutex<Option<PgConnection>>,
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
        let connection = PgConnection::connect_with(&self.options).await?;
        *kept = Some(Self::ask_over(connection).await?);
        Ok(())
    }

    /// Also shows whether the database was migrated.
    async fn ask_over(mut connection: PgConnection) -> Result<PgConnection, StoreError> {
        sqlx::query("SELECT version FROM configuration").execute(&mut connection).await?;
        Ok(connection)
    }
}
