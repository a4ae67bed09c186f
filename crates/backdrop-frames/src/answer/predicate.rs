//! What a filter asks of the rows of a column.
//!
//! **Invariant.** A predicate holds for a row only if it has a value there, and for the very values for which the
//! condition holds in Postgres: of another type than the bound, it does not, but for `ne`.

use super::decimal::Place;
use crate::column::Kind;
use backdrop_core::query::{Filter, Inequality};
use serde_json::Value;

/// A condition on one column.
#[derive(Debug)]
pub(super) struct Predicate {
    /// Which field of the frame.
    pub(super) field: usize,
    pub(super) test: Test,
}

/// Which values are wanted.
#[derive(Debug)]
pub(super) enum Test {
    /// None.
    Never,
    /// For each code whether it is; code 0 is not.
    Codes(Vec<bool>),
    /// Mantissas from the first to the second.
    Between(i64, i64),
    /// These mantissas.
    OneOf(Vec<i64>),
    /// All but these mantissas.
    NoneOf(Vec<i64>),
}

impl Predicate {
    /// What the filter asks of a column of that kind; one that is unfit is not asked.
    pub(super) fn of(filter: &Filter, field: usize, kind: &Kind) -> Self {
        let test = match kind {
            Kind::Numbers { scale } => number_test(filter, *scale),
            Kind::Empty | Kind::Booleans | Kind::Texts(_) | Kind::Unfit => code_test(filter, kind),
        };
        Self { field, test }
    }

    /// Which part of the rows it lets through, by a rough guess: from 0 to 1.
    pub(super) fn share(&self) -> f64 {
        match &self.test {
            Test::Never => 0.0,
            Test::Codes(wanted) => {
                wanted.iter().filter(|wanted| **wanted).count() as f64 / wanted.len() as f64
            }
            Test::OneOf(_) => 0.1,
            Test::Between(..) => 0.5,
            Test::NoneOf(_) => 0.9,
        }
    }
}

fn code_test(filter: &Filter, kind: &Kind) -> Test {
    let codes = kind.codes().unwrap_or(1) as u32;
    let wanted: Vec<bool> = (0..codes).map(|code| code > 0 && is_wanted(filter, kind, code)).collect();
    if wanted.contains(&true) { Test::Codes(wanted) } else { Test::Never }
}

fn is_wanted(filter: &Filter, kind: &Kind, code: u32) -> bool {
    let (text, boolean) = match kind {
        Kind::Texts(dictionary) => (dictionary.text(code), None),
        _ => (None, Some(code == 2)),
    };
    let equals = |value: &Value| match value {
        Value::String(value) => text == Some(value),
        Value::Bool(value) => boolean == Some(*value),
        _ => false,
    };
    match (filter, text) {
        (Filter::OneOf { values, .. }, _) => values.iter().any(equals),
        (Filter::NoneOf { values, .. }, _) => !values.iter().any(equals),
        (Filter::Compares { inequality, bound: Value::String(bound), .. }, Some(text)) => {
            let order = text.as_bytes().cmp(bound.as_bytes());
            match inequality {
                Inequality::Greater => order.is_gt(),
                Inequality::GreaterOrEqual => order.is_ge(),
                Inequality::Less => order.is_lt(),
                Inequality::LessOrEqual => order.is_le(),
            }
        }
        (Filter::StartsWith { prefix, .. }, Some(text)) => text.starts_with(prefix),
        (Filter::Compares { .. } | Filter::StartsWith { .. }, _) => false,
    }
}

fn number_test(filter: &Filter, scale: u8) -> Test {
    let mantissas = |values: &[Value]| {
        let numbers = values.iter().filter_map(Value::as_number);
        numbers.filter_map(|number| Place::of(number, scale).mantissa()).collect::<Vec<i64>>()
    };
    match filter {
        Filter::OneOf { values, .. } => match mantissas(values) {
            wanted if wanted.is_empty() => Test::Never,
            wanted => Test::OneOf(wanted),
        },
        Filter::NoneOf { values, .. } => Test::NoneOf(mantissas(values)),
        Filter::Compares { inequality, bound: Value::Number(bound), .. } => {
            between(*inequality, Place::of(bound, scale))
        }
        Filter::Compares { .. } | Filter::StartsWith { .. } => Test::Never,
    }
}

fn between(inequality: Inequality, bound: Place) -> Test {
    let Place { floor, is_exact } = bound;
    let (least, greatest) = (i64::MIN.into(), i64::MAX.into());
    let (from, to) = match inequality {
        Inequality::GreaterOrEqual if is_exact => (floor, greatest),
        Inequality::Greater | Inequality::GreaterOrEqual => (floor.saturating_add(1), greatest),
        Inequality::Less if is_exact => (least, floor.saturating_sub(1)),
        Inequality::Less | Inequality::LessOrEqual => (least, floor),
    };
    if from > to || from > greatest || to < least {
        return Test::Never;
    }
    let narrow = |bound: i128| bound.clamp(least, greatest) as i64;
    Test::Between(narrow(from), narrow(to))
}
