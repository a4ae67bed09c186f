//! What any answer must be, and what the answer to a row must be.

use crate::row::{Expected, Row};
use crate::wire::Reply;
use serde_json::Value;
use std::time::Duration;

/// No refusal may take longer, also on a machine that has other things to do. The longest that the service itself
/// waits for is the head of a request: five seconds.
const ANSWERED_WITHIN: Duration = Duration::from_secs(20);
/// No refusal is longer: one must not be able to make the service say more than was sent to it.
const BYTES_MAX: usize = 64 * 1024;
/// Shorter than this nothing is said about what to do.
const MESSAGE_BYTES_MIN: usize = 15;

/// What is wrong with the answer to a row; nothing if it is as it must be. `secrets` must not stand in it.
pub(crate) fn faults(row: &Row, reply: &Reply, secrets: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    let Expected { statuses, codes, .. } = &row.expected;
    if !statuses.contains(&reply.status) {
        faults.push(format!("status {}, expected {}", reply.status, any_of(statuses)));
    }
    if reply.took > ANSWERED_WITHIN {
        faults.push(format!("it took {:?}", reply.took));
    }
    if reply.body.len() > BYTES_MAX {
        faults.push(format!("the answer has {} bytes", reply.body.len()));
    }
    let text = String::from_utf8_lossy(&reply.body);
    if secrets.iter().any(|secret| text.contains(secret) || reply.head.contains(secret)) {
        faults.push("it repeats a token".into());
    }
    if !codes.is_empty() {
        faults.extend(faults_of_form(reply));
        faults.extend(faults_of_content(&row.expected, reply, &text));
    }
    faults
}

/// Every refusal of ours has the same form.
fn faults_of_form(reply: &Reply) -> Vec<String> {
    let mut faults = Vec::new();
    let error = reply.json();
    let is_json = reply.header("content-type").is_some_and(|media| media.starts_with("application/json"));
    if !is_json || !error.is_object() {
        let text = String::from_utf8_lossy(&reply.body);
        return vec![format!("no JSON object: {:.200}", text)];
    }
    if error["status"] != "error" {
        faults.push(format!("`status` is {}", error["status"]));
    }
    if error["message"].as_str().is_none_or(|message| message.len() < MESSAGE_BYTES_MIN) {
        faults.push(format!("`message` says too little: {}", error["message"]));
    }
    let lines = error["messages"].as_array();
    if reply.status == 400
        && !lines.is_some_and(|lines| !lines.is_empty() && lines.iter().all(Value::is_string))
    {
        faults.push("there are no `messages`".into());
    }
    if error["errors"].is_array() && error["errors_total"].as_u64().is_none_or(|total| total == 0) {
        faults.push(format!("`errors_total` is {}", error["errors_total"]));
    }
    if reply.header("x-request-id").is_none_or(str::is_empty) {
        faults.push("there is no X-Request-Id".into());
    }
    let needed = match reply.status {
        401 => Some("www-authenticate"),
        405 => Some("allow"),
        429 | 503 => Some("retry-after"),
        _ => None,
    };
    faults
        .extend(needed.filter(|name| reply.header(name).is_none()).map(|name| format!("there is no {name}")));
    faults
}

fn faults_of_content(expected: &Expected, reply: &Reply, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let error = reply.json();
    let code = error["code"].as_str().unwrap_or_default();
    if !expected.codes.contains(&code) {
        faults.push(format!("code {code:?}, expected {}", any_of(&expected.codes)));
    }
    let listed: Vec<&Value> = error["errors"].as_array().into_iter().flatten().collect();
    if let Some(inner) = expected.inner
        && !listed.iter().any(|error| error["code"] == inner)
    {
        faults.push(format!(
            "no error {inner:?} among {:?}",
            listed.iter().map(|e| &e["code"]).collect::<Vec<_>>()
        ));
    }
    // As a person reads it, without the escapes of JSON.
    let said =
        [error["message"].to_string(), error["messages"].to_string(), error["errors"].to_string()].concat();
    let said = said.replace("\\\"", "\"").replace("\\\\", "\\");
    for part in &expected.says {
        if !said.contains(part) {
            faults.push(format!("it does not say {part:?}: {:.300}", text));
        }
    }
    faults.extend(
        expected.header.filter(|name| reply.header(name).is_none()).map(|name| format!("there is no {name}")),
    );
    faults
}

fn any_of<T: std::fmt::Debug>(all: &[T]) -> String {
    all.iter().map(|one| format!("{one:?}")).collect::<Vec<_>>().join(" or ")
}
