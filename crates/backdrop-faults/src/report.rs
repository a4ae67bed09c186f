//! What came of a trial, as a row of the table.

use crate::fault::Fault;
use crate::ledger::Verdict;
use crate::trial::{Scale, Trial};
use std::fmt::Write as _;
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

    fn cells(&self) -> Vec<String> {
        let mut cells = vec![self.fault.name.to_owned(), self.injected.to_string()];
        match &self.verdict {
            Err(_) => cells.extend(std::iter::repeat_n("?".to_owned(), 7)),
            Ok(verdict) => {
                let counts = [
                    verdict.sent,
                    verdict.acknowledged,
                    verdict.lost,
                    verdict.reported_lost,
                    verdict.duplicated,
                    verdict.out_of_order,
                    verdict.faulty_answers + verdict.stale_reads + verdict.refused_and_stored,
                ];
                cells.extend(counts.iter().map(ToString::to_string));
            }
        }
        cells.push(recovery(&self.recoveries));
        cells.push(if self.broken().is_empty() { "kept" } else { "BROKEN" }.to_owned());
        cells
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

/// The reports as a table in Markdown, so that it can go into the documentation as it is.
pub fn table(reports: &[Report]) -> String {
    let head: Vec<String> = HEAD.iter().map(ToString::to_string).collect();
    let rows: Vec<Vec<String>> = reports.iter().map(Report::cells).collect();
    let width = |column: usize| {
        let cells = rows.iter().chain([&head]).map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut text = String::new();
    for row in [&head, &rule].into_iter().chain(&rows) {
        for (cell, width) in row.iter().zip(&widths) {
            let padding = " ".repeat(width - cell.chars().count());
            // Writing to a string does not fail.
            let _ = write!(text, "| {cell}{padding} ");
        }
        text.push_str("|\n");
    }
    text
}
