//! What waits to be applied: how many entries, how many bytes, and since when the oldest does.

use crate::keys;
use crate::reader::range_start;
use crate::{Queue, QueueError};
use backdrop_core::log::{Cursor, Partition};
use redis::Script;
use std::time::Duration;

/// Measures what lies above the cursor. Entries are counted epoch by epoch, by their numbers, which have no holes; a
/// record may be large, so few entries are touched. The age is by the clock that also wrote when an entry was
/// accepted. KEYS: log, marker. ARGV: cursor, or '' for the one that workers have told of.
const WAITING: &str = r"
local marker = redis.call('HMGET', KEYS[2], 'appended', 'applied', 'cursor')
local bytes = tonumber(marker[1] or '0') - tonumber(marker[2] or '0')
local after = ARGV[1]
if after == '' then after = marker[3] end
if not after then return {'', string.format('%.0f', bytes), ''} end
local entries, age = 0, ''
local first = redis.call('XRANGE', KEYS[1], '(' .. after, '+', 'COUNT', 1)[1]
while first do
    if age == '' then
        local time = redis.call('TIME')
        for i = 1, #first[2], 2 do
            if first[2][i] == 'accepted_at' then
                age = string.format('%.0f', time[1] * 1000000 + time[2] - tonumber(first[2][i + 1]))
            end
        end
    end
    local epoch, n = string.match(first[1], '^(%d+)-(%d+)$')
    local last = redis.call('XREVRANGE', KEYS[1], epoch .. '-18446744073709551615', first[1], 'COUNT', 1)[1]
    entries = entries + tonumber(string.match(last[1], '%d+$')) - tonumber(n) + 1
    first = redis.call('XRANGE', KEYS[1], '(' .. epoch .. '-18446744073709551615', '+', 'COUNT', 1)[1]
end
return {string.format('%.0f', entries), string.format('%.0f', bytes), age}
";

/// What waits in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Entries above the cursor; `None` if nobody knows the cursor.
    pub entries: Option<u64>,
    /// Bytes that count against the partition's bound, as far as workers have told.
    pub bytes: u64,
    /// How long ago the oldest of them was accepted; `None` if none waits.
    pub oldest_age: Option<Duration>,
}

impl Queue {
    /// What waits in these partitions, in two round trips. Who does not know a cursor gets what lies above the one
    /// that workers have told the queue of.
    ///
    /// # Errors
    /// If Redis cannot be asked.
    pub async fn waiting(
        &self,
        partitions: &[(Partition, Option<Cursor>)],
    ) -> Result<Vec<(Partition, Waiting)>, QueueError> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let script = Script::new(WAITING);
        let mut pipe = redis::pipe();
        for (partition, cursor) in partitions {
            pipe.cmd("EVALSHA").arg(script.get_hash()).arg(2);
            pipe.arg(keys::log(*partition)).arg(keys::marker(*partition));
            pipe.arg(cursor.map(range_start).unwrap_or_default());
        }
        let mut connection = self.pooled().await?;
        // Costs little, and a server that was started again knows it no more.
        script.load_async(&mut connection).await?;
        let answers: Vec<(String, String, String)> = pipe.query_async(&mut connection).await?;
        let waiting = answers.into_iter().map(|(entries, bytes, age)| Waiting {
            entries: entries.parse().ok(),
            // A worker tells of entries that are appended meanwhile.
            bytes: bytes.parse().unwrap_or(0),
            oldest_age: age.parse().ok().map(Duration::from_micros),
        });
        Ok(partitions.iter().map(|(partition, _)| *partition).zip(waiting).collect())
    }
}
