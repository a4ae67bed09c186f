//! The query service through the front door: records are written to the ingest service, stored by a
//! worker, and asked for over HTTP.

mod bounds;
mod cached;
mod caching;
mod data_sets;
mod docs;
mod faults;
mod formats;
mod frames;
mod groups;
mod headers;
mod periods;
mod records;
mod refusals;
mod urls;

use backdrop_testing::{Answer, Stack};
use serde_json::{Value, json};

/// Where the examples live.
const PATH: &str = "/data/licensing/applications";

/// A stack with a data set of six records.
async fn with_examples() -> Stack {
    let stack = Stack::start().await.expect("a stack");
    stack.create_data_set("licensing", "applications");
    let records = json!([
        {"_id": "1", "_timestamp": "2013-03-11T00:00:00Z", "authority": "Westminster", "licence": "Cats",
         "fee": 10, "paid": true},
        {"_id": "2", "_timestamp": "2013-03-12T10:30:00+01:00", "authority": "Camden", "licence": "Cats",
         "fee": 9, "paid": false},
        {"_id": "3", "_timestamp": "2013-03-18T00:00:00Z", "authority": "Westminster", "licence": "Dogs",
         "fee": 8.5},
        {"_id": "4", "_timestamp": "2013-03-18T00:00:00Z", "authority": "Westminster", "licence": "Dogs",
         "fee": null},
        {"_id": "5", "_timestamp": "2013-03-25T00:00:00Z", "authority": null, "licence": "10% off", "fee": 1},
        {"_id": "6", "_timestamp": "2013-04-01T00:00:00Z", "licence": "100", "fee": "free"},
    ]);
    stack.writer().with_token("token-for-applications").post(PATH, &records).expect(200);
    stack
}

/// Asks the examples; the rows of the answer.
#[track_caller]
fn ask(stack: &Stack, query: &str) -> Value {
    asked(stack, query).expect(200).json()["data"].take()
}

/// Asks the examples; the answer.
fn asked(stack: &Stack, query: &str) -> Answer {
    stack.reader().get(&format!("{PATH}?{query}"))
}

/// The given columns of all rows.
fn columns(rows: &Value, names: &[&str]) -> Value {
    let row = |row: &Value| names.iter().map(|name| row[name].clone()).collect::<Value>();
    rows.as_array().expect("a list").iter().map(row).collect()
}

/// The ids of the records that answer a query, in their order.
#[track_caller]
fn ids(stack: &Stack, query: &str) -> String {
    let rows = ask(stack, query);
    rows.as_array().expect("a list").iter().map(|row| row["_id"].as_str().expect("an id")).collect()
}
