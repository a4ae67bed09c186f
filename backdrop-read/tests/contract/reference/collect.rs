//! `collect`: one value out of many.

use super::Refused;
use super::query::Query;
use super::record::Record;
use super::value::{Number, order};
use serde_json::Value;

/// The columns that are collected, in the order in which they were asked for; with `None` for their values
/// if there are no records.
pub(crate) fn columns(query: &Query, records: &[&Record]) -> Result<Vec<(String, Value)>, Refused> {
    let mut columns = Vec::new();
    for (field, method) in query.collect() {
        let values: Vec<&Value> = records.iter().filter_map(|record| record.value(field)).collect();
        let value = collected(field, method.unwrap_or("set"), values)?;
        if method.is_none() {
            columns.push((field.to_owned(), value.clone()));
        }
        columns.push((format!("{field}:{}", method.unwrap_or("set")), value));
    }
    Ok(columns)
}

/// The value of one method over values, of which none is null.
fn collected(field: &str, method: &str, mut values: Vec<&Value>) -> Result<Value, Refused> {
    values.sort_by(|one, other| order(one, other));
    match method {
        "count" => return Ok(values.len().into()),
        "set" => {
            values.dedup_by(|one, other| order(one, other).is_eq());
            return Ok(values.into_iter().cloned().collect());
        }
        _ => {}
    }
    let number = |value: &&Value| {
        Number::of(value).ok_or_else(|| Refused(format!("collect={field}:{method} over {value}")))
    };
    let numbers = values.iter().map(number).collect::<Result<Vec<Number>, Refused>>()?;
    let (Some(least), Some(greatest)) = (numbers.first(), numbers.last()) else { return Ok(Value::Null) };
    let result = match method {
        "sum" => sum(&numbers),
        "mean" => Number::Float(float(sum(&numbers)) / numbers.len() as f64),
        "min" => *least,
        "max" => *greatest,
        "median" => percentile(&numbers, 50),
        other => percentile(&numbers, other[1..].parse().expect("a percentile")),
    };
    Ok(result.to_value())
}

/// The sum, exact as long as all are integers.
fn sum(numbers: &[Number]) -> Number {
    let (mut integers, mut floats, mut is_integer) = (0, 0.0, true);
    for number in numbers {
        match number {
            Number::Integer(integer) => integers += integer,
            Number::Float(float) => (floats, is_integer) = (floats + float, false),
        }
    }
    if is_integer { Number::Integer(integers) } else { Number::Float(integers as f64 + floats) }
}

/// Interpolated between the two nearest of the sorted numbers; the first is `p0`, the last `p100`.
fn percentile(sorted: &[Number], percent: usize) -> Number {
    let position = percent * (sorted.len() - 1);
    let (index, hundredths) = (position / 100, position % 100);
    let (below, above) = (sorted[index], sorted[(index + 1).min(sorted.len() - 1)]);
    let share = hundredths as f64 / 100.0;
    Number::Float(float(below) + (float(above) - float(below)) * share)
}

fn float(number: Number) -> f64 {
    match number {
        Number::Integer(integer) => integer as f64,
        Number::Float(float) => float,
    }
}
