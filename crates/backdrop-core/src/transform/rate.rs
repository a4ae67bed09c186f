//! The share of some records in others, per period: take-up, completion.

use super::output::id_of;
use super::{invalid, number, text};
use crate::error::ApiError;
use crate::shape::Row;
use regex::{Regex, RegexBuilder};
use serde_json::{Value, json};

/// The longest pattern, in bytes: no label is longer.
const PATTERN_BYTES_MAX: usize = 500;
/// How much memory a compiled pattern takes at most, in bytes.
const PATTERN_MEMORY_BYTES: usize = 1024 * 1024;

/// How to tell the numerator and the denominator.
#[derive(Clone, Debug)]
pub(super) struct Rate {
    matching: String,
    value: String,
    denominator: Regex,
    numerator: Regex,
}

impl Rate {
    /// Reads the options of the original.
    pub(super) fn read(options: &Row) -> Result<Self, ApiError> {
        Ok(Self {
            matching: option(options, "matchingAttribute")?.to_owned(),
            value: option(options, "valueAttribute")?.to_owned(),
            denominator: pattern(options, "denominatorMatcher")?,
            numerator: pattern(options, "numeratorMatcher")?,
        })
    }

    /// One record per period, in the order in which the periods first occur.
    pub(super) fn records(&self, rows: &[Row]) -> Vec<Row> {
        let mut periods: Vec<((&str, &str), Vec<&Row>)> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for row in rows {
            let (Some(start), Some(end)) = (text(row, "_start_at"), text(row, "_end_at")) else { continue };
            let place = *places.entry((start, end)).or_insert_with(|| {
                periods.push(((start, end), Vec::new()));
                periods.len() - 1
            });
            periods[place].1.push(row);
        }
        periods.iter().map(|((start, end), rows)| self.record(start, end, rows)).collect()
    }

    fn record(&self, start: &str, end: &str, rows: &[&Row]) -> Row {
        let record = json!({
            "_id": id_of(&[start, end]), "_timestamp": start, "_start_at": start, "_end_at": end,
            "rate": self.rate(rows),
        });
        into_row(record)
    }

    /// Null if nothing is known of one of the sides, or if there is nothing to divide by.
    fn rate(&self, rows: &[&Row]) -> Option<f64> {
        let numerator = self.sum(rows, &self.numerator)?;
        let denominator = self.sum(rows, &self.denominator)?;
        (denominator > 0.0).then(|| numerator / denominator)
    }

    /// The sum of the values whose label matches; `None` if there is none. A value of 0 counts as none.
    fn sum(&self, rows: &[&Row], pattern: &Regex) -> Option<f64> {
        let is_matching =
            |row: &&&Row| text(row, &self.matching).is_some_and(|label| pattern.is_match(label));
        let values = rows.iter().filter(is_matching).filter_map(|row| number(row, &self.value));
        values.filter(|value| *value != 0.0).reduce(|sum, value| sum + value)
    }
}

/// The object that was just written down as one.
pub(super) fn into_row(record: Value) -> Row {
    match record {
        Value::Object(row) => row,
        other => unreachable!("{other} is written as an object"),
    }
}

fn option<'o>(options: &'o Row, name: &str) -> Result<&'o str, ApiError> {
    let missing = || invalid(format!("options: {name} is missing; expected a text"));
    options.get(name).and_then(Value::as_str).filter(|value| !value.is_empty()).ok_or_else(missing)
}

/// A pattern is searched for, as the original did: `^digital$` must be the whole label, `digital` any part of it.
fn pattern(options: &Row, name: &str) -> Result<Regex, ApiError> {
    let pattern = option(options, name)?;
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(invalid(format!("options: {name} has more than {PATTERN_BYTES_MAX} bytes")));
    }
    let compiled = RegexBuilder::new(pattern).size_limit(PATTERN_MEMORY_BYTES).build();
    compiled.map_err(|error| {
        invalid(format!(
            "options: {name} is not a regular expression that can be used (there is no look-around): {error}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEEK: (&str, &str) = ("2013-03-11T00:00:00+00:00", "2013-03-18T00:00:00+00:00");

    fn rate() -> Rate {
        let options = json!({
            "matchingAttribute": "channel", "valueAttribute": "count:sum",
            "numeratorMatcher": "^digital$", "denominatorMatcher": ".+",
        });
        Rate::read(options.as_object().expect("an object")).expect("options")
    }

    fn row(channel: Value, count: Value) -> Row {
        into_row(json!({"_start_at": WEEK.0, "_end_at": WEEK.1, "channel": channel, "count:sum": count}))
    }

    #[test]
    fn integers_are_divided_as_fractions() {
        let rows = [row(json!("digital"), json!(3)), row(json!("paper"), json!(1))];
        let expected = json!({
            "_id": "MjAxMy0wMy0xMVQwMDowMDowMCswMDowMF8yMDEzLTAzLTE4VDAwOjAwOjAwKzAwOjAw",
            "_timestamp": WEEK.0, "_start_at": WEEK.0, "_end_at": WEEK.1, "rate": 0.75,
        });
        assert_eq!(rate().records(&rows), [into_row(expected)]);
    }

    #[test]
    fn each_period_has_its_rate() {
        let mut later = row(json!("digital"), json!(1));
        later.insert("_start_at".into(), "2013-03-18T00:00:00+00:00".into());
        later.insert("_end_at".into(), "2013-03-25T00:00:00+00:00".into());
        let rows = [row(json!("digital"), json!(1)), later, row(json!("paper"), json!(3))];
        let rates: Vec<Value> = rate().records(&rows).iter().map(|record| record["rate"].clone()).collect();
        assert_eq!(rates, [json!(0.25), json!(1.0)]);
    }

    #[test]
    fn without_values_there_is_no_rate() {
        for rows in [
            vec![row(json!("paper"), json!(1))],
            vec![row(json!("digital"), json!(0)), row(json!("paper"), json!(2))],
            vec![row(json!("digital"), json!(null))],
            vec![row(json!(null), json!(2))],
            vec![row(json!("digital"), json!(-1))],
        ] {
            assert_eq!(rate().records(&rows)[0]["rate"], json!(null), "{rows:?}");
        }
    }

    #[test]
    fn options_that_cannot_be_used_are_refused_by_name() {
        let options =
            json!({"matchingAttribute": "channel", "valueAttribute": "count", "denominatorMatcher": "("});
        let error = Rate::read(options.as_object().expect("an object")).expect_err("refused");
        assert!(error.message.contains("denominatorMatcher"), "{error}");
        let error = Rate::read(&Row::new()).expect_err("refused");
        assert!(error.message.contains("matchingAttribute"), "{error}");
    }
}
