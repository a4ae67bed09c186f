//! Workers die, stand still, compete, and are brought down by what they work on.

mod aborted;
mod before_commit;
mod before_trimming;
mod competing;

pub(super) use aborted::ABORTED_BY_ENTRY;
pub(super) use before_commit::{FROZEN_BEFORE_COMMIT, KILLED_BEFORE_COMMIT};
pub(super) use before_trimming::STOPPED_BEFORE_TRIMMING;
pub(super) use competing::COMPETE;

use crate::{Fault, Load, Promise, Trial, Verdict};
use anyhow::ensure;
use backdrop_testing::{Stack, StackOptions};
use std::time::Duration;

/// How long a second worker may take to take over: it counts another as gone after a second and a half. On a machine
/// that is busy with other tests, some more.
const TAKES_OVER_WITHIN: Duration = Duration::from_secs(10);

/// `kill -9` of the only worker at random moments, and of one of two.
pub(super) const KILLED: Fault = Fault { name: "worker-killed", promise: Promise::NothingLost, run: killed };

/// More than the worker keeps up with, so that it dies in the middle of long runs.
const HEAVY: Load =
    Load { writers: 8, readers: 1, async_every: 2, keyed_every: 4, pause: Duration::ZERO, writes: None };

fn killed(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut stack = one_worker(trial)?;
    let ledger = trial.ledger(&stack, 4);
    for (load, times) in [(Load::default(), trial.times(2, 60)), (HEAVY, trial.times(2, 30))] {
        trial.under_load(&mut stack, &ledger, load, |trial, stack| {
            for _ in 0..times {
                std::thread::sleep(trial.moments.within_ms(400));
                stack.workers[0].kill();
                trial.injected();
                stack.workers[0].restart()?;
                trial.recovered(stack)?;
            }
            Ok(())
        })?;
    }
    stack.add_worker()?;
    trial.under_load(&mut stack, &ledger, Load::default(), |trial, stack| {
        for turn in 0..trial.times(1, 10) {
            std::thread::sleep(trial.moments.within_ms(400));
            stack.workers[turn % 2].kill();
            trial.injected();
            let took = trial.recovered(stack)?;
            ensure!(took < TAKES_OVER_WITHIN, "the other worker took over after {took:?}");
            stack.workers[turn % 2].restart()?;
            trial.until_ready(&stack.workers[turn % 2])?;
        }
        Ok(())
    })?;
    Ok(trial.judge(&stack, &ledger))
}

fn one_worker(trial: &Trial) -> anyhow::Result<Stack> {
    trial.stack(StackOptions { workers: 1, ..StackOptions::default() })
}
