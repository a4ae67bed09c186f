//! A standby that lags takes over. What it has not got is applied once more.

use super::postgres::{own, rows};
use super::restored::{CAUGHT_UP_WITHIN, load, send_and_settle, shared_record};
use crate::{Fault, Ledger, Load, Promise, Trial, Verdict};
use anyhow::ensure;
use backdrop_testing::sqlx::{self, PgPool};
use backdrop_testing::{Connections, SharedPostgres, Stack};
use std::time::Duration;

/// A standby that lags is promoted, and the old primary fenced.
pub(super) const FAILED_OVER: Fault =
    Fault { name: "postgres-failed-over", promise: Promise::NothingLost, run: failed_over };

/// How long the services meet the fenced primary before the new one is there.
const FENCED_FOR: Duration = Duration::from_secs(1);

/// What becomes of the old primary.
#[derive(Clone, Copy, Debug)]
enum Fence {
    /// It is killed.
    Killed,
    /// It is made a standby, which answers and takes no writes.
    Demoted,
    /// It takes no writes any more, and keeps the connections it has.
    ReadOnly,
}

const FENCES: [Fence; 3] = [Fence::Killed, Fence::Demoted, Fence::ReadOnly];

fn failed_over(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut stack = trial.stack(own(Connections::Proxied))?;
    let ledger = trial.ledger(&stack, 2);
    let first = trial.moments.below(FENCES.len() as u64).try_into()?;
    for fence in FENCES.into_iter().cycle().skip(first).take(trial.times(1, 6)) {
        trial.send(&stack, &ledger, Load::one_by_one(8));
        let standby = lagging_standby(trial, &mut stack, &ledger)?;
        let known = shared_record(&stack, None)?;
        trial.under_load(&mut stack, &ledger, load(), |trial, stack| {
            fail_over(trial, stack, fence, standby)
        })?;
        let answer = shared_record(&stack, known.header("etag"))?;
        ensure!(answer.status == 200, "an answer of before passes for one of now");
    }
    Ok(trial.judge(&stack, &ledger))
}

/// A standby that has followed for a while, and has missed what came then.
fn lagging_standby(trial: &Trial, stack: &mut Stack, ledger: &Ledger) -> anyhow::Result<SharedPostgres> {
    let mut standby = stack.own_postgres().start_standby()?;
    let its = trial.block_on(async { stack.pool_at(standby.server()) })?;
    let count = |pool: &PgPool, sql: &'static str| -> anyhow::Result<i64> {
        Ok(trial.block_on(sqlx::query_scalar(sql).fetch_one(pool))?)
    };
    let batches = "SELECT count(*) FROM batch";
    trial.until("the standby follows", CAUGHT_UP_WITHIN, || {
        Ok(count(&its, batches)? == count(&stack.pool, batches)?)
    })?;
    for sql in ["ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()"] {
        trial.block_on(sqlx::query(sql).execute(&its))?;
    }
    trial.until("the standby follows no more", CAUGHT_UP_WITHIN, || {
        Ok(count(&its, "SELECT count(*) FROM pg_stat_wal_receiver")? == 0)
    })?;
    send_and_settle(trial, stack, ledger)?;
    let missed = count(&stack.pool, batches)? - count(&its, batches)?;
    ensure!(missed > 20, "the standby has missed only {missed} batches");
    Ok(standby)
}

fn fail_over(
    trial: &mut Trial,
    stack: &mut Stack,
    fence: Fence,
    mut standby: SharedPostgres,
) -> anyhow::Result<()> {
    let stored = rows(trial, stack)?;
    match fence {
        Fence::Killed => stack.own_postgres().server().kill()?,
        Fence::Demoted => stack.own_postgres().server().demote()?,
        Fence::ReadOnly => {
            for sql in ["ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"] {
                trial.block_on(sqlx::query(sql).execute(&stack.pool))?;
            }
        }
    }
    trial.injected();
    std::thread::sleep(FENCED_FOR);
    if let Fence::Demoted = fence {
        let answer = stack.reader().get("/data/ledger/set0");
        ensure!(answer.status == 503, "a standby was read: {}", answer.status);
    }
    standby.server().promote()?;
    trial.block_on(async { stack.move_to(standby.server()) })?;
    ensure!(rows(trial, stack)? < stored, "the standby did not lag");
    trial.recovered(stack)?;
    // The old one goes only now: nobody may have to wait for that.
    stack.postgres = Some(standby);
    Ok(())
}
