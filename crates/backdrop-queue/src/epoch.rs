//! Opening an epoch: the orchestration between Redis, which holds the marker, and the ledger, which
//! remembers the numbers. What is decided, and why, stands in `backdrop_core::log`.

use crate::keys;
use crate::{Queue, QueueError};
use backdrop_core::log::{
    EntryId, EpochDecision, EpochLedger, EpochMarker, EpochOpening, Partition, QueueState, decide_epoch,
};
use redis::Script;
use tracing::{info, warn};

/// What the server says of a partition, at one moment. KEYS: log, marker.
const STATE: &str = r"
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local marker = redis.call('HMGET', KEYS[2], 'epoch', 'run_id')
local last = '0-0'
if redis.call('EXISTS', KEYS[1]) == 1 then
    local info = redis.call('XINFO', 'STREAM', KEYS[1])
    for i = 1, #info, 2 do
        if info[i] == 'last-generated-id' then last = info[i + 1] end
    end
end
return {run_id, marker[1] or '', marker[2] or '', last}
";

/// Raises the marker, and never lowers it; only on the server whose state was looked at, since connections may lead to
/// different ones while a replica takes over. KEYS: log, marker. ARGV: epoch, run id. Also without memory left: what the
/// log holds must be applied to make room, and is not read before.
const RAISE: &str = r"#!lua flags=allow-oom
if string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') ~= ARGV[2] then
    return redis.error_reply('MOVED_ON the server is another one by now')
end
local current = tonumber(redis.call('HGET', KEYS[2], 'epoch') or '0')
if tonumber(ARGV[1]) <= current then
    return 0
end
redis.call('HSET', KEYS[2], 'epoch', ARGV[1], 'run_id', ARGV[2])
redis.call('HDEL', KEYS[2], 'n')
if redis.call('HEXISTS', KEYS[2], 'appended') == 0 then
    -- The marker was lost: what the log still holds counts as waiting until a worker says otherwise.
    local appended = '0'
    local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
    if last then
        for i = 1, #last[2], 2 do
            if last[2][i] == 'appended' then appended = last[2][i + 1] end
        end
    end
    redis.call('HSET', KEYS[2], 'appended', appended, 'applied', '0')
end
return 1
";

impl Queue {
    /// Makes sure that appends to the partition are accepted, and gives the epoch in which: the one that
    /// is open for this life of the server, or a new one. `acknowledged` is the highest id that the
    /// caller was given.
    ///
    /// Runs in a task of its own, because a transaction that is given up half-way would leave the
    /// partition's row locked until Postgres ends it.
    ///
    /// # Errors
    /// If Redis or the ledger cannot be asked; then nothing was opened, or it is simply opened again.
    pub async fn open_epoch<L: EpochLedger>(
        &self,
        ledger: &L,
        partition: Partition,
        acknowledged: Option<EntryId>,
    ) -> Result<u64, QueueError> {
        let (queue, ledger) = (self.clone(), ledger.clone());
        let opening = async move { queue.open(&ledger, partition, acknowledged).await };
        tokio::spawn(opening).await.unwrap_or_else(|lost| Err(QueueError::Ledger(lost.into())))
    }

    async fn open<L: EpochLedger>(
        &self,
        ledger: &L,
        partition: Partition,
        acknowledged: Option<EntryId>,
    ) -> Result<u64, QueueError> {
        let failed = |error: L::Error| QueueError::Ledger(error.into());
        // First without the lock: if Redis is away, nobody need wait.
        self.state(partition).await?;
        let opening = ledger.begin_opening(partition).await.map_err(failed)?;
        let state = self.state(partition).await?;
        let decision = decide_epoch(opening.state(), &state, acknowledged);
        let cursor = opening.state().cursor;
        if let EpochDecision::Open { epoch, .. } = decision {
            // Before the commit, and so before anybody else can look: a server without the marker of an
            // epoch that was opened has lost it. If the commit fails, whoever comes next adopts the epoch;
            // nothing can have been appended in it, since only a commit lets anybody append.
            self.raise_marker(partition, epoch, &state.run_id).await?;
        }
        opening.finish(decision, &state, acknowledged).await.map_err(failed)?;
        let (epoch, last) = (decision.epoch(), state.last);
        match decision {
            EpochDecision::Adopt { .. } => info!(%partition, epoch, "adopted epoch"),
            EpochDecision::Open { went_back: false, .. } => {
                info!(%partition, epoch, %last, %cursor, "opened epoch");
            }
            EpochDecision::Open { went_back: true, .. } => {
                warn!(%partition, epoch, %last, %cursor, "opened epoch: the queue has lost its memory");
            }
        }
        Ok(decision.epoch())
    }

    /// What the server says of a partition.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub async fn state(&self, partition: Partition) -> Result<QueueState, QueueError> {
        read_state(&mut self.pooled().await?, partition).await
    }

    async fn raise_marker(&self, partition: Partition, epoch: u64, run_id: &str) -> Result<(), QueueError> {
        let _raised: i64 = Script::new(RAISE)
            .key(keys::log(partition))
            .key(keys::marker(partition))
            .arg(epoch)
            .arg(run_id)
            .invoke_async(&mut self.pooled().await?)
            .await?;
        Ok(())
    }
}

/// Asks a server over this connection what it says of a partition.
pub(crate) async fn read_state(
    connection: &mut impl redis::aio::ConnectionLike,
    partition: Partition,
) -> Result<QueueState, QueueError> {
    let (run_id, epoch, marker_run_id, last): (String, String, String, String) = Script::new(STATE)
        .key(keys::log(partition))
        .key(keys::marker(partition))
        .invoke_async(connection)
        .await?;
    let corrupt = |what: &str| QueueError::Corrupt { what: format!("the {what} of partition {partition}") };
    let marker = if epoch.is_empty() {
        None
    } else {
        let epoch = epoch.parse().map_err(|_| corrupt("marker"))?;
        Some(EpochMarker { epoch, run_id: marker_run_id })
    };
    Ok(QueueState { run_id, marker, last: last.parse().map_err(|_| corrupt("last id"))? })
}
