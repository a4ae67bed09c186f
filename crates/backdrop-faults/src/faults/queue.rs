//! Redis dies, hangs, is full, and loses its answers or its memory.

mod answers;
mod demoted;
mod epochs;
mod failback;
mod full;
mod memory;
mod outages;
mod replica;
mod rewrites;
mod tail;

pub(super) use answers::LOST as ANSWERS_LOST;
pub(super) use demoted::DEMOTED as PRIMARY_DEMOTED;
pub(super) use epochs::{BOTH_KILLED, MARKERS_DELETED, OPENING_INTERRUPTED};
pub(super) use failback::FAILED_BACK;
pub(super) use full::{BACKLOG_FULL, OUT_OF_MEMORY};
pub(super) use memory::{EMPTIED, RESTORED};
pub(super) use outages::{FROZEN, KILLED, STOPPED};
pub(super) use replica::PROMOTED as REPLICA_PROMOTED;
pub(super) use rewrites::REWRITTEN as FILE_REWRITTEN;
pub(super) use tail::{CUT_APPLIED as TAIL_CUT_APPLIED, CUT_UNAPPLIED as TAIL_CUT_UNAPPLIED};

use crate::Trial;
use crate::ledger::{backlog_bytes, log_extents};
use anyhow::{Context, ensure};
use backdrop_testing::redis::streams::StreamRangeReply;
use backdrop_testing::{Answer, Client, Stack, redis};
use std::time::{Duration, Instant};

/// How long the worker may take to apply what these scenarios queue.
const APPLIED_WITHIN: Duration = Duration::from_secs(60);

/// Waits until all that is queued now is applied. Under load more comes all the time, and the worker tells the queue only
/// now and then how far it is.
fn until_applied(trial: &Trial, stack: &Stack) -> anyhow::Result<()> {
    let mut queued = None;
    trial.until("all is applied", APPLIED_WITHIN, || {
        let Some(extents) = log_extents(stack) else { return Ok(false) };
        let queued = queued.get_or_insert_with(|| extents.clone());
        Ok(extents.iter().all(|(key, extent)| {
            // A log that was begun anew since counts from zero again.
            let to_apply = queued.get(key).map_or(extent.appended, |then| then.appended.min(extent.appended));
            extent.applied >= to_apply
        }))
    })
}

/// The ids of the batches that the logs hold, by what Redis says, one for each entry.
fn batches_held(stack: &Stack) -> anyhow::Result<Vec<String>> {
    let mut redis = stack.redis_connection()?;
    let mut batches = Vec::new();
    for log in logs(&mut redis)? {
        let entries: StreamRangeReply = redis::cmd("XRANGE").arg(log).arg("-").arg("+").query(&mut redis)?;
        for entry in entries.ids {
            let envelope: String = entry.get("envelope").context("an envelope")?;
            let envelope: serde_json::Value = serde_json::from_str(&envelope)?;
            batches.push(envelope["batch_id"].as_str().context("the id of a batch")?.to_owned());
        }
    }
    Ok(batches)
}

/// The keys of all logs.
fn logs(redis: &mut redis::Connection) -> anyhow::Result<Vec<String>> {
    Ok(redis::cmd("KEYS").arg("backdrop:*:log").query(redis)?)
}

/// A client that writes to the data set which no ledger watches.
fn prober(stack: &Stack) -> Client {
    stack.writer().with_token("token-for-probe").with_header("Content-Type", "application/json")
}

/// Writes a record to that data set.
fn probe(prober: &Client, id: &str) -> anyhow::Result<Answer> {
    let body = serde_json::json!([{"_id": id}]).to_string();
    Ok(prober.send("POST", "/data/probe/probe", body.into_bytes())?)
}

/// Writes for so long: each write is refused. Gives how long the slowest took.
fn is_refused_for(stack: &Stack, away: Duration) -> anyhow::Result<Duration> {
    let prober = prober(stack);
    let (began, mut slowest) = (Instant::now(), Duration::ZERO);
    while began.elapsed() < away {
        let sent = Instant::now();
        let answer = probe(&prober, "refused")?;
        slowest = slowest.max(sent.elapsed());
        let has_retry_after = answer.header("retry-after").is_some();
        ensure!(answer.status == 503 && has_retry_after, "answered {}: {}", answer.status, answer.text);
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(slowest)
}
