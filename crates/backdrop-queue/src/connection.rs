//! Connections to Redis, of three kinds: a shared one for appends ([`Appender`](crate::Appender)), one
//! per reader of a partition, and a pool for everything else.

use crate::QueueError;
use crate::primary::refuse_replica;
use deadpool_redis::{Hook, HookError, Manager, Pool, Runtime};
use redis::aio::{AsyncPushSender, MultiplexedConnection, SendError};
use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, PushInfo, PushKind,
};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long Redis may take to answer a command that does not block.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a caller waits for a connection of the pool.
const POOL_WAIT: Duration = Duration::from_secs(2);

/// How to reach Redis.
#[derive(Clone, Debug)]
pub struct QueueSettings {
    /// `redis://:password@host:port`, or `rediss://` for TLS.
    pub url: SecretString,
    /// The most connections of the pool.
    pub max_connections: usize,
    /// How many bytes of batches a partition may hold that are not applied yet.
    pub partition_bytes_max: u64,
}

/// The queue. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    pub(crate) client: Arc<Client>,
    pool: Pool,
    pub(crate) partition_bytes_max: u64,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the client: its address holds the password.
        f.debug_struct("Queue")
            .field("partition_bytes_max", &self.partition_bytes_max)
            .finish_non_exhaustive()
    }
}

impl Queue {
    /// Prepares the connections without connecting.
    ///
    /// # Errors
    /// If the URL cannot be read.
    pub fn new(settings: &QueueSettings) -> Result<Self, QueueError> {
        let info = with_resp3(settings.url.expose_secret().into_connection_info()?);
        let client = Client::open(info.clone())?;
        let manager = Manager::new_with_config(info, connection_config(RESPONSE_TIMEOUT))?;
        let pool = Pool::builder(manager)
            .max_size(settings.max_connections)
            .wait_timeout(Some(POOL_WAIT))
            .create_timeout(Some(CONNECT_TIMEOUT))
            .recycle_timeout(Some(RESPONSE_TIMEOUT))
            .runtime(Runtime::Tokio1)
            .post_create(to_primary())
            .post_recycle(to_primary())
            .build()
            .map_err(|error| QueueError::NoConnection(error.into()))?;
        Ok(Self { client: Arc::new(client), pool, partition_bytes_max: settings.partition_bytes_max })
    }

    /// A connection of the pool.
    pub(crate) async fn pooled(&self) -> Result<deadpool_redis::Connection, QueueError> {
        self.pool.get().await.map_err(|error| QueueError::NoConnection(error.into()))
    }

    /// A connection of the caller's own, that tells when it is lost and which life of the server it
    /// leads to.
    pub(crate) async fn connect(&self, response_timeout: Duration) -> Result<Link, QueueError> {
        let is_lost = Arc::new(AtomicBool::new(false));
        let config = connection_config(response_timeout).set_push_sender(OnDisconnect(Arc::clone(&is_lost)));
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        let run_id = refuse_replica(&mut connection).await?;
        Ok(Link { connection, run_id: run_id.into(), is_lost })
    }
}

/// A connection and the life of the server at its other end. A connection never outlives that life, so
/// the run id is read once.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) connection: MultiplexedConnection,
    pub(crate) run_id: Arc<str>,
    is_lost: Arc<AtomicBool>,
}

impl Link {
    /// Whether the connection is known to be gone, so that whatever would be sent now surely does not
    /// arrive.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Acquire)
    }

    /// Whether both are the same connection.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.is_lost, &other.is_lost)
    }
}

struct OnDisconnect(Arc<AtomicBool>);

impl AsyncPushSender for OnDisconnect {
    fn send(&self, info: PushInfo) -> Result<(), SendError> {
        if info.kind == PushKind::Disconnection {
            self.0.store(true, Ordering::Release);
        }
        Ok(())
    }
}

/// RESP3 is what tells a disconnection.
fn with_resp3(info: ConnectionInfo) -> ConnectionInfo {
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    info.set_redis_settings(settings)
}

fn connection_config(response_timeout: Duration) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(response_timeout))
}

pub(crate) const APPEND_RESPONSE_TIMEOUT: Duration = RESPONSE_TIMEOUT;

/// The pool hands out connections to a primary, and closes others.
fn to_primary() -> Hook {
    Hook::async_fn(|connection, _| {
        Box::pin(async {
            match refuse_replica(connection).await {
                Ok(_run_id) => Ok(()),
                Err(QueueError::Unavailable(error)) => Err(HookError::Backend(error)),
                Err(error) => Err(HookError::message(error.to_string())),
            }
        })
    })
}

/// A field of an answer to `INFO`.
pub(crate) fn info_field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim_end)
}
