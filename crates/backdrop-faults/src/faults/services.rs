//! Services die and are stopped, their clients hang up, and one has a clock that is wrong.

mod cancelled;
mod clock;
mod rolling;

pub(super) use cancelled::REQUESTS_CANCELLED;
pub(super) use clock::WRITER_CLOCK_OFF;
pub(super) use rolling::ROLLING_RESTART;

use crate::{Fault, Load, Promise, Trial, Verdict};
use anyhow::ensure;
use backdrop_testing::{Process, Stack, StackOptions, sqlx};
use std::time::{Duration, Instant};

/// `kill -9` of the ingest service amid requests.
pub(super) const WRITER_KILLED: Fault =
    Fault { name: "writer-killed", promise: Promise::NothingLost, run: writer_killed };

/// SIGTERM of each service in turn.
pub(super) const TERMINATED: Fault =
    Fault { name: "services-terminated", promise: Promise::NothingLost, run: terminated };

/// How long a service may take to end when nothing hinders it: what is in flight ends within ten seconds.
const ENDS_WITHIN: Duration = Duration::from_secs(12);

fn writer_killed(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut stack = trial.stack(StackOptions { workers: 1, ..StackOptions::default() })?;
    let ledger = trial.ledger(&stack, 4);
    // Half of all writes are sent again until they are answered, and must count once.
    let load = Load { writers: 8, keyed_every: 2, pause: Duration::ZERO, ..Load::default() };
    trial.under_load(&mut stack, &ledger, load, |trial, stack| {
        for _ in 0..trial.times(4, 50) {
            trial.until_acknowledged(&ledger, 10)?;
            std::thread::sleep(trial.moments.within_ms(200));
            stack.write.kill();
            trial.injected();
            stack.write.restart()?;
            trial.recovered(stack)?;
        }
        Ok(())
    })?;
    let verdict = trial.judge(&stack, &ledger);
    ensure!(verdict.repeated > 0, "no write was sent again, so nothing was amid a request");
    Ok(verdict)
}

fn terminated(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut stack = trial.stack(StackOptions { workers: 1, ..StackOptions::default() })?;
    let ledger = trial.ledger(&stack, 4);
    trial.under_load(&mut stack, &ledger, Load::default(), |trial, stack| {
        for _ in 0..trial.times(1, 10) {
            terminate(trial, stack, |stack| &mut stack.write)?;
            terminate(trial, stack, |stack| &mut stack.read)?;
            terminate(trial, stack, |stack| &mut stack.workers[0])?;
        }
        Ok(())
    })?;
    Ok(trial.judge(&stack, &ledger))
}

fn terminate(
    trial: &mut Trial,
    stack: &mut Stack,
    of: impl Fn(&mut Stack) -> &mut Process,
) -> anyhow::Result<()> {
    std::thread::sleep(trial.moments.within_ms(300));
    let began = Instant::now();
    let status = of(stack).terminate()?;
    ensure!(status.success(), "a service ended with {status}:\n{}", of(stack).log());
    ensure!(began.elapsed() < ENDS_WITHIN, "a service took {:?} to end", began.elapsed());
    trial.injected();
    if !stack.workers[0].is_running() {
        let sql = "SELECT count(*) FROM ingest_partition WHERE attempts > 0";
        let counted: i64 = trial.block_on(sqlx::query_scalar(sql).fetch_one(&stack.pool))?;
        ensure!(counted == 0, "{counted} partitions were not left clean");
    }
    of(stack).restart()?;
    trial.recovered(stack)?;
    Ok(())
}
