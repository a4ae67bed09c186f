//! Several workers that each believe to look after every partition.

use crate::{Fault, Load, Promise, Trial, Verdict};
use backdrop_testing::{StackOptions, sqlx};
use std::time::Duration;

/// Workers that do not see each other, and stand still in turns.
pub(crate) const COMPETE: Fault =
    Fault { name: "workers-compete", promise: Promise::NothingLost, run: compete };

/// How many workers.
const WORKERS: usize = 3;
/// What stands in the log of a worker that has applied a batch.
const APPLIED: &str = "lag_ms";
/// How long it may take until a worker has, if it is the only one.
const APPLIED_WITHIN: Duration = Duration::from_secs(20);

fn compete(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut stack = trial.stack(StackOptions::default())?;
    // Whatever beats was last seen long ago: each worker finds itself alone.
    let alone = sqlx::raw_sql(
        "CREATE FUNCTION was_seen_long_ago() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             NEW.seen_at := now() - interval '1 hour'; RETURN NEW;
         END $$;
         CREATE TRIGGER was_seen_long_ago BEFORE INSERT OR UPDATE ON worker_heartbeat
             FOR EACH ROW EXECUTE FUNCTION was_seen_long_ago();",
    );
    trial.block_on(alone.execute(&stack.pool))?;
    for _ in 0..WORKERS {
        stack.add_worker()?;
    }
    let ledger = trial.ledger(&stack, 4);
    trial.under_load(&mut stack, &ledger, Load::default(), |trial, stack| {
        for _ in 0..trial.times(3, 25) {
            let turn = usize::try_from(trial.moments.below(3))?;
            stack.workers[turn].freeze();
            trial.injected();
            std::thread::sleep(Duration::from_millis(200) + trial.moments.within_ms(600));
            stack.workers[turn].thaw();
            trial.until_acknowledged(&ledger, 10)?;
        }
        // Who was always slower than the others has not competed yet.
        for turn in 0..WORKERS {
            let others = || stack.workers.iter().enumerate().filter(|(other, _)| *other != turn);
            if !stack.workers[turn].log().contains(APPLIED) {
                others().for_each(|(_, worker)| worker.freeze());
                let has_applied = || Ok(stack.workers[turn].log().contains(APPLIED));
                trial.until("a worker applies what the others leave", APPLIED_WITHIN, has_applied)?;
                others().for_each(|(_, worker)| worker.thaw());
                trial.until_acknowledged(&ledger, 10)?;
            }
        }
        Ok(())
    })?;
    Ok(trial.judge(&stack, &ledger))
}
