//! A record as the service stores it: its times in UTC, and with the time by which it counts.

use super::Row;
use super::calendar::Moment;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use serde_json::Value;

/// The fields that hold times.
pub(crate) const TIMES: [&str; 4] = ["_timestamp", "_start_at", "_end_at", "_updated_at"];

/// A stored record.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// What a raw query shows, `_id` and `_updated_at` with it.
    pub(crate) row: Row,
    /// Its `_timestamp`, else when it was accepted.
    pub(crate) time: Moment,
}

impl Record {
    /// A record of which the service shows this, and that it accepted at that time.
    pub(crate) fn new(mut row: Row, accepted_at: Moment) -> Self {
        for field in TIMES {
            if let Some(time) = row.get(field).and_then(Value::as_str).and_then(moment) {
                row.insert(field.to_owned(), print(time).into());
            }
        }
        let stated = row.get("_timestamp").and_then(Value::as_str).and_then(moment);
        Self { row, time: stated.unwrap_or(accepted_at) }
    }

    /// The value of a field; null is none.
    pub(crate) fn value(&self, field: &str) -> Option<&Value> {
        self.row.get(field).filter(|value| !value.is_null())
    }

    /// Its `_id`.
    pub(crate) fn id(&self) -> &str {
        self.row["_id"].as_str().expect("every record has an _id")
    }
}

/// The moment that a text means: RFC 3339 or ISO 8601, with `T` or a space; an offset with or without colon
/// or none, which means UTC; or a date alone.
pub(crate) fn moment(text: &str) -> Option<Moment> {
    let text = text.replacen(' ', "T", 1).replace('Z', "+00:00");
    let midnight = |date: NaiveDate| date.and_time(NaiveTime::MIN).and_utc();
    let with_offset = DateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f%z").map(|time| time.to_utc());
    with_offset
        .or_else(|_| NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f").map(|time| time.and_utc()))
        .or_else(|_| NaiveDate::parse_from_str(&text, "%Y-%m-%d").map(midnight))
        .ok()
}

/// How a moment is printed, in UTC.
pub(crate) fn print(moment: Moment) -> String {
    print_in(moment, Utc)
}

/// How a moment is printed, with the offset that holds in a zone: with as many digits of a fraction as it needs.
pub(crate) fn print_in<Z: TimeZone<Offset: std::fmt::Display>>(moment: Moment, zone: Z) -> String {
    let time = moment.with_timezone(&zone);
    let second = time.format("%Y-%m-%dT%H:%M:%S%.6f").to_string();
    format!("{}{}", second.trim_end_matches('0').trim_end_matches('.'), time.format("%:z"))
}
