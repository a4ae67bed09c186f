//! The administration through the front door: data sets, their schemas and tokens, quotas and the trail.

mod audit;
mod data_sets;
mod in_force;
mod quotas;
mod schemas;
mod secrets;
mod tokens;

use backdrop_testing::{Answer, Client, Stack};
use serde_json::{Value, json};

/// A stack with the data set `group_kind`, which takes any record, and whose token is `token-for-kind`.
async fn stack() -> Stack {
    let stack = Stack::start().await.expect("a stack");
    stack.create_data_set("group", "kind");
    stack
}

/// Puts JSON to a path.
fn put(client: &Client, path: &str, body: &Value) -> Answer {
    let client = client.with_header("Content-Type", "application/json");
    client.send("PUT", path, body.to_string().into_bytes()).expect("an answer")
}

/// Makes a token of `group_kind` on the given terms; a client with it, and its id.
fn with_terms(stack: &Stack, terms: &Value) -> (Client, Value) {
    let made = stack.administrator().post("/data-sets/group_kind/tokens", terms).expect(200).json();
    (stack.writer().with_token(made["token"].as_str().expect("a token")), made["id"].clone())
}

/// A client with a token of `group_kind` that has the scope.
fn with_scope(stack: &Stack, scope: &str) -> Client {
    with_terms(stack, &json!({"scopes": [scope]})).0
}
