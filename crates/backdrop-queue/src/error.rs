//! What can go wrong with the queue, told apart by what is known of the write.

use redis::RedisError;

/// Redis did not do what it was asked for, or gave an answer that makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// It cannot be reached, or refused.
    #[error("the queue is not available")]
    Unavailable(#[source] RedisError),
    /// No connection came free in time.
    #[error("no connection to the queue")]
    NoConnection(#[source] Box<dyn std::error::Error + Send + Sync>),
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
    Refused(#[source] QueueError),
    /// The queue's answer was lost, and could not be had until the deadline: the batch may or may not
    /// have been accepted.
    #[error("the queue's answer was lost")]
    Unknown(#[source] QueueError),
}
