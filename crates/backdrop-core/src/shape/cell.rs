//! What an engine finds: cells.

use super::subset::Subset;
use super::{Number, Scalar};
use serde::ser::{Serialize, Serializer};
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
    /// Which values of those that the sets of many cells have in common.
    Subset(Subset),
}

/// So many bytes of text count as one value.
const BYTES_A_VALUE: usize = 32;

impl Cell {
    /// How many values it holds, besides one for each key and each thing that is collected; long texts count as several.
    pub(super) fn values(&self) -> usize {
        let of_text = |value: &Scalar| value.0.as_str().map_or(0, str::len) / BYTES_A_VALUE;
        let of = |collected: &Collected| match collected {
            Collected::Number(_) | Collected::Count(_) => 0,
            Collected::Set(values) => values.len() + values.iter().map(of_text).sum::<usize>(),
            Collected::Subset(subset) => subset.iter().map(|value| 1 + of_text(value)).sum(),
        };
        self.keys.iter().map(of_text).sum::<usize>() + self.collected.iter().map(of).sum::<usize>()
    }
}

/// The value as an answer shows it.
impl Serialize for Collected {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => number.map_or(Value::Null, Number::to_json).serialize(serializer),
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Set(values) => serializer.collect_seq(values.iter().map(|value| &value.0)),
            Self::Subset(subset) => subset.serialize(serializer),
        }
    }
}
