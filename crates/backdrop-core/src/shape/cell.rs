//! What an engine finds: cells of values that can be brought together.

use super::{Number, Scalar};
use crate::query::Method;
use crate::time::Timestamp;
use serde_json::Value;
use std::collections::BTreeSet;

/// The records that have the same keys and lie in the same period.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The values of the fields that are grouped by, in the order of the query; never null.
    pub keys: Vec<Scalar>,
    /// When the period begins; `None` in a query without periods.
    pub period_start: Option<Timestamp>,
    /// How many records.
    pub count: u64,
    /// What was collected over them, in the order of the query.
    pub collected: Vec<Partial>,
}

impl Cell {
    /// Takes the records of another cell in.
    pub(super) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        merge(&mut self.collected, &other.collected);
    }
}

/// A collected value in a form that can be brought together with others of its kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Partial {
    /// The sum, if there is anything to add up: "nothing is known" must not read as "none".
    Sum(Option<Number>),
    /// Sum and number of the values of which a mean is made.
    Mean {
        /// The sum.
        sum: Number,
        /// How many.
        count: u64,
    },
    /// How many values.
    Count(u64),
    /// Which values.
    Set(BTreeSet<Scalar>),
    /// The least value, if there is any.
    Min(Option<Number>),
    /// The greatest value, if there is any.
    Max(Option<Number>),
}

impl Partial {
    /// What is collected over no record at all.
    pub const fn empty(method: Method) -> Self {
        match method {
            Method::Sum => Self::Sum(None),
            Method::Mean => Self::Mean { sum: Number::ZERO, count: 0 },
            Method::Count => Self::Count(0),
            Method::Set => Self::Set(BTreeSet::new()),
            Method::Min => Self::Min(None),
            Method::Max => Self::Max(None),
        }
    }

    /// The value as an answer shows it: null for what there is not without values, such as a mean.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Mean { count: 0, .. } => Value::Null,
            Self::Mean { sum, count } => (sum.to_f64() / *count as f64).into(),
            Self::Count(count) => (*count).into(),
            Self::Set(values) => values.iter().map(|value| value.0.clone()).collect(),
            Self::Sum(value) | Self::Min(value) | Self::Max(value) => {
                value.map_or(Value::Null, Number::to_json)
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::Sum(sum), Self::Sum(more)) => {
                *sum = [*sum, *more].into_iter().flatten().reduce(Number::plus)
            }
            (Self::Mean { sum, count }, Self::Mean { sum: more_sum, count: more_count }) => {
                *sum = sum.plus(*more_sum);
                *count += more_count;
            }
            (Self::Count(count), Self::Count(more)) => *count += more,
            (Self::Set(values), Self::Set(more)) => values.extend(more.iter().cloned()),
            (Self::Min(least), Self::Min(more)) => *least = [*least, *more].into_iter().flatten().min(),
            (Self::Max(greatest), Self::Max(more)) => *greatest = (*greatest).max(*more),
            (this, other) => unreachable!("{this:?} and {other:?} were collected by different methods"),
        }
    }
}

/// Brings the values of two cells together.
pub(super) fn merge(collected: &mut [Partial], more: &[Partial]) {
    for (value, more) in collected.iter_mut().zip(more) {
        value.merge(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_brought_together_by_their_method() {
        let number = |n: i128| Number::Integer(n);
        let set = |values: &[&str]| Partial::Set(values.iter().map(|v| Scalar(json!(v))).collect());
        let mut values = vec![
            Partial::Sum(Some(number(3))),
            Partial::Mean { sum: number(3), count: 2 },
            Partial::Count(2),
            set(&["b"]),
            Partial::Min(Some(number(1))),
            Partial::Max(None),
        ];
        merge(
            &mut values,
            &[
                Partial::Sum(Some(number(4))),
                Partial::Mean { sum: number(4), count: 2 },
                Partial::Count(1),
                set(&["a", "b"]),
                Partial::Min(None),
                Partial::Max(Some(number(4))),
            ],
        );
        let shown: Vec<_> = values.iter().map(Partial::to_json).collect();
        assert_eq!(json!(shown), json!([7, 1.75, 3, ["a", "b"], 1, 4]));
    }

    #[test]
    fn over_no_values_there_is_a_count_but_no_sum() {
        let shown: Vec<_> = Method::ALL.iter().map(|method| Partial::empty(*method).to_json()).collect();
        assert_eq!(json!(shown), json!([null, null, 0, [], null, null]));
    }
}
