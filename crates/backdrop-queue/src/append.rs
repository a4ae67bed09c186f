//! Appending batches to the log.
//!
//! Appends of all requests share one connection: with `appendfsync always` one fsync then serves all
//! that arrive together. An append whose answer is lost is repeated with the same batch id, which the
//! worker recognises, so repeating it never stores it twice.

use crate::connection::{APPEND_RESPONSE_TIMEOUT, Link};
use crate::keys;
use crate::primary::{is_of_replica, script_that_knows_replicas};
use crate::{AppendError, Queue, QueueError};
use backdrop_core::batch::Envelope;
use backdrop_core::error::chain;
use backdrop_core::log::{EntryId, EpochLedger, Partition};
use redis::{Arg, Cmd, RedisError, Script, ServerErrorKind};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// Appends, unless the log was not opened for this life of this server, has forgotten what it acknowledged in it (a
/// server that followed another one for a while lives on with its memory), or is full.
///
/// KEYS: log, marker. ARGV: epoch, run id, highest n acknowledged in the epoch, bound in bytes, envelope, records.
const APPEND: &str = r"
local marker = redis.call('HMGET', KEYS[2], 'epoch', 'run_id', 'appended', 'applied', 'n')
if marker[1] ~= ARGV[1] or marker[2] ~= ARGV[2] or tonumber(marker[5] or '-1') < tonumber(ARGV[3]) then
    return {'fenced', ''}
end
local appended = tonumber(marker[3] or '0') + #ARGV[5] + #ARGV[6]
if appended - tonumber(marker[4] or '0') > tonumber(ARGV[4]) then
    -- What a replica holds may stay as it is for ever.
    if is_replica() then return refused() end
    return {'full', ''}
end
-- %.0f: numbers in Lua are floats, whole up to 2^53, and would else be printed with an exponent.
local total = string.format('%.0f', appended)
local time = redis.call('TIME')
local function add(n)
    return redis.pcall('XADD', KEYS[1], ARGV[1] .. '-' .. n,
        'accepted_at', time[1] .. string.format('%06d', time[2]), 'appended', total,
        'envelope', ARGV[5], 'records', ARGV[6])
end
-- Counted here too, so that a log that was removed behind our back goes on after what it held, and the hole
-- is seen. Redis gives the first of an epoch, and one after an entry that somebody added by hand.
local id = marker[5] and add(string.format('%.0f', tonumber(marker[5]) + 1))
if type(id) ~= 'string' then id = add('*') end
if type(id) ~= 'string' then return id end
redis.call('HSET', KEYS[2], 'appended', total, 'n', string.match(id, '%d+$'))
return {'accepted', id}
";

/// How long the way to an append may take: a connection, and an epoch. Whoever is refused for this is told well within
/// two seconds.
const READY_TIMEOUT: Duration = Duration::from_millis(1_500);
/// How long to wait before an append is tried again after its answer was lost.
const RETRY_DELAY: Duration = Duration::from_millis(100);
/// For how long a failure to connect or to open an epoch is everybody's: who waited for it meanwhile need
/// not wait for another one. Without this a server that hangs makes a queue of all requests.
const SHARED_FAILURE: Duration = Duration::from_millis(250);
/// How often a fence may refuse in a row: each time a new epoch is opened, which can only fail to help
/// if the server restarts again and again.
const FENCED_MAX: usize = 5;

/// What to append.
#[derive(Debug)]
pub struct AppendRequest {
    /// The partition of the batch's data set.
    pub partition: Partition,
    /// The envelope.
    pub envelope: Envelope,
    /// The JSON array of records.
    pub records: String,
    /// Until when an append whose answer was lost is repeated.
    pub deadline: Instant,
}

/// A batch that stands in the log.
#[derive(Clone, Copy, Debug)]
pub struct Accepted {
    /// Its place there.
    pub entry: EntryId,
}

/// Appends to the log over one shared connection. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Appender<L> {
    queue: Queue,
    ledger: L,
    shared: Arc<Shared>,
}

struct Shared {
    script: Script,
    link: tokio::sync::Mutex<SharedLink>,
    /// What is known of each partition. Never held across an await.
    partitions: Mutex<HashMap<Partition, PartitionState>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("partitions", &self.partitions).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct PartitionState {
    /// The open epoch, as far as is known.
    epoch: Option<u64>,
    /// The highest id this process was given.
    acknowledged: Option<EntryId>,
    /// Held while an epoch is opened; when that last failed.
    opening: Arc<tokio::sync::Mutex<Option<Instant>>>,
}

impl PartitionState {
    /// The highest n this process was given in an epoch; -1: none.
    fn acknowledged_in(&self, epoch: u64) -> String {
        let given = self.acknowledged.filter(|entry| entry.epoch == epoch);
        given.map_or_else(|| "-1".to_owned(), |entry| entry.n.to_string())
    }
}

/// The connection that one caller opens and all use; or that it just failed to open.
#[derive(Default)]
enum SharedLink {
    #[default]
    Missing,
    Failed(Instant),
    There(Link),
}

/// Refuses to try again at once what has just failed.
fn refuse_if_just_failed(failed: Option<Instant>) -> Result<(), QueueError> {
    match failed {
        Some(at) if at.elapsed() < SHARED_FAILURE => {
            Err(QueueError::NoConnection("the last attempt has just failed".into()))
        }
        _ => Ok(()),
    }
}

enum Answer {
    Accepted(EntryId),
    Fenced,
    Full,
}

impl<L: EpochLedger> Appender<L> {
    /// Appends to this queue, opening epochs with this ledger.
    pub fn new(queue: Queue, ledger: L) -> Self {
        let shared = Shared {
            script: script_that_knows_replicas(APPEND),
            link: tokio::sync::Mutex::default(),
            partitions: Mutex::default(),
        };
        Self { queue, ledger, shared: Arc::new(shared) }
    }

    /// Appends a batch.
    ///
    /// # Errors
    /// Whether nothing was accepted, or it is not known; see [`AppendError`].
    pub async fn append(&self, request: AppendRequest) -> Result<Accepted, AppendError> {
        let AppendRequest { partition, envelope, records, deadline } = request;
        let batch_id = envelope.batch_id;
        let mut payload = Payload::new(&envelope, records);
        let mut lost_answer = None;
        let mut fenced = 0;
        loop {
            let attempt = self.try_append(partition, &mut payload);
            let tried = if lost_answer.is_some() {
                // Whether this one is accepted is not known, either, if it is cut off.
                let cut_off = || Err(Attempt::AnswerLost(QueueError::NoAnswer));
                tokio::time::timeout_at(deadline.into(), attempt).await.unwrap_or_else(|_| cut_off())
            } else {
                attempt.await
            };
            let refusal = match tried {
                Ok(Answer::Accepted(entry)) => return Ok(Accepted { entry }),
                Ok(Answer::Full) => AppendError::Full,
                Ok(Answer::Fenced) if fenced < FENCED_MAX => {
                    fenced += 1;
                    continue;
                }
                Ok(Answer::Fenced) => AppendError::Refused(QueueError::Corrupt { what: "the marker".into() }),
                Err(Attempt::NotSent(error)) => AppendError::Refused(error),
                Err(Attempt::AnswerLost(error)) => {
                    warn!(batch = %batch_id, error = chain(&error),
                          "answer to an append lost, repeating it");
                    lost_answer = Some(error);
                    AppendError::Full
                }
            };
            // Once an answer was lost, a later refusal says nothing about the first attempt.
            let Some(error) = lost_answer.take() else { return Err(refusal) };
            if Instant::now() + RETRY_DELAY >= deadline {
                return Err(AppendError::Unknown(error));
            }
            lost_answer = Some(error);
            tokio::time::sleep(RETRY_DELAY).await;
        }
    }

    /// Makes ready to append to a partition, so that its first append need not wait for the store. Costs nothing if it
    /// is ready.
    ///
    /// # Errors
    /// If it cannot be made ready just now.
    pub async fn prepare(&self, partition: Partition) -> Result<(), QueueError> {
        self.ready(partition).await.map(|_ready| ())
    }

    /// The connection, and the epoch of the partition.
    async fn ready(&self, partition: Partition) -> Result<(Link, u64), QueueError> {
        let ready = async { Ok((self.link().await?, self.epoch(partition).await?)) };
        tokio::time::timeout(READY_TIMEOUT, ready).await.unwrap_or(Err(QueueError::NoAnswer))
    }

    async fn try_append(&self, partition: Partition, payload: &mut Payload) -> Result<Answer, Attempt> {
        let (mut link, epoch) = self.ready(partition).await.map_err(Attempt::NotSent)?;
        let acknowledged = self.update(partition, |state| state.acknowledged_in(epoch));
        let bytes_max = self.queue.partition_bytes_max.to_string();
        let fence = [epoch.to_string(), link.run_id.to_string(), acknowledged, bytes_max];
        let call = payload.call(&self.shared.script, partition, &fence);
        let mut result = call.query_async(&mut link.connection).await;
        if is_unknown_script(&result)
            && let Ok(_hash) = self.shared.script.load_async(&mut link.connection).await
        {
            result = call.query_async(&mut link.connection).await;
        }
        let (verdict, id) = match result {
            Ok(answer) => answer,
            Err(error) => {
                let was_answered = error.code().is_some();
                if !was_answered || error.is_unrecoverable_error() || is_of_replica(&error) {
                    self.drop_link(&link).await;
                }
                let attempt = if was_answered { Attempt::NotSent } else { Attempt::AnswerLost };
                return Err(attempt(error.into()));
            }
        };
        match verdict.as_str() {
            "accepted" => {
                let entry = id.parse().map_err(|_| {
                    Attempt::AnswerLost(QueueError::Corrupt { what: format!("the id {id:?} of an entry") })
                })?;
                self.update(partition, |state| state.acknowledged = state.acknowledged.max(Some(entry)));
                Ok(Answer::Accepted(entry))
            }
            "full" => Ok(Answer::Full),
            _ => {
                self.update(partition, |state| state.epoch = None);
                // The connection may lead to an earlier life than the marker speaks of.
                self.drop_link(&link).await;
                Ok(Answer::Fenced)
            }
        }
    }

    /// The open epoch; opens one if none is known. Whoever comes meanwhile waits for it.
    async fn epoch(&self, partition: Partition) -> Result<u64, QueueError> {
        if let Some(epoch) = self.update(partition, |state| state.epoch) {
            return Ok(epoch);
        }
        // One lock a partition: one whose row is held up must not hold up the others.
        let opening = self.update(partition, |state| Arc::clone(&state.opening));
        let mut failed = opening.lock().await;
        let (epoch, acknowledged) = self.update(partition, |state| (state.epoch, state.acknowledged));
        if let Some(epoch) = epoch {
            return Ok(epoch);
        }
        refuse_if_just_failed(*failed)?;
        let opened = self.queue.open_epoch(&self.ledger, partition, acknowledged).await;
        *failed = opened.is_err().then(Instant::now);
        let epoch = opened?;
        info!(%partition, epoch, "appending in epoch");
        self.update(partition, |state| state.epoch = Some(epoch));
        Ok(epoch)
    }

    fn update<T>(&self, partition: Partition, change: impl FnOnce(&mut PartitionState) -> T) -> T {
        let mut partitions = self.shared.partitions.lock().unwrap_or_else(PoisonError::into_inner);
        change(partitions.entry(partition).or_default())
    }

    /// The shared connection; connects if there is none. Whoever comes meanwhile waits for it.
    async fn link(&self) -> Result<Link, QueueError> {
        let mut shared = self.shared.link.lock().await;
        if let SharedLink::There(link) = &*shared
            && !link.is_lost()
        {
            return Ok(link.clone());
        }
        if let SharedLink::Failed(at) = &*shared {
            refuse_if_just_failed(Some(*at))?;
        }
        match self.connect().await {
            Ok(link) => {
                *shared = SharedLink::There(link.clone());
                Ok(link)
            }
            Err(error) => {
                *shared = SharedLink::Failed(Instant::now());
                Err(error)
            }
        }
    }

    async fn connect(&self) -> Result<Link, QueueError> {
        let link = self.queue.connect(APPEND_RESPONSE_TIMEOUT).await?;
        self.queue.durability().await?.refuse_eviction()?;
        Ok(link)
    }

    async fn drop_link(&self, lost: &Link) {
        let mut shared = self.shared.link.lock().await;
        if matches!(&*shared, SharedLink::There(link) if link.is(lost)) {
            *shared = SharedLink::Missing;
        }
    }
}

/// Whether the server does not know the script yet, and so did nothing.
fn is_unknown_script(result: &Result<(String, String), RedisError>) -> bool {
    result.as_ref().is_err_and(|error| error.kind() == redis::ErrorKind::Server(ServerErrorKind::NoScript))
}

/// Envelope and records on their way: a batch may have ten megabytes, so once there is a command, its records
/// are kept in that alone.
struct Payload {
    envelope: String,
    records: String,
    /// The command that was made last; its last argument are the records.
    call: Option<Cmd>,
}

impl Payload {
    fn new(envelope: &Envelope, records: String) -> Self {
        Self { envelope: envelope.to_json(), records, call: None }
    }

    /// The command that appends them; `fence` are the arguments before the envelope.
    fn call(&mut self, script: &Script, partition: Partition, fence: &[String]) -> &Cmd {
        let records = match self.call.as_ref().and_then(|call| call.args_iter().last()) {
            Some(Arg::Simple(records)) => records,
            _ => self.records.as_bytes(),
        };
        let mut call = Cmd::with_capacity(10, self.envelope.len() + records.len() + SHORT_ARGUMENTS_BYTES);
        call.arg("EVALSHA").arg(script.get_hash()).arg(2);
        call.arg(keys::log(partition)).arg(keys::marker(partition));
        call.arg(fence).arg(&self.envelope).arg(records);
        self.records = String::new();
        self.call.insert(call)
    }
}

/// Room for all arguments but envelope and records, so that the command need not grow.
const SHORT_ARGUMENTS_BYTES: usize = 512;

enum Attempt {
    /// It was not sent, or Redis answered that it did not do it.
    NotSent(QueueError),
    /// It was sent and not answered.
    AnswerLost(QueueError),
}
