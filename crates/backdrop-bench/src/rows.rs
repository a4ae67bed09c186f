//! What is measured, in the order of the table.

mod cached;
mod engine;
mod memory;
mod queries;
mod writes;

use crate::load::Measured;
use crate::report::{Demand, Line, Unit, median};
use crate::stage::Stage;

/// One or several lines of the table that are measured together.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// By what it is chosen.
    pub name: &'static str,
    /// Measures it.
    pub measure: fn(&mut Stage) -> anyhow::Result<Vec<Line>>,
}

/// All of them.
pub const ALL: &[Row] = &[
    Row { name: "queries", measure: queries::queries },
    Row { name: "memory", measure: memory::memory },
    Row { name: "engine", measure: engine::engine },
    Row { name: "after-write", measure: queries::after_write },
    Row { name: "cached", measure: cached::answers },
    Row { name: "not-modified", measure: cached::not_modified },
    Row { name: "cold", measure: queries::cold },
    Row { name: "late", measure: queries::late },
    Row { name: "batches", measure: writes::batches },
    Row { name: "waiting", measure: writes::waiting },
    Row { name: "async", measure: writes::respond_async },
];

/// Baseline and Backdrop, measured in turns.
#[derive(Debug, Default)]
struct Turns {
    baseline: Vec<Measured>,
    subject: Vec<Measured>,
}

impl Turns {
    fn push(&mut self, baseline: Measured, subject: Measured) {
        self.baseline.push(baseline);
        self.subject.push(subject);
    }

    /// The medians of a figure of each round.
    fn medians(&self, figure: impl Fn(&Measured) -> f64) -> (f64, f64) {
        let of = |side: &[Measured]| median(side.iter().map(&figure));
        (of(&self.baseline), of(&self.subject))
    }

    fn requests(&self) -> [usize; 2] {
        [&self.baseline, &self.subject].map(|side| side.iter().map(Measured::requests).sum())
    }

    /// A line of requests a second, times what each stands for.
    fn rates(&self, what: String, each: f64, demand: Demand) -> Line {
        let (baseline, subject) = self.medians(|measured| measured.rate() * each);
        let latency = |percent| self.medians(|measured| measured.percentile_ms(percent)).1;
        let notes = format!("p50 {:.2} ms, p99 {:.2} ms", latency(50), latency(99));
        let requests = self.requests();
        Line { what, unit: Unit::PerSecond, baseline: Some(baseline), subject, demand, requests, notes }
    }

    /// A line of how long requests take, half of them.
    fn latencies(&self, what: String, demand: Demand, shares: String) -> Line {
        let (baseline, subject) = self.medians(|measured| measured.percentile_ms(50));
        let (_, slowest) = self.medians(|measured| measured.percentile_ms(99));
        let notes = format!("p99 {slowest:.2} ms; {shares}");
        let requests = self.requests();
        Line { what, unit: Unit::Ms, baseline: Some(baseline), subject, demand, requests, notes }
    }
}
