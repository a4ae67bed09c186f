//! Redis dies.

use crate::{Fault, Load, Promise, Trial, Verdict};
use backdrop_testing::StackOptions;

/// `kill -9` of Redis, which starts again with its append-only file.
pub(super) const KILLED: Fault = Fault { name: "redis-killed", promise: Promise::NothingLost, run: killed };

fn killed(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut stack = trial.stack(StackOptions { workers: 1, ..StackOptions::default() })?;
    let ledger = trial.ledger(&stack, 2);
    trial.under_load(&mut stack, &ledger, Load::default(), |trial, stack| {
        for _ in 0..trial.times(2, 20) {
            trial.until_acknowledged(&ledger, 20)?;
            std::thread::sleep(trial.moments.within_ms(100));
            stack.redis.kill()?;
            trial.injected();
            std::thread::sleep(trial.moments.within_ms(500));
            stack.redis.restart()?;
            trial.recovered(stack)?;
        }
        Ok(())
    })?;
    Ok(trial.judge(&stack, &ledger))
}
