//! Redis writes its file anew, and reads it again.

use crate::{Fault, Load, Promise, Trial, Verdict};
use backdrop_testing::{RedisOptions, Stack, StackOptions, redis};

/// Redis rewrites its append-only file and is killed meanwhile; and it reloads what it has, in the same life.
pub(in crate::faults) const REWRITTEN: Fault =
    Fault { name: "redis-file-rewritten", promise: Promise::NothingLost, run: rewritten };

fn rewritten(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let arguments = ["--enable-debug-command", "local"].map(str::to_owned).into();
    let redis = RedisOptions { arguments, ..RedisOptions::default() };
    let mut stack = trial.stack(StackOptions { workers: 1, redis, ..StackOptions::default() })?;
    let ledger = trial.ledger(&stack, 2);
    trial.under_load(&mut stack, &ledger, Load::default(), |trial, stack| {
        for round in 0..trial.times(3, 15) {
            trial.until_acknowledged(&ledger, 20)?;
            if round % 3 == 2 {
                command(stack, &["DEBUG", "RELOAD"])?;
            } else {
                command(stack, &["BGREWRITEAOF"])?;
                // Before, amid or after: what was rewritten, a preamble in another format, and what came since.
                std::thread::sleep(trial.moments.within_ms(60));
                stack.redis.kill()?;
                stack.redis.restart()?;
            }
            trial.injected();
            trial.recovered(stack)?;
        }
        Ok(())
    })?;
    Ok(trial.judge(&stack, &ledger))
}

fn command(stack: &Stack, words: &[&str]) -> anyhow::Result<()> {
    let mut redis = stack.redis_connection()?;
    Ok(redis::cmd(words[0]).arg(&words[1..]).exec(&mut redis)?)
}
