//! Which query a run asks of its data set: that of the transform, for the time that was written to.
//!
//! With `period` these are whole periods, from the one that holds the earliest record to the one that holds the
//! latest, also if that has not ended: it is computed anew with each batch that falls into it. The end is not
//! included, or the first moment of the period after would count as if it were all of that.

use super::{Function, invalid};
use crate::error::ApiError;
use crate::period::{Calendar, EndCounts, Period, Periods};
use crate::query::Query;
use crate::time::{self, Timestamp};
use crate::zone::Zone;
use serde_json::{Map, Value};

/// The parameters of a query that are given by the run, whatever the transform says.
const GIVEN_BY_RUN: [&str; 5] = ["start_at", "end_at", "duration", "inclusive", "flatten"];
/// Those that would make something else of the answer than rows.
const NOT_TAKEN: [&str; 2] = ["format", "cursor"];

/// From the earliest record to the latest, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// When the earliest is from.
    pub earliest: Timestamp,
    /// When the latest is from.
    pub latest: Timestamp,
}

/// The query of a run.
///
/// # Errors
/// If the parameters are not those of a query, naming the one at fault.
pub fn query(
    function: Function,
    parameters: &Map<String, Value>,
    written: Written,
    now: Timestamp,
) -> Result<Query, ApiError> {
    let mut pairs = Vec::new();
    for (name, value) in parameters {
        if NOT_TAKEN.contains(&name.as_str()) {
            return Err(invalid(format!("{name} has no place in a transform; leave it out")));
        }
        if !GIVEN_BY_RUN.contains(&name.as_str()) {
            push(&mut pairs, name, value)?;
        }
    }
    pairs.push(("flatten".into(), "true".into()));
    let is_raw = !parameters.contains_key("period") && !parameters.contains_key("group_by");
    if function.is_latest() && is_raw {
        only_newest(function, &mut pairs);
    } else {
        pairs.extend(ends(parameters, written)?);
    }
    Query::parse(&pairs, now)
}

/// A list is a parameter that is repeated.
fn push(pairs: &mut Vec<(String, String)>, name: &str, value: &Value) -> Result<(), ApiError> {
    match value {
        Value::Array(values) if !values.iter().any(Value::is_array) => {
            values.iter().try_for_each(|value| push(pairs, name, value))
        }
        Value::String(text) => {
            pairs.push((name.to_owned(), text.clone()));
            Ok(())
        }
        Value::Number(_) | Value::Bool(_) => {
            pairs.push((name.to_owned(), value.to_string()));
            Ok(())
        }
        _ => Err(invalid(format!("{name} must be a text, a number, true or false, or a list of these"))),
    }
}

/// What is newest has nothing to do with when it was written: figures of earlier years may come late.
fn only_newest(function: Function, pairs: &mut Vec<(String, String)>) {
    pairs.retain(|(name, _)| !["sort_by", "limit", "latest_by"].contains(&name.as_str()));
    let added: &[(&str, &str)] = match function {
        Function::LatestTransactionExplorerValues => &[("latest_by", "service_id"), ("latest_by", "type")],
        _ => &[("sort_by", "_timestamp:descending"), ("limit", "1")],
    };
    pairs.extend(added.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
}

fn ends(parameters: &Map<String, Value>, written: Written) -> Result<Vec<(String, String)>, ApiError> {
    let range = |start, end| {
        vec![("start_at".to_owned(), time::format(start)), ("end_at".to_owned(), time::format(end))]
    };
    let named = |name: &str| parameters.get(name).and_then(Value::as_str);
    let zone = named("timezone").map_or(Some(Zone::UTC), Zone::parse);
    let calendar =
        named("period").and_then(Period::parse).zip(zone).map(|(period, zone)| Calendar { period, zone });
    let Some(calendar) = calendar else {
        // Without a period, or with one that the query will refuse in better words.
        let mut pairs = range(written.earliest, written.latest);
        pairs.push(("inclusive".to_owned(), "true".to_owned()));
        return Ok(pairs);
    };
    let periods = Periods::covering(calendar, written.earliest, written.latest, EndCounts::Yes)
        .map_err(|error| invalid(format!("period: {error}")))?;
    Ok(range(periods.start(), periods.end()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(text: &str) -> Timestamp {
        time::parse(text).expect("a time")
    }

    fn asked(function: Function, parameters: Value, from: &str, to: &str) -> Result<Query, ApiError> {
        let written = Written { earliest: at(from), latest: at(to) };
        query(function, parameters.as_object().expect("an object"), written, at("2013-04-01"))
    }

    #[track_caller]
    fn expect(function: Function, parameters: Value, (from, to): (&str, &str), pairs: &[(&str, &str)]) {
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let expected = Query::parse(&pairs, at("2013-04-01")).expect("a query");
        assert_eq!(asked(function, parameters, from, to), Ok(expected));
    }

    #[test]
    fn periods_are_whole_and_the_ends_of_the_transform_are_left_out() {
        let parameters = json!({
            "period": "week", "group_by": "channel", "collect": ["count:sum"], "duration": 5,
            "start_at": "2012-01-01T00:00:00Z",
        });
        let pairs = [
            ("period", "week"),
            ("group_by", "channel"),
            ("collect", "count:sum"),
            ("flatten", "true"),
            ("start_at", "2013-03-11T00:00:00Z"),
            ("end_at", "2013-03-25T00:00:00Z"),
        ];
        let range = ("2013-03-13T10:00:00Z", "2013-03-18T00:00:00Z");
        expect(Function::Rate, parameters.clone(), range, &pairs);
        // One moment, and in a week that has not ended.
        let pairs =
            [&pairs[..4], &[("start_at", "2013-04-01T00:00:00Z"), ("end_at", "2013-04-08T00:00:00Z")]];
        let range = ("2013-04-01T00:00:00Z", "2013-04-01T00:00:00Z");
        expect(Function::Rate, parameters, range, &pairs.concat());
    }

    #[test]
    fn records_are_read_from_the_earliest_to_the_latest() {
        let range = ("2013-03-13T10:00:00Z", "2013-03-18T00:00:00Z");
        let pairs =
            [("filter_by", "aa:b"), ("start_at", range.0), ("end_at", range.1), ("inclusive", "true")];
        expect(Function::Nothing, json!({"filter_by": ["aa:b"]}), range, &pairs);
    }

    #[test]
    fn the_newest_is_looked_for_at_all_times() {
        let range = ("2013-03-13T10:00:00Z", "2013-03-18T00:00:00Z");
        let pairs = [("sort_by", "_timestamp:descending"), ("limit", "1")];
        expect(Function::LatestDatasetValue, json!({"limit": 7}), range, &pairs);
        let pairs = [("latest_by", "service_id"), ("latest_by", "type")];
        expect(Function::LatestTransactionExplorerValues, json!({}), range, &pairs);
    }

    #[test]
    fn what_is_no_query_is_refused_by_name() {
        for (parameters, named) in [
            (json!({"period": "fortnight"}), "period"),
            (json!({"period": "week", "timezone": "Nowhere/Else"}), "timezone"),
            (json!({"group_by": {"a": 1}}), "group_by"),
            (json!({"format": "csv"}), "format"),
            (json!({"colour": "red"}), "colour"),
        ] {
            let error = asked(Function::Nothing, parameters, "2013-03-13", "2013-03-14").expect_err(named);
            assert!(error.message.contains(named), "{error}");
        }
    }
}
