//! The engine over columns by itself, without HTTP, beside loops written for one question.

use super::Turns;
use crate::load::Measured;
use crate::questions::Question;
use crate::records::Records;
use crate::report::{Demand, Line};
use crate::stage::{BIG, Stage};
use anyhow::{Context, ensure};
use backdrop_core::query::{Answer, FieldName, Query};
use backdrop_core::shape::{Cell, Collected, Number};
use backdrop_core::time::Timestamp;
use backdrop_frames::{Frame, FrameBuilder, RowRef};
use chrono::DateTime;
use std::hint::black_box;
use std::time::Instant;

/// How many variants are asked in turns.
const VARIANTS: u64 = 64;

/// The columns of the question, in the order of time.
struct Columns {
    /// Microseconds since 1970.
    times: Vec<i64>,
    counts: Vec<i32>,
}

/// A variant, checked before it is asked.
struct Asked {
    query: Query,
    /// In microseconds since 1970.
    start: i64,
    end: i64,
    /// When the periods begin, likewise.
    periods: Vec<i64>,
}

/// The monthly sum.
pub(super) fn engine(stage: &mut Stage) -> anyhow::Result<Vec<Line>> {
    let records = stage.records_of(BIG);
    let (frame, columns) = (frame(&records)?, Columns::of(&records));
    let asked: Vec<Asked> = (0..VARIANTS).map(Asked::variant).collect::<anyhow::Result<_>>()?;
    for asked in &asked {
        let sums = sums(&asked.cells(&frame)?, asked.periods.len())?;
        ensure!(sums == columns.sums_by_row(asked), "the engine adds up something else");
        ensure!(sums == columns.sums_by_slice(asked), "the loops add up something else");
    }
    let (mut by_row, mut by_slice) = (Turns::default(), Turns::default());
    for _ in 0..stage.options.rounds {
        let timed = |run: &dyn Fn(&Asked)| timed(stage, &asked, run);
        let engine = || timed(&|asked| drop(black_box(asked.cells(&frame))));
        by_row.push(timed(&|asked| drop(black_box(columns.sums_by_row(asked))))?, engine()?);
        by_slice.push(timed(&|asked| drop(black_box(columns.sums_by_slice(asked))))?, engine()?);
    }
    let line = |turns: &Turns, what: &str, demand| turns.latencies(what.into(), demand, "no HTTP".into());
    Ok(vec![
        line(&by_row, "Q1 inside the engine, beside a loop over the rows", Demand::Times(3.0)),
        line(&by_slice, "Q1 likewise, beside sums of slices found by bisection", Demand::Nothing),
    ])
}

fn timed(stage: &Stage, asked: &[Asked], run: &dyn Fn(&Asked)) -> anyhow::Result<Measured> {
    let began = Instant::now();
    let mut latencies = Vec::new();
    for asked in asked.iter().cycle() {
        let asked_at = Instant::now();
        run(asked);
        latencies.push(asked_at.elapsed());
        if began.elapsed() > stage.options.time {
            break;
        }
    }
    Measured::within(began.elapsed(), &latencies)
}

fn micros(records: &Records, n: u64) -> i64 {
    records.time(n) * 1_000_000
}

fn field(name: &str) -> anyhow::Result<FieldName> {
    let query = Query::parse(&[("group_by".into(), name.into())], Timestamp::UNIX_EPOCH);
    let keys = match query.ok().context("a field is grouped by")?.answer() {
        Answer::Groups(grouping) => grouping.keys().to_vec(),
        Answer::Rows(_) => Vec::new(),
    };
    keys.into_iter().next().context("a key")
}

fn frame(records: &Records) -> anyhow::Result<Frame> {
    let mut builder = FrameBuilder::new(vec![field("count")?], [records.seed, !records.seed], usize::MAX);
    for n in 0..records.total {
        let (id, count) = (records.id(n), records.count(n).to_string());
        builder.push(RowRef { id: &id, time: micros(records, n), values: &[Some(&count)] })?;
    }
    Ok(builder.build()?)
}

impl Asked {
    fn variant(variant: u64) -> anyhow::Result<Self> {
        let (question, now) = (Question::Q1, Timestamp::UNIX_EPOCH);
        let query =
            Query::parse(&question.parameters(variant), now).ok().context("a question is a good query")?;
        let Answer::Groups(grouping) = query.answer() else { anyhow::bail!("not grouped") };
        let starts = grouping.periods().context("no periods")?.starts();
        let periods = starts.iter().map(DateTime::timestamp_micros).collect();
        let window = question.window(variant);
        let (start, end) = (window.start * 1_000_000, window.end * 1_000_000);
        Ok(Self { query, start, end, periods })
    }

    fn cells(&self, frame: &Frame) -> anyhow::Result<Vec<Cell>> {
        match self.query.answer() {
            Answer::Groups(grouping) => Ok(frame.cells(self.query.selection(), grouping)?),
            Answer::Rows(_) => anyhow::bail!("not grouped"),
        }
    }
}

fn sums(cells: &[Cell], periods: usize) -> anyhow::Result<Vec<i64>> {
    let mut sums = vec![0; periods];
    for cell in cells {
        let sum = match cell.collected.as_slice() {
            [Collected::Number(Some(Number::Integer(sum)))] => i64::try_from(*sum)?,
            other => anyhow::bail!("no sum: {other:?}"),
        };
        sums[cell.period.context("no period")?] = sum;
    }
    Ok(sums)
}

impl Columns {
    fn of(records: &Records) -> Self {
        let mut rows: Vec<(i64, i32)> = (0..records.total)
            .map(|n| (micros(records, n), i32::try_from(records.count(n)).unwrap_or(i32::MAX)))
            .collect();
        rows.sort_unstable_by_key(|(time, _)| *time);
        let (times, counts) = rows.into_iter().unzip();
        Self { times, counts }
    }

    /// What one writes who knows that the rows are in the order of time: one pass, and on to the next period where
    /// that begins.
    fn sums_by_row(&self, asked: &Asked) -> Vec<i64> {
        let mut sums = vec![0; asked.periods.len()];
        let mut period = 0;
        for (time, count) in self.times.iter().zip(&self.counts) {
            if *time < asked.start || *time >= asked.end {
                continue;
            }
            while asked.periods.get(period + 1).is_some_and(|next| next <= time) {
                period += 1;
            }
            sums[period] += i64::from(*count);
        }
        sums
    }

    /// What one writes who wants to be as fast as memory: no look at the time of a row, but for the ends of periods.
    fn sums_by_slice(&self, asked: &Asked) -> Vec<i64> {
        let place = |at: i64| self.times.partition_point(|time| *time < at);
        let ends = asked.periods.iter().skip(1).copied().chain([asked.end]);
        let ranges = asked.periods.iter().zip(ends).map(|(start, end)| {
            let start = (*start).max(asked.start);
            place(start)..place(end.min(asked.end).max(start))
        });
        ranges.map(|rows| self.counts[rows].iter().map(|count| i64::from(*count)).sum()).collect()
    }
}
