//! What the client does when it is told 503: it sends the same request again, but of a compressed body nothing is left.

use crate::client::{NO_REQUEST_ID, Python, repeat_as_nothing};
use crate::{path, records};
use backdrop_testing::{Stack, StackOptions, eventually};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_body_of_nothing_is_refused_and_the_whole_one_taken() {
    let environment = vec![("BACKDROP_PARTITION_BYTES".into(), "20000".into())];
    let mut stack =
        Stack::start_with(StackOptions { environment, ..StackOptions::default() }).await.expect("a stack");
    stack.create_data_set_with("service", "retried", &json!({}));
    let python = Python::new(&stack, "token-for-retried");
    let record = |number: usize| json!({"_id": format!("r{number}"), "_timestamp": "2014-02-10T00:00:00+00:00", "text": "x".repeat(3_000)});
    // Nobody takes anything out of the queue, until it is full.
    let impatient = stack.writer().with_token("token-for-retried").with_header("Prefer", "respond-async");
    let mut accepted = 0;
    let refused = loop {
        let answer = impatient.post(&path("retried"), &record(accepted));
        if answer.status != 202 {
            break answer;
        }
        accepted += 1;
        assert!(accepted < 100, "the queue never gets full");
    };
    assert!(refused.expect(503).header("retry-after").is_some());
    assert!(python.post(&path("retried"), &record(accepted)).expect(503).json()["message"].is_string());

    let (head, error) = repeat_as_nothing(&stack, "token-for-retried", &path("retried"));
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
    assert!(
        head.to_ascii_lowercase().contains(&format!("x-request-id: {}", NO_REQUEST_ID.to_lowercase())),
        "{head}"
    );
    let said = "Expected JSON request body but received zero bytes.";
    assert_eq!((&error["status"], &error["messages"]), (&json!("error"), &json!([said])));

    stack.add_worker().expect("a worker");
    eventually("there is room again", Duration::from_secs(20), || {
        python.post(&path("retried"), &record(accepted)).status == 200
    });
    let ids: Vec<Value> = records(&stack, "retried").iter().map(|record| record["_id"].clone()).collect();
    assert_eq!(ids.len(), accepted + 1, "{ids:?}");
}
