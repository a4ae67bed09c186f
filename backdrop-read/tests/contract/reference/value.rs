//! How values are ordered and what is a number: numbers by value, before strings by code point, before
//! booleans. Integers stay exact.

use serde_json::Value;
use std::cmp::Ordering;

/// A number, exact if it is an integer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    Integer(i128),
    Float(f64),
}

/// Which way to sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Ascending,
    Descending,
}

impl Number {
    /// The number a JSON value is, if it is one.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        let number = value.as_number()?;
        let integer = number.as_i128();
        Some(integer.map_or_else(|| Self::Float(number.as_f64().expect("finite")), Self::Integer))
    }

    /// The number that a text writes as JSON would.
    pub(crate) fn written(text: &str) -> Option<Self> {
        // The parser would allow white space around it.
        let is_tight = text.trim() == text;
        let float: f64 = serde_json::from_str(text).ok().filter(|_| is_tight)?;
        Some(text.parse().map_or(Self::Float(float), Self::Integer))
    }

    /// The JSON value; an integer beyond 64 bits can only be compared roughly.
    pub(crate) fn to_value(self) -> Value {
        match self {
            Self::Integer(integer) => {
                let signed = i64::try_from(integer).map(Value::from);
                signed.or_else(|_| u64::try_from(integer).map(Value::from)).unwrap_or((integer as f64).into())
            }
            Self::Float(float) => float.into(),
        }
    }

    /// By value, whatever the form.
    pub(crate) fn order(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Integer(one), Self::Integer(other)) => one.cmp(&other),
            (Self::Float(one), Self::Float(other)) => one.partial_cmp(&other).expect("finite"),
            (Self::Float(_), Self::Integer(_)) => other.order(self).reverse(),
            (Self::Integer(one), Self::Float(other)) => {
                let whole = other.floor();
                let rest = if other > whole { Ordering::Less } else { Ordering::Equal };
                one.cmp(&(whole as i128)).then(rest)
            }
        }
    }
}

/// The order of two values, neither of them null; equal ones are the same to a group or a set.
pub(crate) fn order(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Number(_), Value::Number(_)) => {
            let number = |value| Number::of(value).expect("a number");
            number(one).order(number(other))
        }
        // Rust compares UTF-8 by bytes, which is the order of code points.
        (Value::String(one), Value::String(other)) => one.cmp(other),
        (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
        _ => rank(one).cmp(&rank(other)),
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        Value::Bool(_) => 2,
        Value::Null | Value::Array(_) | Value::Object(_) => unreachable!("{value} has no order"),
    }
}

impl Direction {
    /// Turns an order, if this is descending.
    pub(crate) fn turn(self, order: Ordering) -> Ordering {
        if self == Self::Descending { order.reverse() } else { order }
    }

    /// The order of two things that may be missing: then they come last, whichever way it goes.
    pub(crate) fn missing_last<T>(
        self,
        one: Option<T>,
        other: Option<T>,
        order: impl Fn(T, T) -> Ordering,
    ) -> Ordering {
        match (one, other) {
            (Some(one), Some(other)) => self.turn(order(one, other)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        }
    }
}
