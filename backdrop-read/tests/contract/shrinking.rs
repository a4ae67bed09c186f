//! The smallest case that still fails, found by leaving away what can be.

use crate::judgement::{Asked, Disagreement};
use crate::service::Service;
use serde_json::Value;

/// How many cases are tried; records are dropped in halves first, so that this is enough for some thirty.
const ATTEMPTS: usize = 120;

/// A case that fails.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) records: Vec<Value>,
    pub(crate) disagreement: Box<Disagreement>,
}

struct Shrinking<'a> {
    service: &'a Service,
    attempts: usize,
    failure: Failure,
}

/// Makes a failure smaller.
pub(crate) fn shrunk(service: &Service, failure: Failure) -> Failure {
    let mut shrinking = Shrinking { service, attempts: 0, failure };
    shrinking.drop_parameters();
    shrinking.drop_records();
    shrinking.drop_parameters();
    shrinking.failure
}

impl Shrinking<'_> {
    fn drop_parameters(&mut self) {
        let mut position = 0;
        while position < self.failure.disagreement.query.0.len() {
            let mut smaller = self.failure.disagreement.as_ref().clone();
            smaller.query.0.remove(position);
            if !self.fails(self.failure.records.clone(), smaller) {
                position += 1;
            }
        }
    }

    fn drop_records(&mut self) {
        let mut size = self.failure.records.len() / 2;
        while size > 0 {
            let mut start = 0;
            while start < self.failure.records.len() {
                let mut records = self.failure.records.clone();
                records.drain(start..(start + size).min(records.len()));
                if !self.fails(records, self.failure.disagreement.as_ref().clone()) {
                    start += size;
                }
            }
            size /= 2;
        }
    }

    /// Tries a smaller case, and keeps it if it fails in the same way.
    fn fails(&mut self, records: Vec<Value>, smaller: Disagreement) -> bool {
        self.attempts += 1;
        if self.attempts > ATTEMPTS {
            return false;
        }
        let data_set = self.service.store(&records);
        let asked = Asked::ask(self.service, smaller.engine, &data_set, &smaller.query);
        if !smaller.is_answered_like(&asked.got) {
            return false;
        }
        match asked.judged(&data_set) {
            Err(disagreement) if disagreement.is_like(&self.failure.disagreement) => {
                self.failure = Failure { records, disagreement };
                true
            }
            _ => false,
        }
    }
}
