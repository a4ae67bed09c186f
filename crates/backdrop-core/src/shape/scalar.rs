//! Values of records in a fixed order.

use super::Number;
use serde_json::Value;
use std::cmp::Ordering;

/// A JSON value with the order in which answers show values: numbers by value, then strings by code
/// point, then `false` and `true`, then null. Numbers of the same value are equal however they are
/// written. (Lists and objects, which no record holds, come last, by what they look like.)
#[derive(Clone, Debug)]
pub struct Scalar(pub Value);

impl Scalar {
    const fn rank(&self) -> u8 {
        match self.0 {
            Value::Number(_) => 0,
            Value::String(_) => 1,
            Value::Bool(_) => 2,
            Value::Null => 3,
            Value::Array(_) | Value::Object(_) => 4,
        }
    }
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Scalar {}

impl PartialOrd for Scalar {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scalar {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Value::Number(left), Value::Number(right)) => {
                Number::from_json(left).cmp(&Number::from_json(right))
            }
            (Value::String(left), Value::String(right)) => left.cmp(right),
            (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
            (left, right) if self.rank() == 4 && other.rank() == 4 => {
                left.to_string().cmp(&right.to_string())
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_have_one_order() {
        let ordered = json!([-1, 0.5, 1, 10, "", "10", "9", "a", "b", "é", false, true, null, [], {"a": 1}]);
        let Value::Array(ordered) = ordered else { panic!("a list") };
        for (index, pair) in ordered.windows(2).enumerate() {
            assert!(Scalar(pair[0].clone()) < Scalar(pair[1].clone()), "{index}: {pair:?}");
        }
        assert_eq!(Scalar(json!(1)), Scalar(json!(1.0)));
    }
}
