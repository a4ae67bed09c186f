//! What the cases of a run were about, counted: a test that hits nothing proves nothing.

use crate::reference::Query;
use crate::service::Got;
use backdrop_core::query::PARAMETERS;
use backdrop_testing::Engines;
use serde_json::Value;
use std::collections::BTreeMap;

const PERIODS: [&str; 6] = ["hour", "day", "week", "month", "quarter", "year"];
const METHODS: [&str; 9] = ["sum", "mean", "min", "max", "median", "percentile", "count", "set", "plain"];

/// The counts.
#[derive(Debug, Default)]
pub(crate) struct Census {
    cases: usize,
    found_something: usize,
    refused: usize,
    engines: Engines,
    parameters: BTreeMap<String, usize>,
    kinds: BTreeMap<String, usize>,
}

impl Census {
    pub(crate) fn count(&mut self, query: &Query, got: &Got) {
        self.cases += 1;
        self.refused += usize::from(got.is_err());
        self.found_something += usize::from(got.as_ref().is_ok_and(|rows| has_found(rows)));
        let names: std::collections::BTreeSet<&String> = query.0.iter().map(|(name, _)| name).collect();
        for name in names {
            *self.parameters.entry(name.clone()).or_default() += 1;
        }
        let kinds = query.collect().into_iter().map(|(_, method)| method.map_or("plain", kind_of).to_owned());
        for kind in kinds.chain(query.one("period").map(str::to_owned)) {
            *self.kinds.entry(kind).or_default() += 1;
        }
    }

    /// Counts which engines answered.
    pub(crate) fn count_engines(&mut self, engines: Engines) {
        self.engines = self.engines + engines;
    }

    /// Prints the counts, and sees to it that there is enough of everything.
    pub(crate) fn check(&self, least: usize) {
        let percent = |count: usize| count as f64 * 100.0 / self.cases as f64;
        println!("{:>6}        cases", self.cases);
        println!("{:>6} {:>5.1}% found something", self.found_something, percent(self.found_something));
        println!("{:>6} {:>5.1}% refused for their values", self.refused, percent(self.refused));
        for (name, count) in self.parameters.iter().chain(&self.kinds) {
            println!("{count:>6} {:>5.1}% {name}", percent(*count));
        }
        println!("{:?}: frames answered {:.1}% of what they can", self.engines, self.engines.share());
        assert!(self.engines.share() >= 90.0, "frames were passed by: {:?}", self.engines);
        assert!(percent(self.engines.frame as usize) >= 20.0, "frames answer too little: {:?}", self.engines);
        assert!(self.cases >= least, "too few cases");
        assert!(percent(self.found_something) >= 60.0, "too few cases found something");
        for name in PARAMETERS {
            let count = self.parameters.get(*name).copied().unwrap_or(0);
            assert!(percent(count) >= 5.0, "{name} is in too few cases: {count}");
        }
        for kind in PERIODS.iter().chain(&METHODS) {
            assert!(self.kinds.contains_key(*kind), "{kind} is in no case");
        }
    }
}

fn kind_of(method: &str) -> &str {
    let is_percentile = method.strip_prefix('p').is_some_and(|rest| rest.parse::<u8>().is_ok());
    if is_percentile { "percentile" } else { method }
}

/// Whether a row has counted something, or is a record.
fn has_found(rows: &[Value]) -> bool {
    rows.iter().any(|row| row.get("_count").is_none_or(|count| *count != 0))
}
