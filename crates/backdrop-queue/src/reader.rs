//! Reading a partition in order, from the store's cursor on.

use crate::announcements::Announcer;
use crate::connection::{Link, info_field};
use crate::epoch::read_state;
use crate::keys::{self, field};
use crate::primary::script_that_knows_replicas;
use crate::{Queue, QueueError};
use backdrop_core::ingest::ReceivedEntry;
use backdrop_core::log::{Cursor, EntryId, EpochMarker, Partition};
use backdrop_core::time::Timestamp;
use redis::streams::{StreamReadOptions, StreamReadReply};
use redis::{AsyncCommands, Script, Value};
use std::time::Duration;

/// Reads entries above the cursor, and the marker with them. One by one, so that their size is known before the next is
/// taken; but once the log's own count says that there is room for all that is left, that is read in one go.
/// KEYS: log, marker. ARGV: cursor, most entries, most bytes.
const READ: &str = r"
if is_replica() then return refused() end
local marker = redis.call('HMGET', KEYS[2], 'epoch', 'run_id', 'n', 'appended')
local most, room = tonumber(ARGV[2]), tonumber(ARGV[3])
local entries = {}
local after, count = ARGV[1], 1
while #entries < most and room > 0 do
    local read = redis.call('XRANGE', KEYS[1], '(' .. after, '+', 'COUNT', count)
    for i = 1, #read do entries[#entries + 1] = read[i] end
    if #read < count or count > 1 then break end
    after = read[1][1]
    local left = -1
    for i = 1, #read[1][2], 2 do
        local name, value = read[1][2][i], read[1][2][i + 1]
        room = room - #value
        if name == 'appended' then left = tonumber(marker[4] or '-1') - (tonumber(value) or 0) end
    end
    if left >= 0 and left <= room then count = math.max(1, most - #entries) end
end
return {marker[1] or '', marker[2] or '', marker[3] or '', entries}
";

/// Tells how far the log is applied, for its bound in bytes. KEYS: log, marker. ARGV: cursor; the `appended` of the
/// entry there, or '' if it is not known: then it is found out; and '' if who knows of more is to be believed. Also
/// without memory left, because only what is applied can be trimmed.
const REPORT_APPLIED: &str = r"#!lua flags=allow-oom
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
local applied = ARGV[2]
if applied == '' then
    local next = redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', 1)[1]
    if not next then
        applied = redis.call('HGET', KEYS[2], 'appended') or '0'
    else
        local fields = {}
        for i = 1, #next[2], 2 do fields[next[2][i]] = next[2][i + 1] end
        applied = string.format('%.0f', tonumber(fields.appended) - #fields.envelope - #fields.records)
    end
end
if ARGV[3] == '' and tonumber(applied) < tonumber(redis.call('HGET', KEYS[2], 'applied') or '0') then return 0 end
redis.call('HSET', KEYS[2], 'applied', applied, 'cursor', ARGV[1])
return 1
";

/// Longer than any blocking read, so that it is Redis that ends the wait.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// How much to read at once.
#[derive(Clone, Copy, Debug)]
pub struct ReadBounds {
    /// The most entries.
    pub entries: usize,
    /// Bytes after which no further entry is taken; the last one may go beyond.
    pub bytes: usize,
}

/// What was read.
#[derive(Debug)]
pub enum ReadResult {
    /// The next entries, at least one.
    Entries(Vec<ReceivedEntry>),
    /// There is none yet, and none can come before this cursor any more: the log is open in its epoch.
    Drained(Cursor),
    /// The log is not open for this life of the server, or has forgotten what was applied: an epoch must be opened.
    NotOpen,
}

/// Reads one partition, over a connection of its own.
pub struct PartitionReader {
    pub(crate) partition: Partition,
    pub(crate) link: Link,
    read: Script,
    report_applied: Script,
}

impl std::fmt::Debug for PartitionReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PartitionReader").field("partition", &self.partition).finish_non_exhaustive()
    }
}

impl Queue {
    /// Connects to read a partition.
    ///
    /// # Errors
    /// If Redis cannot be reached.
    pub async fn reader(&self, partition: Partition) -> Result<PartitionReader, QueueError> {
        let link = self.connect(RESPONSE_TIMEOUT).await?;
        let (read, report_applied) = (script_that_knows_replicas(READ), Script::new(REPORT_APPLIED));
        Ok(PartitionReader { partition, link, read, report_applied })
    }
}

impl PartitionReader {
    /// Announces over the same connection: so nobody may wait over it for entries before that has arrived.
    pub fn announcer(&self) -> Announcer {
        Announcer::new(self.partition, self.link.clone())
    }

    /// Whether the connection is gone.
    pub fn is_lost(&self) -> bool {
        self.link.is_lost()
    }

    /// The entries above the cursor, as many as the bounds allow.
    ///
    /// # Errors
    /// If Redis cannot be asked; the reader is then of no more use.
    pub async fn read(&mut self, cursor: Cursor, bounds: ReadBounds) -> Result<ReadResult, QueueError> {
        let (epoch, run_id, n, entries): (String, String, String, Vec<Value>) = self
            .read
            .key(keys::log(self.partition))
            .key(keys::marker(self.partition))
            .arg(range_start(cursor))
            .arg(bounds.entries)
            .arg(bounds.bytes)
            .invoke_async(&mut self.link.connection)
            .await?;
        let marker = epoch.parse().map(|epoch| EpochMarker { epoch, run_id });
        match marker {
            Ok(marker) if marker.run_id == *self.link.run_id => {
                if entries.is_empty() {
                    let start = Cursor::start_of(marker.epoch);
                    let counted = n.parse().map(|n| Cursor::at(EntryId { epoch: marker.epoch, n }));
                    return self.drained(cursor, counted.unwrap_or(start)).await;
                }
                entries.into_iter().map(receive).collect::<Result<_, _>>().map(ReadResult::Entries)
            }
            _ => Ok(ReadResult::NotOpen),
        }
    }

    /// Nothing lies above the cursor. What the marker has counted and the log does not hold was removed behind our
    /// back. If neither has come as far as the cursor, the server has forgotten what was applied, and would give its ids
    /// once more.
    async fn drained(&mut self, cursor: Cursor, counted: Cursor) -> Result<ReadResult, QueueError> {
        if counted < cursor {
            let state = read_state(&mut self.link.connection, self.partition).await?;
            if Cursor::at(state.last) < cursor {
                return Ok(ReadResult::NotOpen);
            }
        }
        Ok(ReadResult::Drained(cursor.max(counted)))
    }

    /// Waits until there is an entry above the cursor, at most so long; gives whether there is.
    ///
    /// # Errors
    /// If Redis cannot be asked; the reader is then of no more use.
    pub async fn wait(&mut self, cursor: Cursor, at_most: Duration) -> Result<bool, QueueError> {
        let block_ms = usize::try_from(at_most.as_millis()).unwrap_or(usize::MAX);
        let options = StreamReadOptions::default().count(1).block(block_ms);
        let key = keys::log(self.partition);
        let come: Option<StreamReadReply> =
            self.link.connection.xread_options(&[key], &[range_start(cursor)], &options).await?;
        Ok(come.is_some())
    }

    /// Tells the queue how far its log is applied, unless it knows of more: another worker may have come further
    /// since. `log_bytes` are those of the entry at the cursor; without them the queue finds out.
    ///
    /// # Errors
    /// If Redis cannot be asked. It is told again with the next entry.
    pub async fn report_applied(&mut self, cursor: Cursor, log_bytes: Option<u64>) -> Result<(), QueueError> {
        let log_bytes = log_bytes.map(|bytes| bytes.to_string()).unwrap_or_default();
        self.tell_applied(cursor, log_bytes, "").await
    }

    /// Tells the queue how far its log is applied, whatever it knows: the store may have been restored.
    ///
    /// # Errors
    /// If Redis cannot be asked.
    pub async fn report_anew(&mut self, cursor: Cursor) -> Result<(), QueueError> {
        self.tell_applied(cursor, String::new(), "anew").await
    }

    async fn tell_applied(
        &mut self,
        cursor: Cursor,
        log_bytes: String,
        whether_anew: &str,
    ) -> Result<(), QueueError> {
        let _told: i64 = self
            .report_applied
            .key(keys::log(self.partition))
            .key(keys::marker(self.partition))
            .arg(range_start(cursor))
            .arg(log_bytes)
            .arg(whether_anew)
            .invoke_async(&mut self.link.connection)
            .await?;
        Ok(())
    }

    /// How much memory Redis uses of what it may use.
    ///
    /// # Errors
    /// If Redis cannot be asked.
    pub async fn memory_use(&mut self) -> Result<crate::MemoryUse, QueueError> {
        let info: String = redis::cmd("INFO").arg("memory").query_async(&mut self.link.connection).await?;
        let bytes = |name| info_field(&info, name).and_then(|value| value.parse().ok());
        Ok(crate::MemoryUse {
            used_bytes: bytes("used_memory").unwrap_or(0),
            max_bytes: bytes("maxmemory").unwrap_or(0),
        })
    }
}

/// The id after which reading goes on. Redis has no id before the first of an epoch; what precedes it is
/// the largest one of the epoch before.
pub(crate) fn range_start(cursor: Cursor) -> String {
    match cursor.entry() {
        Some(entry) => entry.to_string(),
        None if cursor.epoch() == 0 => "0-0".to_owned(),
        None => format!("{}-{}", cursor.epoch() - 1, u64::MAX),
    }
}

/// Takes an entry as it is: one whose fields make no sense still has its place, and is decided later. Nothing of it is
/// copied.
fn receive(entry: Value) -> Result<ReceivedEntry, QueueError> {
    let corrupt = |what: &str| QueueError::Corrupt { what: what.to_owned() };
    let Value::Array(parts) = entry else { return Err(corrupt("an entry")) };
    let Ok([Value::BulkString(id), Value::Array(fields)]) = <[Value; 2]>::try_from(parts) else {
        return Err(corrupt("an entry"));
    };
    let id = text(&id).parse().map_err(|_| corrupt(&format!("the id {:?} of an entry", text(&id))))?;
    let mut entry = ReceivedEntry {
        id,
        accepted_at: Timestamp::default(),
        envelope: Vec::new(),
        records: Vec::new(),
        log_bytes: None,
    };
    let mut fields = fields.into_iter();
    while let (Some(Value::BulkString(name)), Some(Value::BulkString(value))) = (fields.next(), fields.next())
    {
        match text(&name) {
            field::ACCEPTED_AT => {
                let microseconds = text(&value).parse().unwrap_or(0);
                entry.accepted_at = Timestamp::from_timestamp_micros(microseconds).unwrap_or_default();
            }
            field::APPENDED => entry.log_bytes = text(&value).parse().ok(),
            field::ENVELOPE => entry.envelope = value,
            field::RECORDS => entry.records = value,
            _ => {}
        }
    }
    Ok(entry)
}

/// The bytes as text; empty if they are none, which is neither a field of ours nor a number.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}
