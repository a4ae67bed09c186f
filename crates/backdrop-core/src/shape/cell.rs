//! What an engine finds: cells.

use super::{Number, Scalar};
use serde_json::Value;
use std::collections::BTreeSet;

/// The records that have the same keys and lie in the same period.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The values of the fields that are grouped by, in the order of the query; never null.
    pub keys: Vec<Scalar>,
    /// Which of the periods, counted from 0; `None`: all of them, or the query has none.
    pub period: Option<usize>,
    /// How many records.
    pub count: u64,
    /// What was collected over them, in the order of the query.
    pub collected: Vec<Collected>,
}

/// A collected value.
#[derive(Clone, Debug, PartialEq)]
pub enum Collected {
    /// A number, if there are any of which to make it: "nothing is known" must not read as "none".
    Number(Option<Number>),
    /// How many values.
    Count(u64),
    /// Which values.
    Set(BTreeSet<Scalar>),
}

impl Cell {
    /// How many values it holds.
    pub(super) fn values(&self) -> usize {
        let of = |collected: &Collected| match collected {
            Collected::Number(_) | Collected::Count(_) => 1,
            Collected::Set(values) => values.len(),
        };
        1 + self.keys.len() + self.collected.iter().map(of).sum::<usize>()
    }
}

impl Collected {
    /// The value as an answer shows it.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Number(number) => number.map_or(Value::Null, Number::to_json),
            Self::Count(count) => (*count).into(),
            Self::Set(values) => values.iter().map(|value| value.0.clone()).collect(),
        }
    }
}
