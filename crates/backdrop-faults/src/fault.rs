//! What a fault is.

use crate::ledger::Verdict;
use crate::trial::Trial;

/// A fault, with what is promised for it.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Its name, as in `docs/reliability.md`.
    pub name: &'static str,
    /// What is promised.
    pub promise: Promise,
    /// Injects and heals it under load, and has the ledger judge.
    pub run: fn(&mut Trial) -> anyhow::Result<Verdict>,
}

/// What is promised of acknowledged writes. Everything else is promised for every fault: nothing twice, nothing
/// out of order, no answer outside the contract, and an empty backlog in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// None is lost.
    NothingLost,
    /// None is lost. The queue lost its memory, though: that is noted as gaps that miss nothing.
    OnlyMemoryLost,
    /// The queue lost its memory: each that is lost is told by a gap, and by its receipt.
    LossesReported,
}

impl Promise {
    /// What speaks against a verdict, in words; empty if the promise was kept.
    pub fn broken_by(self, verdict: &Verdict) -> Vec<String> {
        let counts = [
            ("acknowledged writes lost", verdict.lost),
            ("writes stored twice", verdict.duplicated),
            ("writes out of order", verdict.out_of_order),
            ("writes stored that were refused", verdict.refused_and_stored),
            ("answers outside the contract", verdict.faulty_answers),
            ("reads that missed an acknowledged write", verdict.stale_reads),
            ("writes not decided in time", verdict.undecided),
            ("transactions left open", verdict.open_transactions),
        ];
        let mut broken: Vec<String> = counts
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(what, count)| format!("{count} {what}"))
            .collect();
        let is_without_gaps = match self {
            Self::NothingLost => verdict.gaps == 0,
            Self::OnlyMemoryLost => verdict.gap_entries == 0,
            Self::LossesReported => true,
        };
        if !is_without_gaps || (self != Self::LossesReported && verdict.reported_lost > 0) {
            broken.push(format!("{} writes reported as lost, {} gaps", verdict.reported_lost, verdict.gaps));
        }
        if verdict.reported_lost > 0 && verdict.gaps == 0 {
            broken.push(format!("{} writes lost without a gap", verdict.reported_lost));
        }
        if verdict.acknowledged == 0 {
            broken.push("nothing was acknowledged, so nothing was tested".into());
        }
        broken.extend(verdict.findings.iter().cloned());
        broken
    }
}
