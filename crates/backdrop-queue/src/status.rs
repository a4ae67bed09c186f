//! What operators want to know of the queue, and what the services insist on.

use crate::connection::info_field;
use crate::{Queue, QueueError};
use backdrop_core::log::{EntryId, Partition};
use std::collections::HashMap;

/// How durable an accepted batch is before it is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durability {
    /// `always`, `everysec` or `no`; `off` without an append-only file; `unknown` if Redis will not say.
    pub appendfsync: String,
    /// What Redis does when its memory is full.
    pub maxmemory_policy: String,
}

impl Durability {
    /// Refuses a Redis that may drop entries on its own.
    ///
    /// # Errors
    /// If it may; the error tells by which policy.
    pub fn refuse_eviction(&self) -> Result<(), QueueError> {
        refuse_eviction(&self.maxmemory_policy)
    }
}

fn refuse_eviction(policy: &str) -> Result<(), QueueError> {
    if policy == "noeviction" { Ok(()) } else { Err(QueueError::Evicts { found: policy.to_owned() }) }
}

/// How much memory Redis uses.
#[derive(Clone, Copy, Debug)]
pub struct MemoryUse {
    /// Bytes in use.
    pub used_bytes: u64,
    /// Bytes it may use; 0: no bound.
    pub max_bytes: u64,
}

impl MemoryUse {
    /// Whether less than a quarter of the memory is left.
    pub const fn is_short(self) -> bool {
        self.max_bytes > 0 && self.used_bytes > self.max_bytes / 4 * 3
    }
}

impl Queue {
    /// Asks for a sign of life, and whether it may be used as a queue.
    ///
    /// # Errors
    /// If none comes, or it may not; the error tells why.
    pub async fn ping(&self) -> Result<(), QueueError> {
        let mut connection = self.pooled().await?;
        let memory: String = redis::cmd("INFO").arg("memory").query_async(&mut connection).await?;
        refuse_eviction(info_field(&memory, "maxmemory_policy").unwrap_or("unknown"))
    }

    /// How durable the queue is.
    ///
    /// # Errors
    /// If Redis cannot be asked.
    pub async fn durability(&self) -> Result<Durability, QueueError> {
        let mut connection = self.pooled().await?;
        let memory: String = redis::cmd("INFO").arg("memory").query_async(&mut connection).await?;
        let persistence: String = redis::cmd("INFO").arg("persistence").query_async(&mut connection).await?;
        let policy = info_field(&memory, "maxmemory_policy").unwrap_or("unknown").to_owned();
        let appendfsync = if info_field(&persistence, "aof_enabled") == Some("1") {
            // Hosted servers often forbid CONFIG; then it cannot be known.
            let config: Result<HashMap<String, String>, _> =
                redis::cmd("CONFIG").arg("GET").arg("appendfsync").query_async(&mut connection).await;
            config
                .ok()
                .and_then(|config| config.get("appendfsync").cloned())
                .unwrap_or_else(|| "unknown".into())
        } else {
            "off".into()
        };
        Ok(Durability { appendfsync, maxmemory_policy: policy })
    }

    /// The last entry of a partition that was given an id, 0-0 if none ever was.
    ///
    /// # Errors
    /// If Redis cannot be asked.
    pub async fn last_entry(&self, partition: Partition) -> Result<EntryId, QueueError> {
        Ok(self.state(partition).await?.last)
    }
}
