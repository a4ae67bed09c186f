//! Writes, beside what the queue and the store can take at best.

mod upserts;

use super::Turns;
use crate::baseline::{Baseline, STREAM};
use crate::load::{Each, Load, Measured, NUMBER, Numbered, Requests};
use crate::report::{Demand, Line};
use crate::stage::{Stage, post};
use std::time::Duration;
use upserts::Upserts;

/// Over how many connections single records are posted.
const SINGLE_CONNECTIONS: u64 = 64;
/// Over how many connections batches are posted.
const BATCH_CONNECTIONS: u64 = 8;
/// How many records a batch has.
const BATCH_RECORDS: u64 = 1_000;
/// How many records a second are made ready for a round: about as many as a bare loop stores on one connection.
const READY_PER_SECOND: u64 = 100_000;
/// How long a round of a fixed number of writes may take before it is cut off: a slow round is a result, too.
const ROUND_MAX: Duration = Duration::from_secs(60);

/// Single records whose sender waits until they are stored.
pub(super) fn waiting(stage: &mut Stage) -> anyhow::Result<Vec<Line>> {
    single(stage, "wait=30", 200, "POST of one record, waiting, 64 connections", Demand::Share(0.25))
}

/// Single records whose sender takes a receipt.
pub(super) fn respond_async(stage: &mut Stage) -> anyhow::Result<Vec<Line>> {
    single(
        stage,
        "respond-async",
        202,
        "POST of one record, respond-async, 64 connections",
        Demand::Share(0.6),
    )
}

fn single(
    stage: &mut Stage,
    prefer: &str,
    status: u16,
    what: &str,
    demand: Demand,
) -> anyhow::Result<Vec<Line>> {
    let data_type = "single";
    stage.make(data_type);
    let record = stage.records_of(data_type);
    let baseline = Baseline::appending(&stage.stack.environment("REDIS_URL"))?;
    let mut turns = Turns::default();
    for _ in 0..stage.options.rounds {
        let mut sides = Vec::new();
        for (address, status) in [(baseline.address, 200), (stage.stack.write.address(), status)] {
            let sources = (0..SINGLE_CONNECTIONS).map(|_| {
                // More than one connection ever sends.
                let first = stage.numbers(data_type, 10_000_000).start;
                let body = format!(r#"[{{"_id":"{NUMBER}",{}]"#, &record.body(first)[1..]);
                Box::new(Numbered::new(post(data_type, prefer, &body), first)) as Box<dyn Requests>
            });
            let sources = sources.collect();
            let load = Load { address, status, time: stage.options.time };
            sides.push(load.send(sources)?);
            stage.settle(data_type)?;
            redis::cmd("DEL").arg(STREAM).exec(&mut stage.stack.redis_connection()?)?;
        }
        let [baseline, subject] = <[Measured; 2]>::try_from(sides).expect("there are two sides");
        turns.push(baseline, subject);
    }
    Ok(vec![turns.rates(what.into(), 1.0, demand)])
}

/// Batches of a thousand records whose sender waits: into one data set, beside one loop; and into eight, which may
/// be worked on at the same time, beside two loops.
pub(super) fn batches(stage: &mut Stage) -> anyhow::Result<Vec<Line>> {
    let one = "records/s stored, POSTs of 1,000, waiting, 8 connections, one data set";
    let eight = "records/s stored, likewise, into 8 data sets (beside 2 loops)";
    Ok(vec![
        stored(stage, one, 1, 1, Demand::Share(0.6))?,
        stored(stage, eight, BATCH_CONNECTIONS, 2, Demand::Nothing)?,
    ])
}

fn stored(
    stage: &mut Stage,
    what: &str,
    data_sets: u64,
    loops: usize,
    demand: Demand,
) -> anyhow::Result<Line> {
    let names: Vec<String> = (1..=data_sets).map(|n| format!("b{data_sets}x{n}")).collect();
    names.iter().for_each(|name| stage.make(name));
    let upserts = Upserts::new(stage, &format!("upserted{data_sets}"))?;
    let seconds = stage.options.time.as_secs_f64();
    let batches = (READY_PER_SECOND as f64 * seconds) as u64 / BATCH_RECORDS / BATCH_CONNECTIONS;
    let batches = batches.max(1);
    let mut turns = Turns::default();
    for _ in 0..stage.options.rounds {
        let mut lists: Vec<(String, Vec<std::ops::Range<u64>>)> = Vec::new();
        for connection in 0..BATCH_CONNECTIONS {
            let name = &names[usize::try_from(connection % data_sets)?];
            let ranges = (0..batches).map(|_| stage.numbers(name, BATCH_RECORDS));
            lists.push((name.clone(), ranges.collect()));
        }
        let baseline = upserts.send(stage, &lists, loops)?;
        let load = Load { address: stage.stack.write.address(), status: 200, time: ROUND_MAX };
        let sources = lists.iter().map(|(name, ranges)| {
            let records = stage.records_of(name);
            let requests = ranges.iter().map(|range| post(name, "wait=60", &records.array(range.clone())));
            Box::new(Each::of(requests.collect())) as Box<dyn Requests>
        });
        let sources = sources.collect();
        turns.push(baseline, load.send(sources)?);
    }
    Ok(turns.rates(what.into(), BATCH_RECORDS as f64, demand))
}
