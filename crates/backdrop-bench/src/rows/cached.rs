//! Answers that the query service has already, beside a handler that answers the same bytes.

use super::Turns;
use crate::baseline::Baseline;
use crate::engines::Metrics;
use crate::load::{Load, Requests, Same};
use crate::questions::Question;
use crate::report::{Demand, Line};
use crate::stage::{BIG, Stage, get};
use anyhow::{Context, ensure};

/// Over how many connections: enough for both cores, few enough that none waits long.
const CONNECTIONS: usize = 16;
/// What an answer that is there already must reach of a bare handler's requests a second.
const DEMAND: Demand = Demand::Share(0.6);

/// Each question, asked again and again.
pub(super) fn answers(stage: &mut Stage) -> anyhow::Result<Vec<Line>> {
    stage.load()?;
    let cached = |question: &Question| {
        let (turns, notes) = compare(stage, &get(&question.path(BIG, 0), ""), 200, CONNECTIONS)?;
        Ok(rates(&turns, format!("{}, answer cached", question.title()), &notes))
    };
    Question::ALL.iter().map(cached).collect()
}

/// A question whose answer the client has. Over one connection it takes what every question does besides being answered.
pub(super) fn not_modified(stage: &mut Stage) -> anyhow::Result<Vec<Line>> {
    stage.load()?;
    let path = Question::Q1.path(BIG, 0);
    let mut reader = stage.reader()?;
    let request = get(&path, "");
    let headers = stage.block_on(async { anyhow::Ok(reader.ask(&request).await?.headers()) })?;
    let tag = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("etag")).context("no ETag")?;
    let request = get(&path, &format!("If-None-Match: {}", tag.1));
    let (many, notes) = compare(stage, &request, 304, CONNECTIONS)?;
    let (one, notes_of_one) = compare(stage, &request, 304, 1)?;
    Ok(vec![
        rates(&many, "304, client has the answer".into(), &notes),
        one.latencies("304 over one connection".into(), Demand::Nothing, notes_of_one),
    ])
}

fn rates(turns: &Turns, what: String, notes: &str) -> Line {
    let mut line = turns.rates(what, 1.0, DEMAND);
    line.notes += &format!("; {notes}");
    line
}

/// Sends a request again and again, to a bare handler and to the service in turns; gives what else is to be noted, too.
fn compare(
    stage: &Stage,
    request: &[u8],
    status: u16,
    connections: usize,
) -> anyhow::Result<(Turns, String)> {
    let mut reader = stage.reader()?;
    let (baseline, body_bytes) = stage.block_on(async {
        let answer = reader.ask(request).await?;
        ensure!(answer.status == status, "answered {}: {}", answer.status, answer.text());
        anyhow::Ok((Baseline::answering(&answer)?, answer.body.len()))
    })?;
    let sources = || -> Vec<Box<dyn Requests>> {
        let same = Same(request.into());
        (0..connections).map(|_| Box::new(same.clone()) as Box<dyn Requests>).collect()
    };
    let load = |address| Load { address, status, time: stage.options.time }.send(sources());
    let before = Metrics::read(stage)?;
    let mut turns = Turns::default();
    for _ in 0..stage.options.rounds {
        turns.push(load(baseline.address)?, load(stage.stack.read.address())?);
    }
    let shares = Metrics::read(stage)?.shares_since(&before);
    Ok((turns, format!("{body_bytes} bytes; {shares}")))
}
