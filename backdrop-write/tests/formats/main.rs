//! The formats in which records come, over HTTP, against the real services.

mod bombs;
mod csv;
mod lines;
mod memory;
mod paths;
mod sheets;

use backdrop_testing::{Answer, Client, Stack};
use serde_json::{Value, json};

/// Where the records go.
const PATH: &str = "/data/group/kind";
const CSV: &str = "text/csv";
const LINES: &str = "application/x-ndjson";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const XLS: &str = "application/vnd.ms-excel";
const ODS: &str = "application/vnd.oasis.opendocument.spreadsheet";

/// A stack with a data set whose schema says that `code` is a string, and a client that may write to it.
async fn stack() -> (Stack, Client) {
    let stack = Stack::start().await.expect("a stack");
    let schema =
        json!({"properties": {"code": {"type": ["string", "null"]}, "count": {"type": ["integer", "null"]}}});
    stack.create_data_set_with("group", "kind", &json!({"schema": schema}));
    let writer = stack.writer().with_token("token-for-kind");
    (stack, writer)
}

fn send(writer: &Client, path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
    let writer = writer.with_header("Content-Type", content_type);
    writer.send("POST", path, body.into()).expect("an answer")
}

/// What is stored, in the order of ids, without what the store adds.
fn stored(stack: &Stack) -> Vec<Value> {
    let answer = stack.reader().get(&format!("{PATH}?sort_by=_id:ascending")).expect(200);
    let mut rows = answer.json()["data"].as_array().expect("rows").clone();
    for row in &mut rows {
        row.as_object_mut().expect("a record").remove("_updated_at");
    }
    rows
}

/// Whether a message of the answer has this part.
#[track_caller]
fn assert_says(answer: &Answer, part: &str) {
    let body = answer.json();
    let lines = body["messages"].as_array().expect("messages");
    let is_said = lines.iter().any(|line| line.as_str().is_some_and(|line| line.contains(part)));
    assert!(is_said, "{body} does not say {part:?}");
}
