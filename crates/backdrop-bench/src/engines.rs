//! Which engine of the query service answered: what its metrics say before and after.

use crate::load::Connection;
use crate::stage::{Stage, get};
use anyhow::ensure;
use std::collections::BTreeMap;

/// Counters and gauges of the query service, by name and labels.
#[derive(Clone, Debug, Default)]
pub struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    /// Reads them now.
    ///
    /// # Errors
    /// If the service does not tell.
    pub fn read(stage: &Stage) -> anyhow::Result<Self> {
        stage.block_on(async {
            Self::read_over(&mut Connection::open(stage.stack.read.address()).await?).await
        })
    }

    /// Reads them over a connection.
    ///
    /// # Errors
    /// If the service does not tell.
    pub async fn read_over(connection: &mut Connection) -> anyhow::Result<Self> {
        let answer = connection.ask(&get("/metrics", "")).await?;
        ensure!(answer.status == 200, "no metrics: {}", answer.status);
        let text = answer.text();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let pairs = lines.filter_map(|line| line.rsplit_once(' '));
        Ok(Self(pairs.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect()))
    }

    /// The sum of a family over all its labels; `None`: there is none.
    pub fn sum(&self, family: &str) -> Option<f64> {
        let of_family = self.0.iter().filter(|(name, _)| name.split('{').next() == Some(family));
        of_family.map(|(_, value)| *value).reduce(|left, right| left + right)
    }

    /// How many answers each engine gave.
    pub fn engines(&self) -> BTreeMap<String, f64> {
        let mut engines = BTreeMap::new();
        for (name, value) in &self.0 {
            let Some(labels) = name.strip_prefix("backdrop_answers_total{") else { continue };
            let engine = labels.split("engine=\"").nth(1).and_then(|rest| rest.split('"').next());
            if let Some(engine) = engine {
                *engines.entry(engine.to_owned()).or_default() += value;
            }
        }
        engines
    }

    /// The shares of the engines in what was answered since, in words.
    pub fn shares_since(&self, before: &Self) -> String {
        let earlier = before.engines();
        let since = self.engines().into_iter().map(|(engine, count)| {
            let count = count - earlier.get(&engine).copied().unwrap_or_default();
            (engine, count)
        });
        let since: Vec<(String, f64)> = since.collect();
        let all: f64 = since.iter().map(|(_, count)| count).sum();
        if all == 0.0 {
            // Of answers without a body nothing is told.
            return "no engine".into();
        }
        let share = |(engine, count): &(String, f64)| format!("{engine} {:.1} %", count / all * 100.0);
        since.iter().map(share).collect::<Vec<_>>().join(", ")
    }
}
