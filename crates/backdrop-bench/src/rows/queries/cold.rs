//! The first query of a column that is not in memory, beside a service that keeps none in memory.

use super::super::Turns;
use super::ask;
use crate::figures::{self, Figures};
use crate::load::{Connection, Measured};
use crate::questions::Question;
use crate::report::{Demand, Line};
use crate::stage::{BIG, Stage, get};
use anyhow::ensure;
use backdrop_testing::{Process, Service};
use std::time::{Duration, Instant};

/// One that adds numbers up, and one that gathers texts.
const QUESTIONS: [Question; 2] = [Question::Q1, Question::Q7];
/// How often each is tried at least: there is only one first query in the life of a service.
const ROUNDS_MIN: usize = 7;
/// How long a service may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How the service is told to keep no columns in memory.
const WITHOUT_FRAMES: (&str, &str) = ("BACKDROP_FRAME_MEMORY", "0");

/// Each question to a service that has just begun.
pub(in super::super) fn cold(stage: &mut Stage) -> anyhow::Result<Vec<Line>> {
    stage.load()?;
    QUESTIONS.into_iter().map(|question| measure(stage, question)).collect()
}

fn measure(stage: &mut Stage, question: Question) -> anyhow::Result<Line> {
    let mut turns = Turns::default();
    for _ in 0..stage.options.rounds.max(ROUNDS_MIN) {
        let variant = stage.variants(1).start;
        let (sql, expected) = first(stage, question, variant, &[WITHOUT_FRAMES])?;
        let (frame, figures) = first(stage, question, variant, &[])?;
        figures::compare(question.title(), &expected, &figures)?;
        turns.push(Measured::within(sql, &[sql])?, Measured::within(frame, &[frame])?);
    }
    let what = format!("{}, first query of a cold column", question.title());
    Ok(turns.latencies(what, Demand::NotSlower, "beside the SQL engine".into()))
}

/// How long a new service takes to answer, and what it answers. It has answered a query before, of another data set: so
/// its connections are open, its statements prepared.
fn first(
    stage: &Stage,
    question: Question,
    variant: u64,
    settings: &[(&str, &str)],
) -> anyhow::Result<(Duration, Figures)> {
    let settings: Vec<(String, String)> =
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let mut service = stage.stack.spawn(Service::Read, &[], &settings)?;
    stage.block_on(async {
        let mut reader = ready(&mut service).await?;
        ask(&mut reader, &question.path("s1", variant)).await?;
        let began = Instant::now();
        let answer = reader.ask(&get(&question.path(BIG, variant), "")).await?;
        let took = began.elapsed();
        ensure!(answer.status == 200, "answered {}: {}", answer.status, answer.text());
        Ok((took, figures::read(answer.body)?))
    })
}

/// A connection to a service, once it is ready.
async fn ready(service: &mut Process) -> anyhow::Result<Connection> {
    let began = Instant::now();
    loop {
        if let Ok(mut connection) = Connection::open(service.address()).await
            && let Ok(answer) = connection.ask(&get("/_status/ready", "")).await
            && answer.status == 200
        {
            return Ok(connection);
        }
        ensure!(service.is_running(), "the service ended:\n{}", service.log());
        ensure!(began.elapsed() < READY_WITHIN, "the service is not ready:\n{}", service.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
