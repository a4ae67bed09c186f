//! Queries whose answers are not cached, beside SQL over a table made for them.

mod after_write;
mod cold;
mod late;
mod warm;

pub(super) use after_write::after_write;
pub(super) use cold::cold;
pub(super) use late::late;

use super::Turns;
use crate::engines::Metrics;
use crate::figures;
use crate::load::{Connection, Each, Load, Measured};
use crate::questions::Question;
use crate::report::{Demand, Line};
use crate::stage::{BIG, Stage, get};
use crate::typed::{self, Typed};
use anyhow::ensure;
use std::time::Instant;
pub(super) use warm::warm_up;

/// How many queries a second are made ready: more than one connection asks.
const READY_PER_SECOND: f64 = 20_000.0;
/// How many variants of each question are held against each other.
const COMPARED: u64 = 3;
/// How far apart these are, so that they lie all over the two years, and are none that is measured.
const APART: u64 = 1_000_003;

const fn demand(question: Question) -> Demand {
    match question {
        Question::Q1 | Question::Q7 => Demand::Faster(100.0),
        Question::Q2 => Demand::Faster(50.0),
        Question::Q3 => Demand::Faster(15.0),
        Question::Q4 | Question::Q6 => Demand::Faster(5.0),
        Question::Q5 => Demand::Nothing,
    }
}

/// Each question over one connection, with another range or filter value each time.
pub(super) fn queries(stage: &mut Stage) -> anyhow::Result<Vec<Line>> {
    stage.load()?;
    let mut typed = Typed::make(stage)?;
    // Nothing is in memory yet, so these are answers of the SQL engine; then of frames.
    compare_all(stage, &mut typed, 1)?;
    warm_up(stage)?;
    compare_all(stage, &mut typed, 1 + COMPARED)?;
    Question::ALL.into_iter().map(|question| measure(stage, &mut typed, question)).collect()
}

fn measure(stage: &mut Stage, typed: &mut Typed, question: Question) -> anyhow::Result<Line> {
    let mut turns = Turns::default();
    let before = Metrics::read(stage)?;
    for _ in 0..stage.options.rounds {
        let baseline = ask_typed(stage, typed, question)?;
        turns.push(baseline, ask_service(stage, question)?);
    }
    let shares = Metrics::read(stage)?.shares_since(&before);
    Ok(turns.latencies(format!("{}, not cached", question.title()), demand(question), shares))
}

/// The question to the query service over one connection, each time another variant.
fn ask_service(stage: &mut Stage, question: Question) -> anyhow::Result<Measured> {
    let ready = (stage.options.time.as_secs_f64() * READY_PER_SECOND) as u64 + 1;
    let requests = stage.variants(ready).map(|variant| get(&question.path(BIG, variant), "")).collect();
    let load = Load { address: stage.stack.read.address(), status: 200, time: stage.options.time };
    load.send(vec![Box::new(Each::of(requests))])
}

/// The same to SQL, for as long, over one connection.
fn ask_typed(stage: &mut Stage, typed: &mut Typed, question: Question) -> anyhow::Result<Measured> {
    let began = Instant::now();
    let mut latencies = Vec::new();
    while began.elapsed() < stage.options.time {
        let variant = stage.variants(1).start;
        let asked = Instant::now();
        let rows = stage.block_on(typed.ask(question, variant))?;
        latencies.push(asked.elapsed());
        ensure!(!rows.is_empty(), "{} has no rows", question.title());
    }
    Measured::within(began.elapsed(), &latencies)
}

/// That the query service gives the figures of typed SQL, for every question.
fn compare_all(stage: &Stage, typed: &mut Typed, first: u64) -> anyhow::Result<()> {
    Question::ALL.into_iter().try_for_each(|question| compare(stage, typed, question, first))
}

fn compare(stage: &Stage, typed: &mut Typed, question: Question, first: u64) -> anyhow::Result<()> {
    let mut reader = stage.reader()?;
    for variant in (first..first + COMPARED).map(|n| n * APART) {
        let path = question.path(BIG, variant);
        let (rows, answer) = stage.block_on(async {
            let rows = typed.ask(question, variant).await?;
            anyhow::Ok((rows, ask(&mut reader, &path).await?))
        })?;
        figures::compare(&path, &typed::figures(&rows)?, &answer)?;
    }
    Ok(())
}

/// The figures that a query service answers with.
async fn ask(reader: &mut Connection, path: &str) -> anyhow::Result<figures::Figures> {
    let answer = reader.ask(&get(path, "")).await?;
    ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.text());
    figures::read(answer.body)
}
