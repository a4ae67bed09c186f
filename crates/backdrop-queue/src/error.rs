//! What can go wrong with the queue, told apart by what is known of the write.

use redis::RedisError;
use std::sync::Arc;

/// Redis did not do what it was asked for, or gave an answer that makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// It cannot be reached, or refused.
    #[error("the queue is not available")]
    Unavailable(#[source] RedisError),
    /// No connection came free in time.
    #[error("no connection to the queue")]
    NoConnection(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It holds a connection and does not answer.
    #[error("the queue does not answer")]
    NoAnswer,
    /// The store, which remembers epochs, failed.
    #[error("the epoch could not be opened")]
    Ledger(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// An entry or a key holds what it never should: somebody changed it by hand, or there is a fault
    /// of ours.
    #[error("{what} cannot be read")]
    Corrupt {
        /// What cannot be read.
        what: String,
    },
    /// Redis may drop entries on its own when memory is short; it must not be used so.
    #[error("Redis has maxmemory-policy {found}; it must be noeviction, or queued writes can vanish")]
    Evicts {
        /// The policy found.
        found: String,
    },
}

impl QueueError {
    /// What is missing, and what to do about it, for who operates the service. Holds no secrets.
    pub fn explanation(&self) -> String {
        let of_redis = |error: &RedisError| match error.code() {
            Some("WRONGPASS" | "NOAUTH") => "Redis refuses the user or the password of REDIS_URL".into(),
            Some("LOADING") => "Redis is loading its data".into(),
            Some("READONLY" | "MASTERDOWN") => "the Redis at the address of REDIS_URL is a replica".into(),
            Some(code) => format!("Redis refuses, with {code}"),
            None => format!("Redis cannot be reached at the address of REDIS_URL: {error}"),
        };
        match self {
            Self::Unavailable(error) => of_redis(error),
            Self::NoConnection(cause) => {
                let mut causes = std::iter::successors(cause.source(), |cause| cause.source());
                let redis = causes.find_map(|cause| cause.downcast_ref::<RedisError>());
                redis.map_or_else(|| "Redis takes no connection in time".into(), of_redis)
            }
            _ => self.to_string(),
        }
    }
}

impl From<RedisError> for QueueError {
    fn from(error: RedisError) -> Self {
        Self::Unavailable(error)
    }
}

/// Why an append was not confirmed.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The partition holds as much as it may. Nothing was accepted.
    #[error("the queue is full")]
    Full,
    /// The queue cannot be reached or refuses. Nothing was accepted.
    #[error("the queue is not available")]
    Refused(#[source] Arc<QueueError>),
    /// The queue's answer was lost, and could not be had until the deadline: the batch may or may not
    /// have been accepted.
    #[error("the queue's answer was lost")]
    Unknown(#[source] Arc<QueueError>),
}
