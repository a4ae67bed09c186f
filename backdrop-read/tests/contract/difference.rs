//! Where two answers differ.

use crate::reference::Number;
use serde_json::Value;
use std::cmp::Ordering;

/// How far floats may be apart, as a share of the greater or of 1: what is summed or interpolated in another
/// way ends in other digits.
const TOLERANCE: f64 = 1e-9;

/// The path to the first difference, and what is there; none if they are equal. Numbers are compared by
/// value, integers exactly.
pub(crate) fn difference(expected: &Value, got: &Value) -> Option<String> {
    match (expected, got) {
        (Value::Object(one), Value::Object(other)) => {
            let missing =
                one.keys().find(|key| !other.contains_key(*key)).map(|key| format!(".{key}: missing"));
            let surplus =
                || other.keys().find(|key| !one.contains_key(*key)).map(|key| format!(".{key}: too much"));
            let inside =
                || one.iter().find_map(|(key, one)| Some(format!(".{key}{}", difference(one, &other[key])?)));
            missing.or_else(surplus).or_else(inside)
        }
        (Value::Array(one), Value::Array(other)) => {
            let mut pairs = one.iter().zip(other).enumerate();
            let inside =
                pairs.find_map(|(at, (one, other))| Some(format!("[{at}]{}", difference(one, other)?)));
            let lengths = || format!(": expected {} items, got {}", one.len(), other.len());
            inside.or_else(|| (one.len() != other.len()).then(lengths))
        }
        (Value::Number(_), Value::Number(_)) if is_close(expected, got) => None,
        _ if expected == got => None,
        _ => Some(format!(": expected {expected}, got {got}")),
    }
}

fn is_close(one: &Value, other: &Value) -> bool {
    let number = |value| Number::of(value).expect("a number");
    if let (Number::Integer(one), Number::Integer(other)) = (number(one), number(other)) {
        return one == other;
    }
    let float = |value: &Value| value.as_f64().expect("finite");
    let (one_float, other_float) = (float(one), float(other));
    number(one).order(number(other)) == Ordering::Equal
        || (one_float - other_float).abs() <= TOLERANCE * one_float.abs().max(other_float.abs()).max(1.0)
}
