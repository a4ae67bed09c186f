//! Redis loses its memory, or goes back to an older one.

use super::{backlog_bytes, logs, until_applied};
use crate::{Fault, Ledger, Load, Promise, Trial, Verdict};
use anyhow::ensure;
use backdrop_testing::{RedisOptions, Stack, StackOptions, an_hour_back, redis, sqlx, tempfile};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Redis is emptied, in each way in which that happens.
pub(in crate::faults) const EMPTIED: Fault =
    Fault { name: "redis-emptied", promise: Promise::LossesReported, run: emptied };
/// Redis goes back to an older copy of its files, and its clock with it.
pub(in crate::faults) const RESTORED: Fault =
    Fault { name: "redis-restored", promise: Promise::LossesReported, run: restored };

/// How many acknowledged writes each round loses.
const LOST: usize = 10;
/// How long a loss may go unnoticed on a partition without writes.
const NOTICED_WITHIN: Duration = Duration::from_secs(15);

/// How Redis forgets.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// It starts again without its files.
    Restarted,
    /// `FLUSHALL` while it runs.
    Flushed,
    /// The logs are deleted, their markers stay.
    LogsDeleted,
}

const WAYS: [Way; 3] = [Way::Restarted, Way::Flushed, Way::LogsDeleted];

fn emptied(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let environment = vec![("BACKDROP_WAIT".to_owned(), "2".to_owned())];
    let mut stack = trial.stack(StackOptions { workers: 1, environment, ..StackOptions::default() })?;
    let ledger = trial.ledger(&stack, 2);
    let rounds = trial.times(WAYS.len(), 4 * WAYS.len());
    for round in 0..rounds {
        lose(trial, &mut stack, &ledger, WAYS[round % WAYS.len()])?;
    }
    // Writers tell what they know of an epoch when they write in the next one.
    trial.send(&stack, &ledger, Load::queued(20));
    let verdict = trial.judge(&stack, &ledger);
    ensure!(verdict.reported_lost == rounds * LOST, "{} reported as lost", verdict.reported_lost);
    ensure!(verdict.gap_entries == verdict.reported_lost, "gaps of {} entries", verdict.gap_entries);

    // While everybody writes, waits and works; what is lost then is known to the ledger alone.
    trial.under_load(&mut stack, &ledger, Load::default(), |trial, stack| {
        for _ in 0..trial.times(1, 8) {
            trial.until_acknowledged(&ledger, 20)?;
            std::thread::sleep(trial.moments.within_ms(200));
            let way = WAYS[usize::try_from(trial.moments.below(3)).expect("small")];
            forget(stack, way)?;
            trial.injected();
            trial.recovered(stack)?;
        }
        Ok(())
    })?;
    trial.send(&stack, &ledger, Load::queued(20));
    let verdict = trial.judge(&stack, &ledger);
    let (told, lost) = (verdict.gap_entries, verdict.reported_lost);
    ensure!(told >= lost, "gaps of {told} entries, though {lost} are lost");
    Ok(verdict)
}

/// Loses what was accepted and not applied.
fn lose(trial: &mut Trial, stack: &mut Stack, ledger: &Ledger, way: Way) -> anyhow::Result<()> {
    trial.send(stack, ledger, Load::queued(20));
    until_applied(trial, stack)?;
    stack.workers[0].kill();
    trial.send(stack, ledger, Load::queued(LOST));
    forget(stack, way)?;
    trial.injected();
    let gaps_before = gaps(trial, stack)?;
    if trial.moments.below(2) == 0 {
        // Stored, all of it, though it came before anybody noticed.
        trial.send(stack, ledger, Load::queued(20));
        stack.workers[0].restart()?;
    } else {
        stack.workers[0].restart()?;
        // Nobody writes: the worker finds out by itself.
        trial.until("the loss is noticed", NOTICED_WITHIN, || Ok(gaps(trial, stack)? > gaps_before))?;
    }
    trial.recovered(stack)?;
    until_applied(trial, stack)
}

fn forget(stack: &mut Stack, way: Way) -> anyhow::Result<()> {
    let mut redis = stack.redis_connection()?;
    match way {
        Way::Restarted => {
            stack.redis.kill()?;
            std::fs::remove_dir_all(stack.redis.data_directory())?;
            std::fs::create_dir(stack.redis.data_directory())?;
            stack.redis.restart()?;
        }
        Way::Flushed => redis::cmd("FLUSHALL").exec(&mut redis)?,
        Way::LogsDeleted => redis::cmd("DEL").arg(logs(&mut redis)?).exec(&mut redis)?,
    }
    Ok(())
}

fn gaps(trial: &Trial, stack: &Stack) -> anyhow::Result<i64> {
    let counted = sqlx::query_scalar("SELECT count(*) FROM ingest_gap").fetch_one(&stack.pool);
    Ok(trial.block_on(counted)?)
}

fn restored(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut stack = trial.stack(StackOptions { workers: 1, ..StackOptions::default() })?;
    let ledger = trial.ledger(&stack, 2);
    let folder = tempfile::tempdir()?;
    let prefix = an_hour_back(folder.path())?;
    let rounds = trial.times(1, 5);
    for _ in 0..rounds {
        restore(trial, &mut stack, &ledger, &prefix)?;
    }
    let verdict = trial.judge(&stack, &ledger);
    let gap_entries = verdict.gap_entries;
    ensure!(verdict.reported_lost == rounds * LOST, "{} reported as lost", verdict.reported_lost);
    ensure!(gap_entries == verdict.reported_lost, "gaps of {gap_entries} entries");
    let went_back: bool = trial.block_on(
        sqlx::query_scalar(
            "SELECT bool_or(accepted_at < applied_at - interval '50 minutes') FROM batch
             WHERE epoch = (SELECT max(epoch) FROM batch)",
        )
        .fetch_one(&stack.pool),
    )?;
    ensure!(went_back, "the clock of Redis did not go back, so nothing was tested");
    Ok(verdict)
}

/// Of what the copy lacks, some is applied and some is not when Redis goes back.
fn restore(trial: &mut Trial, stack: &mut Stack, ledger: &Ledger, clock: &[String]) -> anyhow::Result<()> {
    let copy = tempfile::tempdir()?;
    trial.send(stack, ledger, Load::queued(30));
    until_applied(trial, stack)?;
    stack.redis.stop()?;
    copy_folder(&stack.redis.data_directory(), copy.path())?;
    stack.redis.restart_with(RedisOptions::default())?;
    trial.send(stack, ledger, Load::queued(30));
    until_applied(trial, stack)?;
    stack.workers[0].kill();
    trial.send(stack, ledger, Load::queued(LOST));
    ensure!(backlog_bytes(stack) > Some(0), "nothing waits, so nothing can be lost");
    stack.redis.kill()?;
    std::fs::remove_dir_all(stack.redis.data_directory())?;
    copy_folder(copy.path(), &stack.redis.data_directory())?;
    stack.redis.restart_with(RedisOptions { prefix: clock.to_vec(), ..RedisOptions::default() })?;
    trial.injected();
    trial.send(stack, ledger, Load::queued(30));
    stack.workers[0].restart()?;
    trial.recovered(stack)?;
    until_applied(trial, stack)
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    let copied = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status()?;
    ensure!(copied.success(), "{} could not be copied", from.display());
    Ok(())
}
