//! What records say, found in the plainest way: record by record, with exact decimals.

use super::frames::{FIELDS, Record};
use crate::Unanswerable;
use backdrop_core::period::EndCounts;
use backdrop_core::query::{Collect, FieldName, Filter, Grouping, Inequality, Method, Selection};
use backdrop_core::shape::{Cell, Collected, Number, Scalar};
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::BTreeMap;

pub(super) fn cells(
    records: &[Record],
    selection: &Selection,
    grouping: &Grouping,
) -> Result<Vec<Cell>, Unanswerable> {
    let mut groups: BTreeMap<(Vec<Scalar>, Option<usize>), Vec<&Record>> = BTreeMap::new();
    for record in records.iter().filter(|record| is_selected(record, selection)) {
        let keys: Option<Vec<Scalar>> =
            grouping.keys().iter().map(|key| value(record, key).map(|text| Scalar(json(text)))).collect();
        let Some(keys) = keys else { continue };
        let period = grouping.periods().map(|periods| {
            let holds = |(start, end): (backdrop_core::time::Timestamp, backdrop_core::time::Timestamp)| {
                start.timestamp_micros() <= record.time && record.time < end.timestamp_micros()
            };
            periods.iter().position(holds).expect("periods cover the range")
        });
        groups.entry((keys.clone(), period)).or_default().push(record);
        if grouping.needs_totals() {
            groups.entry((keys, None)).or_default().push(record);
        }
    }
    let cell = |((keys, period), records): ((Vec<Scalar>, Option<usize>), Vec<&Record>)| {
        let collected = grouping.collect().iter().map(|collect| collected(&records, collect));
        Ok(Cell {
            keys,
            period,
            count: records.len() as u64,
            collected: collected.collect::<Result<_, _>>()?,
        })
    };
    groups.into_iter().map(cell).collect()
}

fn is_selected(record: &Record, selection: &Selection) -> bool {
    let is_in_range = selection.range().is_none_or(|range| {
        let (start, end) = (range.start().timestamp_micros(), range.end().timestamp_micros());
        let before_end = match range.end_counts() {
            EndCounts::Yes => record.time <= end,
            EndCounts::No => record.time < end,
        };
        start <= record.time && before_end
    });
    is_in_range && selection.filters().iter().all(|filter| holds(record, filter))
}

fn holds(record: &Record, filter: &Filter) -> bool {
    let Some(text) = value(record, filter.field()) else { return false };
    let equals = |wanted: &Value| match wanted {
        Value::Number(number) => number_of(text).is_some_and(|value| value == exactly(&number.to_string())),
        wanted => json(text) == *wanted,
    };
    match filter {
        Filter::OneOf { values, .. } => values.iter().any(equals),
        Filter::NoneOf { values, .. } => !values.iter().any(equals),
        Filter::StartsWith { prefix, .. } => json(text).as_str().is_some_and(|text| text.starts_with(prefix)),
        Filter::Compares { inequality, bound, .. } => {
            let order = match bound {
                Value::Number(bound) => number_of(text).map(|value| value.cmp(&exactly(&bound.to_string()))),
                bound => json(text).as_str().map(|text| text.cmp(bound.as_str().expect("a text"))),
            };
            let is_wanted = |order: Ordering| match inequality {
                Inequality::Greater => order.is_gt(),
                Inequality::GreaterOrEqual => order.is_ge(),
                Inequality::Less => order.is_lt(),
                Inequality::LessOrEqual => order.is_le(),
            };
            order.is_some_and(is_wanted)
        }
    }
}

fn collected(records: &[&Record], collect: &Collect) -> Result<Collected, Unanswerable> {
    let texts: Vec<&str> = records.iter().filter_map(|record| value(record, collect.field())).collect();
    match collect.method() {
        Method::Count => return Ok(Collected::Count(texts.len() as u64)),
        Method::Set => {
            // Of equal numbers the one that is written as an integer.
            let mut values: Vec<Scalar> = texts.iter().map(|text| Scalar(json(text))).collect();
            values.sort_by_key(|value| !value.0.is_i64());
            return Ok(Collected::Set(values.into_iter().rev().fold(
                Default::default(),
                |mut set, value| {
                    std::collections::BTreeSet::replace(&mut set, value);
                    set
                },
            )));
        }
        _ => {}
    }
    let mut numbers: Vec<(i128, bool, &str)> = Vec::new();
    for text in texts {
        numbers.push((number_of(text).ok_or(Unanswerable::Unfit)?, text.contains('.'), text));
    }
    if numbers.is_empty() {
        return Ok(Collected::Number(None));
    }
    numbers.sort();
    let one = |(_, _, text): &(i128, bool, &str)| Number::parse(text).expect("a number");
    let floats: Vec<f64> = numbers.iter().map(|number| one(number).to_f64()).collect();
    let greatest = numbers.iter().map(|number| number.0).max();
    Ok(Collected::Number(Some(match collect.method() {
        Method::Sum => sum(&numbers),
        Method::Mean => Number::Float(sum(&numbers).to_f64() / numbers.len() as f64),
        Method::Min => one(&numbers[0]),
        Method::Max => numbers.iter().find(|number| Some(number.0) == greatest).map(one).expect("some"),
        Method::Percentile(percent) => Number::Float(percentile(&floats, &format!("0.{:02}", percent.get()))),
        _ => Number::Float(percentile(&floats, "0.5")),
    })))
}

fn sum(numbers: &[(i128, bool, &str)]) -> Number {
    let sum: i128 = numbers.iter().map(|number| number.0).sum();
    let is_whole = numbers.iter().all(|number| !number.1);
    let sign = if sum < 0 { "-" } else { "" };
    let (whole, rest) = (sum.abs() / SCALE, sum.abs() % SCALE);
    if is_whole {
        Number::parse(&format!("{sign}{whole}"))
    } else {
        Number::parse(&format!("{sign}{whole}.{rest:06}"))
    }
    .expect("a number")
}

fn percentile(floats: &[f64], percent: &str) -> f64 {
    let position = percent.parse::<f64>().expect("a number") * (floats.len() - 1) as f64;
    let (low, high) = (floats[position.floor() as usize], floats[position.ceil() as usize]);
    if position.floor() == position.ceil() { low } else { low + (position - position.floor()) * (high - low) }
}

fn value<'r>(record: &'r Record, field: &FieldName) -> Option<&'r str> {
    let place = FIELDS.iter().position(|name| *name == field.as_str()).expect("a field");
    record.values[place].as_deref().filter(|text| *text != "null")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// No number of these tests has more decimal places than six.
const SCALE: i128 = 1_000_000;

fn number_of(text: &str) -> Option<i128> {
    (!text.starts_with(['"', 't', 'f'])).then(|| exactly(text))
}

/// The number times `SCALE`; what is beyond all numbers of the records is only that.
fn exactly(text: &str) -> i128 {
    if let Some((mantissa, exponent)) = text.split_once('e') {
        let sign = if mantissa.starts_with('-') { -1 } else { 1 };
        return match exponent.parse::<i32>().expect("an exponent") {
            exponent @ 0..=18 => exactly(mantissa) * 10_i128.pow(exponent as u32),
            // Just beside 0, where no number of the records is.
            ..0 => sign,
            _ => sign * i128::MAX,
        };
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: i128 = format!("{whole}{fraction:0<6}").parse().expect("digits");
    digits
}
