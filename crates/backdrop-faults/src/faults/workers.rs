//! Workers die.

use crate::{Fault, Load, Promise, Trial, Verdict};
use backdrop_testing::StackOptions;

/// `kill -9` of the only worker at random moments.
pub(super) const KILLED: Fault = Fault { name: "worker-killed", promise: Promise::NothingLost, run: killed };

fn killed(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut stack = trial.stack(StackOptions { workers: 1, ..StackOptions::default() })?;
    let ledger = trial.ledger(&stack, 4);
    trial.under_load(&mut stack, &ledger, Load::default(), |trial, stack| {
        for _ in 0..trial.times(5, 100) {
            std::thread::sleep(trial.moments.within_ms(400));
            stack.workers[0].kill();
            trial.injected();
            stack.workers[0].restart()?;
            trial.recovered(stack)?;
        }
        Ok(())
    })?;
    Ok(trial.judge(&stack, &ledger))
}
