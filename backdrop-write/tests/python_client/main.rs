//! Clients that were written for the original, replayed as they are on the wire: its Python client, the collectors and
//! the administration that use it, and those that came without it. None of them is changed for us.

mod administration;
mod client;
mod collectors;
mod reporters;
mod retries;

use backdrop_testing::Stack;
use serde_json::{Value, json};

/// A stack with a data set of the group `service`; its token is `token-for-{type}`.
async fn with(data_type: &str) -> Stack {
    let stack = Stack::start().await.expect("a stack");
    // The schema every data set has by default: a `_timestamp`.
    stack.create_data_set_with("service", data_type, &json!({}));
    stack
}

fn path(data_type: &str) -> String {
    format!("/data/service/{data_type}")
}

/// All records of a data set, by `_id`.
#[track_caller]
fn records(stack: &Stack, data_type: &str) -> Vec<Value> {
    let answer = stack.reader().get(&format!("{}?sort_by=_id:ascending", path(data_type))).expect(200);
    answer.json()["data"].as_array().expect("rows").clone()
}
