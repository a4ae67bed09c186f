//! Changes through the front door: single records, their order, idempotency keys, lenient handling, and rejected
//! batches with their replays.

mod auto_ids;
mod idempotency;
mod lenient;
mod lookups;
mod order;
mod records;
mod rejected;

use backdrop_testing::{Answer, Client, Stack, StackOptions, eventually, sqlx};
use serde_json::{Value, json};
use std::time::Duration;

/// Where the records of these tests live.
const PATH: &str = "/data/group/kind";
/// How long anything may take on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// A stack with a data set that takes any record, and a client that may write to it.
async fn stack() -> (Stack, Client) {
    stack_with(1, &json!({"schema": null})).await
}

/// The same with further workers and settings.
async fn stack_with(workers: usize, settings: &Value) -> (Stack, Client) {
    let stack =
        Stack::start_with(StackOptions { workers, ..StackOptions::default() }).await.expect("a stack");
    stack.create_data_set_with("group", "kind", settings);
    let writer = stack.writer().with_token("token-for-kind");
    (stack, writer)
}

/// Sends JSON with whatever method.
fn send(client: &Client, method: &str, path: &str, body: &Value) -> Answer {
    let client = client.with_header("Content-Type", "application/json");
    client.send(method, path, body.to_string().into_bytes()).expect("the service answers")
}

/// All records, by `_id`, without the times at which they were stored.
fn records(stack: &Stack) -> Vec<Value> {
    let answer = stack.reader().get(&format!("{PATH}?sort_by=_id:ascending")).expect(200);
    let mut rows = answer.json()["data"].as_array().expect("rows").clone();
    for row in &mut rows {
        row.as_object_mut().expect("an object").remove("_updated_at");
    }
    rows
}

/// The path of a record.
fn path_of(id: &str) -> String {
    let encoded: String = id
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    format!("{PATH}/{encoded}")
}

/// The receipt of a write that was not waited for, once the write has ended.
fn ended(client: &Client, answer: &Answer) -> Value {
    let location = answer.header("location").expect("a location").to_owned();
    let mut receipt = Value::Null;
    eventually("the write ended", PATIENCE, || {
        receipt = client.get(&location).expect(200).json();
        receipt["state"] != "queued"
    });
    receipt
}

/// Gives the data set a new schema, by which `count` is of a type, and lets the service learn it.
async fn set_schema(stack: &Stack, type_of_count: &str) {
    sqlx::query(
        "INSERT INTO data_set_schema (data_set_id, version, document)
         SELECT d.id, 1 + coalesce(max(s.version), 0), $1
         FROM data_set d LEFT JOIN data_set_schema s ON s.data_set_id = d.id GROUP BY d.id",
    )
    .bind(json!({"properties": {"count": {"type": type_of_count}}}))
    .execute(&stack.pool)
    .await
    .expect("a new version of the schema");
    // After any change of its own the service looks at the whole configuration.
    stack.administrator().post("/data-sets/group_kind/tokens", &json!({})).expect(200);
}

/// The ids of all rejected batches, newest first.
fn rejected(client: &Client) -> Vec<Value> {
    let answer = client.get(&format!("{PATH}/rejected")).expect(200).json();
    answer["rejected"].as_array().expect("a list").clone()
}
