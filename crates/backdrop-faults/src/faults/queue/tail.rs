//! The append-only file of Redis loses its tail, as with `everysec` when a machine goes down.

use super::{backlog_bytes, batches_held, until_applied};
use crate::{Fault, Ledger, Load, Promise, Trial, Verdict};
use anyhow::ensure;
use backdrop_testing::{AppendOnlyFile, Cut, Stack, StackOptions};
use std::collections::HashSet;

/// All that is cut was applied.
pub(in crate::faults) const CUT_APPLIED: Fault =
    Fault { name: "redis-tail-cut-applied", promise: Promise::OnlyMemoryLost, run: cut_applied };
/// What is cut was not applied yet.
pub(in crate::faults) const CUT_UNAPPLIED: Fault =
    Fault { name: "redis-tail-cut-unapplied", promise: Promise::LossesReported, run: cut_unapplied };

/// Whether the worker applied what is cut.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tail {
    Applied,
    Waiting,
}

fn cut_applied(trial: &mut Trial) -> anyhow::Result<Verdict> {
    cut(trial, Tail::Applied)
}

fn cut_unapplied(trial: &mut Trial) -> anyhow::Result<Verdict> {
    cut(trial, Tail::Waiting)
}

fn cut(trial: &mut Trial, tail: Tail) -> anyhow::Result<Verdict> {
    let mut stack = trial.stack(StackOptions { workers: 1, ..StackOptions::default() })?;
    let ledger = trial.ledger(&stack, 2);
    let mut lost = 0;
    for round in 0..trial.times(2, 10) {
        let cut = if round.is_multiple_of(2) { Cut::Between } else { Cut::Within };
        lost += cut_once(trial, &mut stack, &ledger, tail, cut)?;
    }
    // Writers tell what they know of an epoch when they write in the next one.
    trial.send(&stack, &ledger, Load::queued(20));
    let verdict = trial.judge(&stack, &ledger);
    let expected = if tail == Tail::Applied { 0 } else { lost };
    let (reported, gap_entries) = (verdict.reported_lost, verdict.gap_entries);
    ensure!(reported == expected, "{lost} entries were cut, {reported} reported as lost");
    ensure!(gap_entries == expected, "{lost} entries were cut, gaps of {gap_entries}");
    Ok(verdict)
}

/// Cuts off some entries, or a few more; tells how many.
fn cut_once(
    trial: &mut Trial,
    stack: &mut Stack,
    ledger: &Ledger,
    tail: Tail,
    cut: Cut,
) -> anyhow::Result<usize> {
    trial.send(stack, ledger, Load::queued(20));
    until_applied(trial, stack)?;
    stack.workers[0].freeze();
    trial.send(stack, ledger, Load::queued(20));
    if tail == Tail::Applied {
        stack.workers[0].thaw();
        until_applied(trial, stack)?;
    } else {
        ensure!(backlog_bytes(stack) > Some(0), "nothing waits, so nothing can be lost");
    }
    let before = batches_held(stack)?;
    stack.redis.kill()?;
    let entries = 1 + usize::try_from(trial.moments.below(12))?;
    AppendOnlyFile::read(&stack.redis.data_directory())?.cut_from("XADD", entries, cut)?;
    stack.redis.restart()?;
    trial.injected();
    let after: HashSet<String> = batches_held(stack)?.into_iter().collect();
    let lost = before.iter().filter(|batch| !after.contains(*batch)).count();
    // What was appended in one call goes as a whole.
    ensure!(lost >= entries, "{entries} entries were to be cut, and {lost} were");
    if tail == Tail::Waiting {
        stack.workers[0].thaw();
    }
    trial.recovered(stack)?;
    until_applied(trial, stack)?;
    Ok(lost)
}
