//! A case judged: the answer of the service held against that of the reference.

use crate::difference::difference;
use crate::reference::{Moment, Number, Query, Refused, answer};
use crate::service::{DataSet, Engine, Got, Service, encoded, now};
use serde_json::Value;
use std::cmp::Ordering;
use std::fmt;

/// How much of an answer is shown, in characters: the smallest failure mostly has less.
const SHOWN: usize = 4000;

/// The service and the reference do not agree.
#[derive(Clone, Debug)]
pub(crate) struct Disagreement {
    pub(crate) engine: Engine,
    pub(crate) query: Query,
    expected: Result<Vec<Value>, Refused>,
    got: Got,
}

/// A query that was asked, and what came back.
#[derive(Debug)]
pub(crate) struct Asked {
    engine: Engine,
    query: Query,
    pub(crate) got: Got,
    before: Moment,
    after: Moment,
}

impl Asked {
    pub(crate) fn ask(service: &Service, engine: Engine, data_set: &DataSet, query: &Query) -> Self {
        let before = now();
        let got = service.ask(engine, data_set, query);
        Self { engine, query: query.clone(), got, before, after: now() }
    }

    /// The answer, if it is the right one.
    pub(crate) fn judged(self, data_set: &DataSet) -> Result<Got, Box<Disagreement>> {
        let Self { engine, query, got, before, after } = self;
        // Pages put together are the answer without limit.
        let asked = if query.has("cursor") { query.without(&["cursor", "limit"]) } else { query.clone() };
        // Whatever depends on the time of acceptance or of the query may be as it was before or after.
        let expected = answer(&data_set.records, &asked, before);
        if agree(&expected, &got) || agree(&answer(&data_set.records_later, &asked, after), &got) {
            return Ok(got);
        }
        Err(Box::new(Disagreement { engine, query, expected, got }))
    }
}

/// Both engines must answer alike, to the last digit: nobody is told which one has answered. Only of equal keys such as
/// `1` and `1.0` either may stand for the group; that is not decided in Postgres, either.
pub(crate) fn same(query: &Query, records: &Got, frames: &Got) -> Result<(), Box<Disagreement>> {
    let is_of_the_moment = query.has("duration") && !query.has("start_at") && !query.has("end_at");
    let is_same = match (records, frames) {
        (Ok(records), Ok(frames)) => is_same(&records.clone().into(), &frames.clone().into()),
        (records, frames) => records == frames,
    };
    if is_of_the_moment || is_same {
        return Ok(());
    }
    let expected = records.clone().map_err(Refused);
    Err(Box::new(Disagreement {
        engine: Engine::Frames,
        query: query.clone(),
        expected,
        got: frames.clone(),
    }))
}

fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.keys().eq(other.keys())
                && one.values().zip(other.values()).all(|(one, other)| is_same(one, other))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Number(_), Value::Number(_)) => {
            let [one, other] = [one, other].map(|value| Number::of(value).expect("a number"));
            one.order(other) == Ordering::Equal
        }
        (one, other) => one == other,
    }
}

fn agree(expected: &Result<Vec<Value>, Refused>, got: &Got) -> bool {
    match (expected, got) {
        (Ok(expected), Ok(got)) => difference_of_rows(expected, got).is_none(),
        (expected, got) => expected.is_err() && got.is_err(),
    }
}

fn difference_of_rows(expected: &[Value], got: &[Value]) -> Option<String> {
    difference(&expected.to_vec().into(), &got.to_vec().into())
}

impl Disagreement {
    /// Whether this may have the same cause: a smaller query could also be refused for being incomplete.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.expected.is_ok() == other.expected.is_ok() && self.is_answered_like(&other.got)
    }

    pub(crate) fn is_answered_like(&self, got: &Got) -> bool {
        self.got.as_ref().err() == got.as_ref().err()
    }
}

impl fmt::Display for Disagreement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{:?}, query: {}", self.engine, encoded(&self.query))?;
        for (name, value) in &self.query.0 {
            writeln!(formatter, "    {name}={value}")?;
        }
        let (expected, got) = match (&self.expected, &self.got) {
            (Ok(expected), Ok(got)) => {
                writeln!(
                    formatter,
                    "first difference: data{}",
                    difference_of_rows(expected, got).unwrap_or_default()
                )?;
                (text(expected), text(got))
            }
            (expected, got) => (
                expected.as_ref().map_or_else(|Refused(why)| format!("400 {why}"), |rows| text(rows)),
                got.as_ref().map_or_else(|why| format!("400 {why}"), |rows| text(rows)),
            ),
        };
        write!(formatter, "expected: {expected}\ngot:      {got}")
    }
}

fn text(rows: &[Value]) -> String {
    let text = Value::from(rows).to_string();
    let shown: String = text.chars().take(SHOWN).collect();
    if shown == text { text } else { format!("{shown}… ({} rows)", rows.len()) }
}
