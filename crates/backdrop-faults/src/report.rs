//! What came of a trial, as a row of the table.

use crate::fault::Fault;
use crate::ledger::Verdict;
use crate::trial::{Scale, Trial};
use std::time::Duration;

/// What came of one trial.
#[derive(Debug)]
pub struct Report {
    /// The fault.
    pub fault: Fault,
    /// How often it was injected.
    pub injected: usize,
    /// How long it took each time until writes were stored again.
    pub recoveries: Vec<Duration>,
    /// What the ledger found; or why there is none.
    pub verdict: anyhow::Result<Verdict>,
}

impl Fault {
    /// Tries the fault.
    ///
    /// # Errors
    /// If a trial cannot even begin; what goes wrong in it stands in the report.
    pub fn try_out(self, scale: Scale, seed: u64) -> anyhow::Result<Report> {
        self.try_out_by(scale, seed, self.run)
    }

    /// Tries the fault by a function of its own.
    pub(crate) fn try_out_by(
        self,
        scale: Scale,
        seed: u64,
        run: impl FnOnce(&mut Trial) -> anyhow::Result<Verdict>,
    ) -> anyhow::Result<Report> {
        let mut trial = Trial::new(scale, seed)?;
        let verdict = run(&mut trial);
        let (injected, recoveries) = trial.into_measures();
        Ok(Report { fault: self, injected, recoveries, verdict })
    }
}

impl Report {
    /// What speaks against it, in words; empty if the promise was kept.
    pub fn broken(&self) -> Vec<String> {
        match &self.verdict {
            Err(error) => vec![format!("{error:#}")],
            Ok(_) if self.injected == 0 => vec!["the fault was not injected".into()],
            Ok(verdict) => self.fault.promise.broken_by(verdict),
        }
    }

    fn cells(&self) -> [String; 11] {
        let counts = self.verdict.as_ref().map(|verdict| {
            let wrong = verdict.faulty_answers + verdict.stale_reads + verdict.refused_and_stored;
            [
                verdict.sent,
                verdict.acknowledged,
                verdict.lost,
                verdict.reported_lost,
                verdict.duplicated,
                verdict.out_of_order,
                wrong,
            ]
        });
        let [sent, acknowledged, lost, reported_lost, duplicated, out_of_order, wrong] = counts.map_or_else(
            |_| std::array::from_fn(|_| "?".to_owned()),
            |counts| counts.map(|count| count.to_string()),
        );
        let promise = if self.broken().is_empty() { "kept" } else { "BROKEN" };
        [
            self.fault.name.to_owned(),
            self.injected.to_string(),
            sent,
            acknowledged,
            lost,
            reported_lost,
            duplicated,
            out_of_order,
            wrong,
            recovery(&self.recoveries),
            promise.to_owned(),
        ]
    }
}

/// Median and longest, in seconds.
fn recovery(recoveries: &[Duration]) -> String {
    let mut sorted = recoveries.to_vec();
    sorted.sort();
    match (sorted.get(sorted.len() / 2), sorted.last()) {
        (Some(median), Some(longest)) => {
            format!("{:.1} / {:.1} s", median.as_secs_f64(), longest.as_secs_f64())
        }
        _ => "–".to_owned(),
    }
}

const HEAD: [&str; 11] = [
    "fault",
    "times",
    "sent",
    "acknowledged",
    "lost",
    "reported lost",
    "duplicated",
    "out of order",
    "wrong answers",
    "recovery (median / longest)",
    "promise",
];

/// The reports as a table in Markdown.
pub fn table(reports: &[Report]) -> String {
    backdrop_testing::table(HEAD, reports.iter().map(Report::cells))
}
