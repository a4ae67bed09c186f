//! Raw queries: records, one a row.

use super::Row;
use super::calendar::Range;
use super::query::Query;
use super::record::{Record, TIMES, moment};
use super::value::{Direction, order};
use serde_json::Value;
use std::cmp::Ordering;

/// The rows of a raw query. Pages put together are the answer without `limit`, so there is no `cursor`.
pub(crate) fn rows(records: &[&Record], query: &Query) -> Vec<Row> {
    let range = Range::asked(query);
    let in_range = records.iter().copied().filter(|record| range.holds(record.time)).collect();
    let mut records = latest(in_range, &query.all("latest_by").collect::<Vec<_>>());
    let (field, direction) = query.sort_by().unwrap_or(("_timestamp", Direction::Ascending));
    records.sort_by(|one, other| {
        by_field(one, other, field, direction).then_with(|| direction.turn(one.id().cmp(other.id())))
    });
    records.truncate(query.number("limit").unwrap_or(usize::MAX));
    records.into_iter().map(|record| picked(&record.row, query)).collect()
}

/// Of the records with the same values of these fields only the last, by time and then by `_id`.
fn latest<'a>(records: Vec<&'a Record>, fields: &[&str]) -> Vec<&'a Record> {
    let is_same = |one: &Record, other: &Record, field: &&str| match (one.value(field), other.value(field)) {
        (Some(one), Some(other)) => order(one, other).is_eq(),
        _ => false,
    };
    let is_surpassed = |record: &Record| {
        records.iter().any(|other| {
            fields.iter().all(|field| is_same(record, other, field))
                && (other.time, other.id()) > (record.time, record.id())
        })
    };
    if fields.is_empty() {
        return records;
    }
    let complete = records.iter().filter(|record| fields.iter().all(|field| record.value(field).is_some()));
    complete.copied().filter(|record| !is_surpassed(record)).collect()
}

/// The order by a field; a record without `_timestamp` stands where it was accepted.
fn by_field(one: &Record, other: &Record, field: &str, direction: Direction) -> Ordering {
    if field == "_timestamp" {
        return direction.turn(one.time.cmp(&other.time));
    }
    let values = (one.value(field), other.value(field));
    if TIMES.contains(&field) {
        let time = |value: Option<&Value>| value.and_then(Value::as_str).and_then(moment);
        return direction.missing_last(time(values.0), time(values.1), |one, other| one.cmp(&other));
    }
    direction.missing_last(values.0, values.1, order)
}

/// The fields that were asked for.
fn picked(row: &Row, query: &Query) -> Row {
    let fields: Vec<&str> = query.all("fields").flat_map(|names| names.split(',')).collect();
    let is_asked = |name: &str| fields.is_empty() || fields.contains(&name);
    row.iter().filter(|(name, _)| is_asked(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}
