//! What Redis answers is lost on its way.

use super::batches_held;
use crate::{Fault, Load, Promise, Trial, Verdict};
use anyhow::ensure;
use backdrop_testing::{Proxy, StackOptions, Traffic};
use std::collections::HashSet;
use std::time::Duration;

/// What was appended, the ingest service is not told of.
pub(in crate::faults) const LOST: Fault =
    Fault { name: "redis-answers-lost", promise: Promise::NothingLost, run: lost };

fn lost(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut stack = trial.stack(StackOptions { workers: 1, ..StackOptions::default() })?;
    let proxy = Proxy::start(stack.redis_address())?;
    trial.block_on(stack.reach_redis_by(stack.redis_url_at(proxy.address())))?;
    let ledger = trial.ledger(&stack, 1);
    trial.under_load(&mut stack, &ledger, Load::default(), |trial, stack| {
        for _ in 0..trial.times(2, 20) {
            trial.until_acknowledged(&ledger, 10)?;
            // Nothing is applied meanwhile: who finds out the outcome need not repeat the append.
            stack.workers[0].freeze();
            // From an append on: of most requests a ping is lost, which shows before anything is appended.
            proxy.lose_answers_from("EVALSHA");
            trial.injected();
            std::thread::sleep(trial.moments.within_ms(300));
            proxy.set(Traffic::Flowing);
            // What was swallowed never comes; the connection is of no more use.
            proxy.cut();
            std::thread::sleep(Duration::from_millis(300));
            stack.workers[0].thaw();
            trial.recovered(stack)?;
        }
        Ok(())
    })?;
    let verdict = trial.judge(&stack, &ledger);
    let held = batches_held(&stack)?;
    let batches: HashSet<&String> = held.iter().collect();
    let repeated = held.len() - batches.len();
    eprintln!("  {repeated} appends were repetitions");
    ensure!(repeated > 0, "no append was repeated, so nothing was tested");
    ensure!(verdict.unanswered == 0, "{} appends were not repeated until answered", verdict.unanswered);
    Ok(verdict)
}
