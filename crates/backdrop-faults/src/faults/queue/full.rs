//! There is no room left for what waits.

use super::{batches_held, prober, until_applied};
use crate::{Fault, Ledger, Load, Promise, Trial, Verdict};
use anyhow::{Context, ensure};
use backdrop_testing::{Client, RedisOptions, Stack, StackOptions, redis, sqlx};
use serde_json::json;
use std::time::Duration;

/// Redis reaches `maxmemory`.
pub(in crate::faults) const OUT_OF_MEMORY: Fault =
    Fault { name: "redis-out-of-memory", promise: Promise::NothingLost, run: out_of_memory };
/// A partition reaches its bound in bytes.
pub(in crate::faults) const BACKLOG_FULL: Fault =
    Fault { name: "backlog-full", promise: Promise::NothingLost, run: backlog_full };

/// What Redis may use: some batches fill it.
const MAX_MEMORY: &str = "8mb";
/// What may wait in a partition: some batches fill it.
const PARTITION_BYTES: usize = 200_000;
/// After how many batches without a refusal there is no bound.
const BATCHES_MAX: usize = 200;
/// How long the worker may take to apply what waits, though Redis is full, and to trim it.
const ROOM_WITHIN: Duration = Duration::from_secs(30);

/// Batches that fill the queue, and how many of them were accepted.
struct Filler {
    writer: Client,
    bytes: usize,
    accepted: usize,
}

impl Filler {
    fn new(stack: &Stack, bytes: usize) -> Self {
        Self { writer: prober(stack).with_header("Prefer", "respond-async"), bytes, accepted: 0 }
    }

    /// Sends one; gives why it was refused, if it was.
    fn send(&mut self) -> anyhow::Result<Option<String>> {
        let record = json!({"_id": format!("filler-{}", self.accepted), "text": "x".repeat(self.bytes)});
        let answer =
            self.writer.send("POST", "/data/probe/probe", json!([record]).to_string().into_bytes())?;
        if answer.status == 202 {
            self.accepted += 1;
            return Ok(None);
        }
        let has_retry_after = answer.header("retry-after").is_some();
        ensure!(answer.status == 503 && has_retry_after, "answered {}: {}", answer.status, answer.text);
        Ok(Some(answer.text))
    }

    /// Sends until one is refused; gives why.
    fn fill(&mut self) -> anyhow::Result<String> {
        for _ in 0..BATCHES_MAX {
            if let Some(refusal) = self.send()? {
                return Ok(refusal);
            }
        }
        anyhow::bail!("{BATCHES_MAX} batches were not refused")
    }

    /// Everything that was accepted must be stored.
    fn is_stored(&self, trial: &Trial, stack: &Stack) -> anyhow::Result<()> {
        let counted = sqlx::query_scalar("SELECT count(*) FROM record WHERE id LIKE 'filler-%'");
        let stored: i64 = trial.block_on(counted.fetch_one(&stack.pool))?;
        ensure!(usize::try_from(stored)? == self.accepted, "{stored} of {} are stored", self.accepted);
        Ok(())
    }
}

fn out_of_memory(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let arguments = vec!["--maxmemory".to_owned(), MAX_MEMORY.to_owned()];
    let redis = RedisOptions { arguments, ..RedisOptions::default() };
    let mut stack = trial.stack(StackOptions { workers: 1, redis, ..StackOptions::default() })?;
    let ledger = trial.ledger(&stack, 2);
    let mut filler = Filler::new(&stack, 100_000);
    for round in 0..trial.times(2, 4) {
        trial.under_load(&mut stack, &ledger, Load::default(), |trial, stack| {
            trial.until_acknowledged(&ledger, 10)?;
            stack.workers[0].freeze();
            let refusal = filler.fill()?;
            ensure!(refusal.contains("queue_unavailable"), "refused by {refusal}");
            trial.injected();
            if round.is_multiple_of(2) {
                trimmed_in_time(trial, stack)?
            } else {
                restarted_full(trial, stack)?
            }
            trial.recovered(stack).map(drop)
        })?;
        until_applied(trial, &stack)?;
        filler.is_stored(trial, &stack)?;
    }
    let verdict = trial.judge(&stack, &ledger);
    ensure!(verdict.reads_refused == 0, "{} reads were refused", verdict.reads_refused);
    Ok(verdict)
}

/// Redis refuses even the smallest write, since somebody else's keys take what is missing: the worker applies what
/// waits, and makes room by itself.
fn trimmed_in_time(trial: &Trial, stack: &Stack) -> anyhow::Result<()> {
    let mut redis = stack.redis_connection()?;
    let info: String = redis::cmd("INFO").arg("memory").query(&mut redis)?;
    let used = info.lines().find_map(|line| line.strip_prefix("used_memory:")).context("used_memory")?;
    set_max_memory(stack, &(used.trim().parse::<u64>()? / 10 * 8).to_string())?;
    ensure!(is_full(stack)?, "Redis is not full, so nothing was tested");
    stack.workers[0].thaw();
    trial.until("there is room again", ROOM_WITHIN, || Ok(!is_full(stack)?))?;
    set_max_memory(stack, MAX_MEMORY)
}

/// Redis starts again with less than it needs for what it holds: an epoch is opened and all is applied for all that;
/// writes are accepted when somebody gives it more.
fn restarted_full(trial: &Trial, stack: &mut Stack) -> anyhow::Result<()> {
    let arguments = vec!["--maxmemory".to_owned(), "1mb".to_owned()];
    stack.redis.restart_with(RedisOptions { arguments, ..RedisOptions::default() })?;
    ensure!(is_full(stack)?, "Redis is not full, so nothing was tested");
    stack.workers[0].thaw();
    until_applied(trial, stack)?;
    ensure!(is_full(stack)?, "Redis has not been full all the time");
    set_max_memory(stack, MAX_MEMORY)
}

fn set_max_memory(stack: &Stack, bytes: &str) -> anyhow::Result<()> {
    let mut redis = stack.redis_connection()?;
    Ok(redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg(bytes).exec(&mut redis)?)
}

fn is_full(stack: &Stack) -> anyhow::Result<bool> {
    let mut redis = stack.redis_connection()?;
    let set: Result<(), _> = redis::cmd("SET").arg("room").arg("x").query(&mut redis);
    redis::cmd("DEL").arg("room").exec(&mut redis)?;
    Ok(set.is_err_and(|error| error.code() == Some("OOM")))
}

fn backlog_full(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let environment = vec![("BACKDROP_PARTITION_BYTES".to_owned(), PARTITION_BYTES.to_string())];
    let stack = trial.stack(StackOptions { workers: 1, environment, ..StackOptions::default() })?;
    let ledger = trial.ledger(&stack, 2);
    is_apart(trial, &stack)?;
    let mut filler = Filler::new(&stack, PARTITION_BYTES / 10);
    for _ in 0..trial.times(2, 20) {
        stack.workers[0].freeze();
        let refusal = filler.fill()?;
        ensure!(refusal.contains("queue_full"), "refused by {refusal}");
        trial.injected();
        stays_full(trial, &stack, &ledger, &mut filler)?;
        stack.workers[0].thaw();
        trial.recovered(&stack)?;
        until_applied(trial, &stack)?;
        filler.is_stored(trial, &stack)?;
    }
    Ok(trial.judge(&stack, &ledger))
}

/// Refuses everything more, forgets nothing for it, and lets other partitions alone.
fn stays_full(trial: &Trial, stack: &Stack, ledger: &Ledger, filler: &mut Filler) -> anyhow::Result<()> {
    let held = batches_held(stack)?;
    for _ in 0..5 {
        ensure!(filler.send()?.is_some(), "accepted beyond the bound");
    }
    ensure!(batches_held(stack)? == held, "the log has changed");
    let before = ledger.acknowledged();
    trial.send(stack, ledger, Load::queued(10));
    let others = ledger.acknowledged() - before;
    ensure!(others == 10, "only {others} of 10 writes to other partitions were accepted");
    Ok(())
}

/// The partition that is filled is not one of the ledger's.
fn is_apart(trial: &Trial, stack: &Stack) -> anyhow::Result<()> {
    let shared = sqlx::query_scalar(
        "SELECT count(*) FROM data_set a JOIN data_set b ON a.partition = b.partition
         WHERE a.data_group = 'probe' AND b.data_group <> 'probe'",
    );
    let shared: i64 = trial.block_on(shared.fetch_one(&stack.pool))?;
    ensure!(shared == 0, "the data sets share a partition");
    Ok(())
}
