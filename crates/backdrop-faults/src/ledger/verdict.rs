//! What became of all promises.

use std::time::Duration;

/// How many findings are told in words; the counts tell of all.
const FINDINGS_MAX: usize = 20;

/// What a ledger found, in counts. What each fault promises of them stands in [`Promise`](crate::Promise).
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Writes sent; one that was repeated with its key counts once.
    pub sent: usize,
    /// Writes answered with 200 or 202, or with what the worker found wrong with them.
    pub acknowledged: usize,
    /// Of these, visibly rejected, or set aside.
    pub rejected: usize,
    /// Of these, gone, though nobody says so.
    pub lost: usize,
    /// Of these, reported as lost by their receipts.
    pub reported_lost: usize,
    /// Writes answered with 503.
    pub refused: usize,
    /// Of these, stored all the same.
    pub refused_and_stored: usize,
    /// Writes without an answer, or with one that says that nobody knows.
    pub unanswered: usize,
    /// Requests that were sent again, since they were refused or not answered.
    pub repeated: usize,
    /// Writes stored twice, and records that nobody sent.
    pub duplicated: usize,
    /// Writes accepted in another order than they were acknowledged in, and records that an older write won.
    pub out_of_order: usize,
    /// Answers to writes and reads that the contract does not have, 500 above all.
    pub faulty_answers: usize,
    /// Reads sent.
    pub reads: usize,
    /// Reads answered with 503.
    pub reads_refused: usize,
    /// Reads that missed a write acknowledged before.
    pub stale_reads: usize,
    /// Acknowledged writes that were not decided in time after all was well again.
    pub undecided: usize,
    /// Transactions open in Postgres after all was done.
    pub open_transactions: usize,
    /// Gaps noted in the log, those of unknown size included.
    pub gaps: usize,
    /// Entries that these gaps account for.
    pub gap_entries: usize,
    /// How long the slowest write took to be answered.
    pub slowest_write: Duration,
    /// How long the slowest write that was answered with 503 took.
    pub slowest_refusal: Duration,
    /// How long the slowest read took to be answered.
    pub slowest_read: Duration,
    /// What was found wrong, in words; not all of it, if it is much.
    pub findings: Vec<String>,
}

impl Verdict {
    /// Notes it as wrong if a write or a read took longer to be answered than it may.
    #[must_use]
    pub(crate) fn answered_within(mut self, writes: Duration, reads: Duration) -> Self {
        for (what, slowest, bound) in
            [("write", self.slowest_write, writes), ("read", self.slowest_read, reads)]
        {
            if slowest > bound {
                self.find(format!("a {what} was answered after {slowest:?}, not within {bound:?}"));
            }
        }
        self
    }

    /// Notes it as wrong if a write was refused, or not answered.
    #[must_use]
    pub(crate) fn all_accepted(mut self) -> Self {
        if (self.refused, self.unanswered) != (0, 0) {
            self.find(format!("{} writes were refused, {} not answered", self.refused, self.unanswered));
        }
        self
    }

    /// Notes something that is wrong.
    pub(crate) fn find(&mut self, finding: String) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        }
    }
}
