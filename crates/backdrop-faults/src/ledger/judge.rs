//! Whether the promises were kept, as the rows of batches, the records and their order show.

use super::act::request_id;
use super::evidence::{
    BatchRow, Rows, backlog_bytes, batches, gaps, open_transactions, records_of, state_of,
};
use super::model::Model;
use super::{Act, Answered, Found, Ledger, Sent, Verdict};
use backdrop_testing::{Client, Stack};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

/// How long accepted batches may take to be decided once everything is well again.
const DECIDED_WITHIN: Duration = Duration::from_secs(60);
/// How often it is looked whether all is decided.
const LOOK_EVERY: Duration = Duration::from_millis(100);

impl Ledger {
    /// Waits until everything accepted is decided, and judges.
    ///
    /// # Panics
    /// If the store cannot be asked.
    pub async fn judge(&self, stack: &Stack) -> Verdict {
        self.judge_within(stack, DECIDED_WITHIN).await
    }

    /// Like [`judge`](Self::judge), with so much patience.
    ///
    /// # Panics
    /// As [`judge`](Self::judge).
    pub async fn judge_within(&self, stack: &Stack, patience: Duration) -> Verdict {
        let sent = self.book().sent.clone();
        let mut verdict = Verdict { sent: sent.len(), ..Verdict::default() };
        let (rows, lost) = self.settle(stack, &sent, patience, &mut verdict).await;
        for one in &sent {
            judge_one(one, rows.get(&one.number).map_or(&[][..], Vec::as_slice), &lost, &mut verdict);
        }
        self.judge_order(&sent, &rows, &mut verdict);
        for index in 0..self.data_types.len() {
            self.judge_records(stack, index, &sent, &rows, &mut verdict).await;
        }
        self.judge_reads(&mut verdict);
        (verdict.gaps, verdict.gap_entries) = gaps(stack).await;
        verdict.open_transactions = open_transactions(stack).await;
        verdict
    }

    /// Waits until all that was accepted has a row, or a receipt that says that it is lost, and nothing waits in
    /// the queue any more. Gives the rows, and the acts that are reported as lost.
    async fn settle(
        &self,
        stack: &Stack,
        sent: &[Sent],
        patience: Duration,
        verdict: &mut Verdict,
    ) -> (Rows, HashSet<usize>) {
        let mut lost = HashSet::new();
        let deadline = Instant::now() + patience;
        loop {
            let rows = batches(stack).await;
            let waiting: Vec<(&Sent, &str)> = sent
                .iter()
                .filter(|one| !rows.contains_key(&one.number) && !lost.contains(&one.number))
                .filter_map(|one| match &one.answered {
                    Answered::Accepted(receipt) => Some((one, receipt.as_str())),
                    _ => None,
                })
                .collect();
            if waiting.is_empty() && backlog_bytes(stack) == Some(0) {
                // What was applied while the rows were read.
                return (batches(stack).await, lost);
            }
            if Instant::now() > deadline {
                verdict.undecided = waiting.len();
                verdict.find(format!("the backlog is {:?} bytes", backlog_bytes(stack)));
                return (rows, lost);
            }
            for (one, receipt) in waiting {
                let writer =
                    stack.writer().with_token(&format!("token-for-{}", self.data_type_of(one.number)));
                if receipt_state(&writer, receipt).as_deref() != Some("lost") {
                    break;
                }
                lost.insert(one.number);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// What one client sent to a data set, one after the other, each after the one before was acknowledged, was
    /// accepted in that order.
    fn judge_order(&self, sent: &[Sent], rows: &Rows, verdict: &mut Verdict) {
        let mut last: HashMap<(usize, &str), (i64, i64)> = HashMap::new();
        for one in sent.iter().filter(|one| one.answered.is_acknowledged()) {
            let Some([row]) = rows.get(&one.number).map(Vec::as_slice) else { continue };
            let before = last.insert((one.client, self.data_type_of(one.number)), row.place);
            if before >= Some(row.place) {
                verdict.out_of_order += 1;
                verdict.find(format!(
                    "{} stands at {:?}, after {before:?}",
                    request_id(one.number),
                    row.place
                ));
            }
        }
    }

    /// The records are exactly those of the stored batches, applied once each, in the order accepted.
    async fn judge_records(
        &self,
        stack: &Stack,
        set: usize,
        sent: &[Sent],
        rows: &Rows,
        verdict: &mut Verdict,
    ) {
        let of_set = sent.iter().filter(|one| one.number % self.data_types.len() == set);
        let stored: BTreeMap<(i64, i64), (Act, usize)> = of_set
            .flat_map(|one| {
                let rows = rows.get(&one.number).into_iter().flatten();
                let stored = rows.filter(|row| row.outcome == "stored");
                stored.map(|row| (row.place, (one.act, one.number)))
            })
            .collect();
        let mut model = Model::default();
        for (act, number) in stored.values() {
            model.apply(*act, *number);
        }
        let data_type = &self.data_types[set];
        let (version, count) = state_of(stack, data_type).await;
        if (version, count) != (model.version, i64::try_from(model.records.len()).expect("few")) {
            verdict.find(format!(
                "{data_type} has version {version} and {count} records, not {} and {}",
                model.version,
                model.records.len()
            ));
        }
        let found = records_of(stack, data_type).await;
        compare(data_type, &model.records, &found, verdict);
    }

    fn judge_reads(&self, verdict: &mut Verdict) {
        let reads = self.book().reads.clone();
        verdict.reads = reads.len();
        for read in reads {
            verdict.slowest_read = verdict.slowest_read.max(read.took);
            match read.found {
                Found::There => {}
                Found::Nothing => verdict.reads_refused += 1,
                Found::Stale(number) => {
                    verdict.stale_reads += 1;
                    verdict.find(format!("a read did not find {}", request_id(number)));
                }
                Found::Faulty(answer) => {
                    verdict.faulty_answers += 1;
                    verdict.find(format!("a read was answered {answer}"));
                }
            }
        }
    }
}

fn judge_one(one: &Sent, rows: &[BatchRow], lost: &HashSet<usize>, verdict: &mut Verdict) {
    let name = request_id(one.number);
    verdict.slowest_write = verdict.slowest_write.max(one.took);
    verdict.repeated += one.repeated;
    verdict.acknowledged += usize::from(one.answered.is_acknowledged());
    if rows.len() > 1 {
        verdict.duplicated += rows.len() - 1;
        verdict.find(format!("{name} has {} rows", rows.len()));
    }
    let outcome = rows.first().map(|row| row.outcome.as_str());
    let is_kept = match (&one.answered, outcome) {
        (Answered::Stored, outcome) => outcome == Some("stored"),
        (Answered::Rejected, outcome) => outcome == Some("rejected"),
        (Answered::Accepted(_), Some("stored")) => one.act != Act::Bad,
        (Answered::Accepted(_), Some(_)) => one.act == Act::Bad || outcome == Some("dead"),
        // What is not decided in time is counted as that.
        (Answered::Accepted(_), None) => verdict.undecided > 0 || lost.contains(&one.number),
        (Answered::Refused | Answered::Unknown | Answered::Faulty(_), _) => true,
    };
    if !is_kept {
        verdict.lost += 1;
        verdict.find(format!("{name}, {:?}, was answered {:?}, and is {outcome:?}", one.act, one.answered));
    }
    match &one.answered {
        Answered::Refused => {
            verdict.refused += 1;
            verdict.slowest_refusal = verdict.slowest_refusal.max(one.took);
            if outcome.is_some() {
                verdict.refused_and_stored += 1;
                verdict.find(format!("{name} was refused, and is {outcome:?}"));
            }
        }
        Answered::Unknown => verdict.unanswered += 1,
        Answered::Faulty(answer) => {
            verdict.faulty_answers += 1;
            verdict.find(format!("{name} was answered {answer}"));
        }
        Answered::Stored | Answered::Rejected | Answered::Accepted(_) => {}
    }
    verdict.reported_lost += usize::from(lost.contains(&one.number));
    verdict.rejected +=
        usize::from(one.answered.is_acknowledged() && matches!(outcome, Some("rejected" | "dead")));
}

/// Records that are missing are lost, those too many were stored twice, and others lost against an older write.
fn compare(
    data_type: &str,
    expected: &BTreeMap<String, (i64, i64)>,
    found: &BTreeMap<String, (i64, i64)>,
    verdict: &mut Verdict,
) {
    for (id, wanted) in expected {
        match found.get(id) {
            None => {
                verdict.lost += 1;
                verdict.find(format!("record {id} of {data_type} is missing"));
            }
            Some(there) if there != wanted => {
                verdict.out_of_order += 1;
                verdict.find(format!("record {id} of {data_type} is {there:?}, not {wanted:?}"));
            }
            Some(_) => {}
        }
    }
    for id in found.keys().filter(|id| !expected.contains_key(*id)) {
        verdict.duplicated += 1;
        verdict.find(format!("record {id} of {data_type} should not be there"));
    }
}

/// The state of a receipt, if it is told.
fn receipt_state(writer: &Client, receipt: &str) -> Option<String> {
    let answer = writer.send("GET", &format!("/receipts/{receipt}"), Vec::new()).ok()?;
    (answer.status == 200).then(|| answer.json()["state"].as_str().map(str::to_owned)).flatten()
}
