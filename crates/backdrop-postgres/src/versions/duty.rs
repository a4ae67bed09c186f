//! The work of who answers questions: takes all that wait, sends one statement for them, and begins again.

use super::line::{Line, States};
use super::{Gathering, Question, Shared};
use crate::StoreError;
use crate::database::SIGN_OF_LIFE_WITHIN;
use backdrop_core::data_set::DataSetId;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::time::{Instant, timeout, timeout_at};

/// Held by one at a time. However it ends, nobody is left who waits for an answer that nobody will give.
#[derive(Debug)]
pub(super) struct Duty {
    shared: Arc<Shared>,
    line: Option<Line>,
    is_over: bool,
}

impl Duty {
    pub(super) const fn new(shared: Arc<Shared>, line: Option<Line>) -> Self {
        Self { shared, line, is_over: false }
    }

    /// Answers questions until there are none.
    pub(super) async fn do_it(mut self) {
        while let Some((questions, since)) = self.take() {
            let mut data_sets: Vec<i64> = questions.iter().map(|question| question.data_set.0).collect();
            data_sets.sort_unstable();
            data_sets.dedup();
            match self.ask(&data_sets, since + self.shared.wait).await {
                Ok(states) => answer(questions, &states),
                Err(error) => refuse(questions, error),
            }
        }
    }

    /// The questions that wait, and since when; if there are none, the duty is over.
    fn take(&mut self) -> Option<(Vec<Question>, Instant)> {
        let mut gathering = self.shared.gathering();
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
        // Taken out while it is used: whoever gives up in the middle leaves none behind.
        if let Some(line) = self.line.take()
            && let Ok(Ok(states)) = timeout(SIGN_OF_LIFE_WITHIN, self.ask_over(line, data_sets)).await
        {
            return Ok(states);
        }
        let line = Line::open(&self.shared.pool).await?;
        self.ask_over(line, data_sets).await
    }

    async fn ask_over(&mut self, mut line: Line, data_sets: &[i64]) -> Result<States, StoreError> {
        self.shared.statements.fetch_add(1, Ordering::Relaxed);
        let states = line.ask(data_sets, || self.shared.next_life()).await?;
        self.line = Some(line);
        Ok(states)
    }
}

impl Drop for Duty {
    fn drop(&mut self) {
        if !self.is_over {
            // A panic, or the end of the runtime. Who waits learns it from the dropped questions.
            let mut gathering = self.shared.gathering();
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
