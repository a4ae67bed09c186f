//! The work of who answers questions: takes all that wait, sends one statement for them, and begins again.

use super::line::{Line, States};
use super::{Desk, Gathering, Question};
use crate::StoreError;
use crate::database::SIGN_OF_LIFE_WITHIN;
use backdrop_core::data_set::DataSetId;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout, timeout_at};

/// How often others are let go first, as long as further questions come of it.
const GATHERED_TIMES_MAX: usize = 16;

/// Held by one at a time. However it ends, nobody is left who waits for an answer that nobody will give.
#[derive(Debug)]
pub(super) struct Duty {
    desk: Arc<Desk>,
    line: Option<Line>,
    is_over: bool,
}

impl Duty {
    pub(super) const fn new(desk: Arc<Desk>, line: Option<Line>) -> Self {
        Self { desk, line, is_over: false }
    }

    /// Answers questions until there are none.
    pub(super) async fn do_it(mut self) {
        loop {
            self.gather().await;
            let Some((questions, since)) = self.take() else { return };
            let mut data_sets: Vec<i64> = questions.iter().map(|question| question.data_set.0).collect();
            data_sets.sort_unstable();
            data_sets.dedup();
            match self.ask(&data_sets, since + self.desk.common.wait).await {
                Ok(states) => answer(questions, &states),
                Err(error) => refuse(questions, error),
            }
        }
    }

    /// Lets whoever is about to ask do so: what has already arrived goes into the same statement, and nobody waits for
    /// what has not.
    async fn gather(&self) {
        let waiting = || self.desk.gathering().questions.len();
        let mut before = waiting();
        for _ in 0..GATHERED_TIMES_MAX {
            yield_now().await;
            let now = waiting();
            if now == before {
                return;
            }
            before = now;
        }
    }

    /// The questions that wait, and since when; if there are none, the duty is over.
    fn take(&mut self) -> Option<(Vec<Question>, Instant)> {
        let mut gathering = self.desk.gathering();
        let Gathering { questions, since, is_on_duty, line } = &mut *gathering;
        if questions.is_empty() {
            *line = self.line.take();
            *is_on_duty = false;
            self.is_over = true;
            return None;
        }
        Some((mem::take(questions), *since))
    }

    /// The states of data sets, over the open connection or, if it is lost, over a new one.
    async fn ask(&mut self, data_sets: &[i64], deadline: Instant) -> Result<States, StoreError> {
        timeout_at(deadline, self.ask_patiently(data_sets)).await.unwrap_or(Err(StoreError::NoAnswer))
    }

    async fn ask_patiently(&mut self, data_sets: &[i64]) -> Result<States, StoreError> {
        if let Some(line) = self.line.take_if(|line| line.is_current())
            && let Ok(Ok(states)) = timeout(SIGN_OF_LIFE_WITHIN, self.ask_over(line, data_sets)).await
        {
            return Ok(states);
        }
        // One that is not used any more leaves its place before another one is opened.
        self.line = None;
        let line = Line::open(&self.desk.common.pool, &self.desk.common.lives).await?;
        self.ask_over(line, data_sets).await
    }

    /// The connection is taken along while it is used: whoever gives up in the middle has lost it.
    async fn ask_over(&mut self, mut line: Line, data_sets: &[i64]) -> Result<States, StoreError> {
        self.desk.common.statements.fetch_add(1, Ordering::Relaxed);
        let states = line.ask(data_sets).await?;
        self.line = Some(line);
        Ok(states)
    }
}

impl Drop for Duty {
    fn drop(&mut self) {
        if !self.is_over {
            // A panic, or the end of the runtime. Who waits learns it from the dropped questions.
            let mut gathering = self.desk.gathering();
            gathering.is_on_duty = false;
            gathering.questions.clear();
        }
    }
}

fn answer(questions: Vec<Question>, states: &States) {
    for Question { data_set: DataSetId(id), answer } in questions {
        let state = states.get(&id).copied();
        // Who asked may have hung up.
        let _ = answer
            .send(state.ok_or_else(|| StoreError::corrupt(format!("data_set_state {id}"), "data_set_id")));
    }
}

fn refuse(questions: Vec<Question>, error: StoreError) {
    let mut answers = questions.into_iter().map(|question| question.answer);
    let first = answers.next();
    for answer in answers {
        let _ = answer.send(Err(error.told_to_another()));
    }
    if let Some(first) = first {
        let _ = first.send(Err(error));
    }
}
