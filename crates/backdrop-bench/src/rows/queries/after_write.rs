//! Queries right after a write to what they ask, beside the same queries without the write.

use super::super::Turns;
use super::warm::warm_up;
use crate::engines::Metrics;
use crate::load::{Connection, Measured};
use crate::questions::Question;
use crate::report::{Demand, Line};
use crate::stage::{BIG, Stage, get, post};
use anyhow::ensure;
use std::time::{Duration, Instant};

/// What a query may take longer because the data set has changed.
const DEMAND: Demand = Demand::MsMore(2.0);
/// For how long a write is waited for at most.
const PREFER: &str = "wait=30";

/// What happens before each query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Nothing,
    /// A record is written, and it is waited until it is stored.
    Write,
}

/// Each question, not cached.
pub(in super::super) fn after_write(stage: &mut Stage) -> anyhow::Result<Vec<Line>> {
    stage.load()?;
    warm_up(stage)?;
    Question::ALL.into_iter().map(|question| measure(stage, question)).collect()
}

fn measure(stage: &mut Stage, question: Question) -> anyhow::Result<Line> {
    let mut turns = Turns::default();
    let mut shares = String::new();
    for _ in 0..stage.options.rounds {
        let baseline = ask(stage, question, Before::Nothing)?;
        let before = Metrics::read(stage)?;
        turns.push(baseline, ask(stage, question, Before::Write)?);
        shares = Metrics::read(stage)?.shares_since(&before);
    }
    Ok(turns.latencies(format!("{}, right after a write", question.title()), DEMAND, shares))
}

fn ask(stage: &mut Stage, question: Question, before: Before) -> anyhow::Result<Measured> {
    let mut reader = stage.reader()?;
    let mut writer = stage.block_on(Connection::open(stage.stack.write.address()))?;
    let records = stage.records_of(BIG);
    let began = Instant::now();
    let mut latencies = Vec::new();
    while began.elapsed() < stage.options.time {
        if before == Before::Write {
            let written = post(BIG, PREFER, &records.array(stage.numbers(BIG, 1)));
            stage.block_on(send(&mut writer, &written))?;
        }
        let query = get(&question.path(BIG, stage.variants(1).start), "");
        latencies.push(stage.block_on(send(&mut reader, &query))?);
    }
    Measured::within(began.elapsed(), &latencies)
}

async fn send(connection: &mut Connection, request: &[u8]) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let answer = connection.ask(request).await?;
    let took = began.elapsed();
    ensure!(answer.status == 200, "answered {}: {}", answer.status, answer.text());
    Ok(took)
}
