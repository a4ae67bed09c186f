//! Workers die or stand still when all of a run is written, and not committed.
//!
//! That moment has two sides. In the last statement nothing is decided yet, and the transaction is undone; in COMMIT it
//! is committed, and only the worker does not learn it. Either way a run counts once.

use super::one_worker;
use crate::gate::{Gate, Place};
use crate::{Fault, Load, Promise, Trial, Verdict};
use anyhow::ensure;
use backdrop_testing::{Stack, sqlx};
use std::time::Duration;

/// `kill -9` there.
pub(crate) const KILLED_BEFORE_COMMIT: Fault =
    Fault { name: "worker-killed-before-commit", promise: Promise::NothingLost, run: killed };

/// SIGSTOP there; another worker takes over, and then the first one wakes.
pub(crate) const FROZEN_BEFORE_COMMIT: Fault =
    Fault { name: "worker-frozen-before-commit", promise: Promise::NothingLost, run: frozen };

/// How long Postgres may take to end the sessions of a worker that is gone, or stands still in a transaction: that, it
/// does after five seconds.
const SESSIONS_END_WITHIN: Duration = Duration::from_secs(10);

fn killed(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut stack = one_worker(trial)?;
    let ledger = trial.ledger(&stack, 4);
    trial.under_load(&mut stack, &ledger, Load::default(), |trial, stack| {
        for place in places(trial.times(1, 10)) {
            let mut gate = Gate::install(trial, stack, place)?;
            trial.until_acknowledged(&ledger, 10)?;
            std::thread::sleep(trial.moments.within_ms(100));
            gate.close(trial, stack)?;
            gate.until_somebody_waits(trial, stack)?;
            stack.workers[0].kill();
            trial.injected();
            let before = batches(trial, stack)?;
            gate.open(trial)?;
            let of_worker = "application_name = 'backdrop-worker'";
            trial.until("its sessions have ended", SESSIONS_END_WITHIN, || {
                Ok(sessions(trial, stack, of_worker)? == 0)
            })?;
            ensure_decided(place, batches(trial, stack)? - before)?;
            stack.workers[0].restart()?;
            trial.recovered(stack)?;
        }
        Ok(())
    })?;
    Ok(trial.judge(&stack, &ledger))
}

fn frozen(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut stack = one_worker(trial)?;
    let ledger = trial.ledger(&stack, 4);
    let rounds = places(trial.times(1, 4)).take(trial.times(1, 8));
    trial.under_load(&mut stack, &ledger, Load::default(), |trial, stack| {
        for place in rounds {
            let mut gate = Gate::install(trial, stack, place)?;
            trial.until_acknowledged(&ledger, 10)?;
            gate.close(trial, stack)?;
            gate.until_somebody_waits(trial, stack)?;
            stack.workers[0].freeze();
            trial.injected();
            let before = batches(trial, stack)?;
            gate.open(trial)?;
            trial.until("no transaction passes the gate any more", SESSIONS_END_WITHIN, || {
                Ok(sessions(trial, stack, "wait_event = 'PgSleep'")? == 0)
            })?;
            ensure_decided(place, batches(trial, stack)? - before)?;
            stack.add_worker()?;
            trial.recovered(stack)?;
            // What it held is given back, and applied by the other.
            let idle = "application_name = 'backdrop-worker' AND state = 'idle in transaction'";
            trial.until("it has lost its transaction", SESSIONS_END_WITHIN, || {
                Ok(sessions(trial, stack, idle)? == 0)
            })?;
            trial.until_acknowledged(&ledger, 20)?;
            stack.workers[0].thaw();
            trial.until_acknowledged(&ledger, 20)?;
            let status = stack.workers.remove(1).terminate()?;
            ensure!(status.success(), "the worker that took over ended with {status}");
        }
        Ok(())
    })?;
    Ok(trial.judge(&stack, &ledger))
}

/// Both sides of the moment, so often each.
fn places(times: usize) -> impl Iterator<Item = Place> {
    std::iter::repeat_n([Place::LastStatement, Place::Commit], times).flatten()
}

/// That the moment was the one it was to be.
fn ensure_decided(place: Place, committed: i64) -> anyhow::Result<()> {
    let is_committed = committed > 0;
    ensure!(is_committed == (place == Place::Commit), "{place:?}, but {committed} batches were committed");
    Ok(())
}

fn batches(trial: &Trial, stack: &Stack) -> anyhow::Result<i64> {
    Ok(trial.block_on(sqlx::query_scalar("SELECT count(*) FROM batch").fetch_one(&stack.pool))?)
}

fn sessions(trial: &Trial, stack: &Stack, condition: &'static str) -> anyhow::Result<i64> {
    let sql =
        format!("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND {condition}");
    Ok(trial.block_on(sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&stack.pool))?)
}
