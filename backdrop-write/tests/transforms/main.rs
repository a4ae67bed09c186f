//! Transforms, and the other resources of the original's administration, through the front door: records are
//! written, and what is computed from them is read.

mod failing;
mod latest;
mod rates;
mod refusals;
mod resources;

use backdrop_testing::{Client, Stack, eventually};
use serde_json::{Value, json};
use std::time::Duration;

const RATE: &str = "backdrop.transformers.tasks.rate.compute";
const LATEST: &str = "backdrop.transformers.tasks.latest_dataset_value.compute";
/// Longer than any run takes on a machine that is busy with other things.
const SOON: Duration = Duration::from_secs(30);

/// Makes a transform type; its id.
fn transform_type(stack: &Stack, name: &str, function: &str) -> Value {
    let body = json!({"name": name, "function": function, "schema": {"type": "object"}});
    stack.administrator().post("/transform-type", &body).expect(200).json()["id"].take()
}

/// The body of a transform from counts by channel to the share of digital ones.
fn take_up(type_id: &Value) -> Value {
    json!({
        "type_id": type_id,
        "input": {"data-group": "cats", "data-type": "transactions-by-channel"},
        "query-parameters": {"period": "week", "group_by": ["channel"], "collect": ["count:sum"]},
        "options": {"matchingAttribute": "channel", "valueAttribute": "count:sum",
                    "numeratorMatcher": "^digital$", "denominatorMatcher": ".+"},
        "output": {"data-type": "digital-takeup"},
    })
}

/// A stack with counts by channel and a transform to their take-up; the id of the transform.
async fn with_take_up() -> (Stack, String) {
    let stack = Stack::start().await.expect("a stack");
    stack.create_data_set("cats", "transactions-by-channel");
    let type_id = transform_type(&stack, "rate", RATE);
    let made = stack.administrator().post("/transform", &take_up(&type_id)).expect(200).json();
    (stack, made["id"].as_str().expect("an id").to_owned())
}

/// Who may write counts.
fn counter(stack: &Stack) -> Client {
    stack.writer().with_token("token-for-transactions-by-channel")
}

const COUNTS: &str = "/data/cats/transactions-by-channel";

/// A count of one day.
fn count(day: &str, channel: &str, count: i64) -> Value {
    json!({"_id": format!("{day}.{channel}"), "_timestamp": format!("{day}T00:00:00Z"), "period": "day",
           "channel": channel, "count": count})
}

/// The records of a data set by their time, without those fields that tell when they were stored; none if there is
/// no such data set.
fn records(stack: &Stack, path: &str) -> Vec<Value> {
    let answer = stack.reader().get(&format!("{path}?sort_by=_timestamp:ascending"));
    if answer.status == 404 {
        return Vec::new();
    }
    let mut records = answer.expect(200).json()["data"].as_array().expect("a list").clone();
    for record in &mut records {
        record.as_object_mut().expect("an object").remove("_updated_at");
    }
    records
}

/// The runs of a transform, the newest first.
fn runs(stack: &Stack, transform: &str) -> Vec<Value> {
    let answer = stack.administrator().get(&format!("/transform/{transform}/runs")).expect(200);
    answer.json().as_array().expect("a list").clone()
}

/// Waits until no run of a transform is open, and there are so many.
fn wait_for_runs(stack: &Stack, transform: &str, number: usize) -> Vec<Value> {
    let mut ended = Vec::new();
    eventually("the transform was run", SOON, || {
        ended = runs(stack, transform);
        ended.len() >= number && ended.iter().all(|run| run["state"] == "done" || run["state"] == "failed")
    });
    ended
}
