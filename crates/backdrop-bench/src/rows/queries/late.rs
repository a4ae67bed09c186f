//! Queries over a frame to which late records came, beside the same before they did. A late record is in no order with the
//! others until they are merged, so every query looks at it.

use super::super::Turns;
use super::ask_service;
use super::warm::warm_up;
use crate::engines::Metrics;
use crate::load::{Connection, Measured};
use crate::questions::Question;
use crate::records::Records;
use crate::report::{Demand, Line};
use crate::stage::{BIG, Stage, post};
use anyhow::ensure;

/// How many records there are for each late one: a few more than those with which the service merges late ones.
const PER_LATE: u64 = 33;
/// How many go in one write.
const AT_ONCE: usize = 1_000;
/// For how long a write is waited for at most.
const PREFER: &str = "wait=30";

/// Each question that is answered from memory, not cached.
pub(in super::super) fn late(stage: &mut Stage) -> anyhow::Result<Vec<Line>> {
    let questions: Vec<Question> =
        Question::ALL.into_iter().filter(|question| *question != Question::Q5).collect();
    stage.load()?;
    let before = ask_all(stage, &questions)?;
    let late = stage.options.records / PER_LATE;
    write_late(stage, late)?;
    let after = ask_all(stage, &questions)?;
    let rounds = before.into_iter().zip(after);
    let lines = questions.iter().zip(rounds).map(|(question, ((baseline, _), (subject, shares)))| {
        let what = format!("{}, after {late} late records", question.title());
        Turns { baseline, subject }.latencies(what, Demand::Nothing, shares)
    });
    Ok(lines.collect())
}

/// Asks each question for some rounds; gives with each which engine has answered.
fn ask_all(stage: &mut Stage, questions: &[Question]) -> anyhow::Result<Vec<(Vec<Measured>, String)>> {
    warm_up(stage)?;
    let ask_often = |question: &Question| {
        let before = Metrics::read(stage)?;
        let measured = (0..stage.options.rounds).map(|_| ask_service(stage, *question));
        let measured = measured.collect::<anyhow::Result<_>>()?;
        Ok((measured, Metrics::read(stage)?.shares_since(&before)))
    };
    questions.iter().map(ask_often).collect()
}

/// Writes that many records with times all over the two years.
fn write_late(stage: &Stage, late: u64) -> anyhow::Result<()> {
    let records = Records { prefix: "late".into(), total: late, ..stage.records_of(BIG) };
    let mut writer = stage.block_on(Connection::open(stage.stack.write.address()))?;
    for first in (0..late).step_by(AT_ONCE) {
        let array = records.array(first..late.min(first + AT_ONCE as u64));
        let answer = stage.block_on(writer.ask(&post(BIG, PREFER, &array)))?;
        ensure!(answer.status == 200, "answered {}: {}", answer.status, answer.text());
    }
    Ok(())
}
