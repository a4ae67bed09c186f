//! A Redis goes back to an older memory within one life.

use super::replica::{FOLLOWS_WITHIN, MORE, Replica, password_of, replication};
use super::{batches_held, until_applied};
use crate::{Fault, Ledger, Load, Promise, Trial, Verdict};
use anyhow::ensure;
use backdrop_testing::{Stack, StackOptions, Traffic, connect_to, redis, sqlx, tempfile};
use std::collections::HashSet;

/// The old primary is back soon, with what the replica had: its life is the same, and its memory an older one.
pub(in crate::faults) const FAILED_BACK: Fault =
    Fault { name: "redis-failed-back", promise: Promise::LossesReported, run: failed_back };

/// How many logs the ledger writes to.
const LEDGER_LOGS: i64 = 2;

/// Who knows of what the primary forgets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KnownTo {
    /// The writer; nothing of it is applied.
    Writer,
    /// The writer and the worker: it is applied.
    Both,
    /// The worker alone: the writer was started again.
    Worker,
}

fn failed_back(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut stack = trial.stack(StackOptions { workers: 1, ..StackOptions::default() })?;
    let password = password_of(&stack)?;
    let ledger = trial.ledger(&stack, 2);
    let mut lost = 0;
    for round in 0..trial.times(3, 12) {
        let known = [KnownTo::Writer, KnownTo::Both, KnownTo::Worker][round % 3];
        let folder = tempfile::tempdir()?;
        let replica = Replica::follow(trial, &stack, folder.path(), &password)?;
        lost += fail_back(trial, &mut stack, &ledger, &replica, &password, known)?;
    }
    // Writers tell what they know of an epoch when they write in the next one.
    trial.send(&stack, &ledger, Load::queued(20));
    let verdict = trial.judge(&stack, &ledger);
    let (reported, gap_entries) = (verdict.reported_lost, verdict.gap_entries);
    ensure!(reported == lost, "{lost} entries were lost, {reported} reported as lost");
    ensure!(gap_entries == lost, "{lost} entries were lost, gaps of {gap_entries}");
    Ok(verdict)
}

/// Takes the primary back to what its replica has; tells how many entries are lost for good.
fn fail_back(
    trial: &mut Trial,
    stack: &mut Stack,
    ledger: &Ledger,
    replica: &Replica,
    password: &str,
    known: KnownTo,
) -> anyhow::Result<usize> {
    trial.send(stack, ledger, Load::queued(20));
    until_applied(trial, stack)?;
    replica.until_level(trial, stack)?;
    replica.link.set(Traffic::Stalled);
    if known == KnownTo::Writer {
        stack.workers[0].freeze();
    }
    trial.send(stack, ledger, Load::queued(MORE));
    if known != KnownTo::Writer {
        until_applied(trial, stack)?;
    }
    if known == KnownTo::Worker {
        trial.block_on(stack.restart_write(&[]))?;
    }
    let before = epochs(trial, stack)?;
    let forgotten = take_back(trial, stack, replica, password)?;
    trial.injected();
    if known == KnownTo::Worker {
        trial.until("the worker has noticed", FOLLOWS_WITHIN, || {
            Ok(epochs(trial, stack)? >= before + LEDGER_LOGS)
        })?;
    }
    // These must not get the ids of those.
    trial.send(stack, ledger, Load::queued(20));
    stack.workers[0].thaw();
    trial.recovered(stack)?;
    until_applied(trial, stack)?;
    Ok(if known == KnownTo::Writer { forgotten } else { 0 })
}

/// How many epochs were ever opened for logs that hold something.
fn epochs(trial: &Trial, stack: &Stack) -> anyhow::Result<i64> {
    let sql = "SELECT count(*) FROM ingest_epoch WHERE partition IN
               (SELECT partition FROM data_set WHERE data_group <> 'probe')";
    Ok(trial.block_on(sqlx::query_scalar(sql).fetch_one(&stack.pool))?)
}

/// The stack's Redis follows its replica for a moment, and is the primary again; tells how many entries it lost.
fn take_back(trial: &Trial, stack: &Stack, replica: &Replica, password: &str) -> anyhow::Result<usize> {
    let before = batches_held(stack)?;
    let (mut primary, mut other) = (stack.redis_connection()?, connect_to(&replica.server)?);
    redis::cmd("REPLICAOF").arg("NO").arg("ONE").exec(&mut other)?;
    redis::cmd("CONFIG").arg("SET").arg("masterauth").arg(password).exec(&mut primary)?;
    redis::cmd("CONFIG").arg("SET").arg("repl-diskless-sync-delay").arg(0).exec(&mut other)?;
    redis::cmd("REPLICAOF").arg("127.0.0.1").arg(replica.server.port()).exec(&mut primary)?;
    trial.until("it follows", FOLLOWS_WITHIN, || {
        Ok(replication(&mut primary, "master_link_status").is_ok_and(|status| status == "up"))
    })?;
    redis::cmd("REPLICAOF").arg("NO").arg("ONE").exec(&mut primary)?;
    let after: HashSet<String> = batches_held(stack)?.into_iter().collect();
    let lost = before.iter().filter(|batch| !after.contains(*batch)).count();
    ensure!(lost > 0, "it has all that it had, so nothing was tested");
    Ok(lost)
}
