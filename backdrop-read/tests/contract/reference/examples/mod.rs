//! The judge judged: examples worked out by hand from `docs/http-api.md`.

mod groups;
mod periods;
mod records;

use super::{Query, Record, Refused, Row, answer, moment};
use serde_json::Value;

/// When the examples are asked, and when records without `_timestamp` were accepted.
const NOW: &str = "2013-04-03T12:00:00Z";

/// The rows of a query, written like an address but without its escapes.
fn ask(records: &Value, query: &str) -> Vec<Value> {
    try_ask(records, query).expect("rows")
}

fn try_ask(records: &Value, query: &str) -> Result<Vec<Value>, Refused> {
    let now = moment(NOW).expect("a time");
    let record = |(number, record): (usize, &Value)| {
        let mut row: Row = record.as_object().expect("an object").clone();
        row.entry("_id").or_insert_with(|| number.to_string().into());
        Record::new(row, now)
    };
    let records: Vec<Record> = records.as_array().expect("a list").iter().enumerate().map(record).collect();
    let pair = |text: &str| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    answer(&records, &Query(query.split('&').filter_map(pair).collect()), now)
}

/// The ids of the records that answer a query, in their order.
fn ids(records: &Value, query: &str) -> String {
    ask(records, query).iter().map(|row| row["_id"].as_str().expect("an id")).collect()
}

/// The given columns of all rows.
fn columns(rows: &[Value], names: &[&str]) -> Value {
    let row = |row: &Value| names.iter().map(|name| row[name].clone()).collect::<Value>();
    rows.iter().map(row).collect()
}
