//! Which records a query is about: its filters.

use super::query::Query;
use super::record::{Record, TIMES, moment};
use super::value::Number;
use serde_json::Value;
use std::cmp::Ordering;

/// Whether a record passes all filters.
pub(crate) fn matches(record: &Record, query: &Query) -> bool {
    let any = query.pairs("filter_by_any");
    // Values for the same field are alternatives.
    let has_one_of =
        |field: &str| any.clone().any(|(other, text)| other == field && equals(record, field, text));
    query.pairs("filter_by").all(|(field, text)| equals(record, field, text))
        && query.pairs("filter_by_prefix").all(|(field, prefix)| begins(record, field, prefix))
        && any.clone().all(|(field, _)| has_one_of(field))
        && query.pairs("filter_by_comparison").all(|(field, rest)| {
            let (operator, text) = rest.split_once(':').expect("an operator");
            compares(record, field, operator, text)
        })
}

/// `filter_by`: numbers and booleans match by value, times by moment, strings as they are.
fn equals(record: &Record, field: &str, text: &str) -> bool {
    match record.value(field) {
        Some(Value::String(time)) if TIMES.contains(&field) => {
            moment(text).is_some_and(|wanted| moment(time) == Some(wanted))
        }
        Some(Value::String(string)) => string == text,
        Some(Value::Bool(boolean)) => boolean.to_string() == text,
        Some(number) => against(number, text) == Some(Ordering::Equal),
        None => false,
    }
}

/// `filter_by_prefix`: literal, and of strings only.
fn begins(record: &Record, field: &str, prefix: &str) -> bool {
    record.value(field).and_then(Value::as_str).is_some_and(|string| string.starts_with(prefix))
}

/// `filter_by_comparison`: what is of another kind than the text does not match.
fn compares(record: &Record, field: &str, operator: &str, text: &str) -> bool {
    let Some(value) = record.value(field) else { return false };
    let order = match value {
        Value::String(time) if TIMES.contains(&field) => {
            moment(text).zip(moment(time)).map(|(wanted, time)| time.cmp(&wanted))
        }
        // An `_id` is a string, whatever it looks like.
        Value::String(string) if field == "_id" || Number::written(text).is_none() => {
            Some(string.as_str().cmp(text))
        }
        number => against(number, text),
    };
    match operator {
        "ne" => !equals(record, field, text),
        "gt" => order.is_some_and(Ordering::is_gt),
        "gte" => order.is_some_and(Ordering::is_ge),
        "lt" => order.is_some_and(Ordering::is_lt),
        "lte" => order.is_some_and(Ordering::is_le),
        _ => unreachable!("{operator} is no operator"),
    }
}

/// The order of a number and the number that a text writes, if both are numbers.
fn against(value: &Value, text: &str) -> Option<Ordering> {
    Some(Number::of(value)?.order(Number::written(text)?))
}
