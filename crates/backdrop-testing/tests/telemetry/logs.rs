//! One event per request and one per batch, and the way from one to the other.

use super::{SOON, blocking};
use backdrop_testing::{Process, Stack, StackOptions, eventually};
use serde_json::{Value, json};

/// The events of a process with that message and that id of a request. Every line is one JSON object.
fn events(process: &Process, message: &str, request_id: &str) -> Vec<Value> {
    let log = process.log();
    // The last line may be half written.
    let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let lines = whole.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")));
    lines.filter(|event: &Value| event["message"] == message && event["request_id"] == request_id).collect()
}

fn event(process: &Process, message: &str, request_id: &str) -> Value {
    eventually(&format!("{message} of {request_id} is told"), SOON, || {
        !events(process, message, request_id).is_empty()
    });
    let mut events = events(process, message, request_id);
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_followed_from_its_request_to_its_batch() {
    let environment = vec![("BACKDROP_LOG_FORMAT".to_owned(), "json".to_owned())];
    let options = StackOptions { workers: 1, environment, ..StackOptions::default() };
    let stack = Stack::start_with(options).await.expect("a stack");
    blocking(|| {
        stack.create_data_set("followed", "figures");
        let writer = stack.writer().with_token("token-for-figures");
        let named = writer.with_header("X-Request-Id", "follow-me");
        named.post("/data/followed/figures", &json!([{"_id": "a"}, {"_id": "b"}])).expect(200);
        let request = event(&stack.write, "request", "follow-me");
        assert_eq!(
            [&request["method"], &request["path"], &request["route"], &request["data_set"]],
            ["POST", "/data/followed/figures", "/data/{group}/{type}", "followed_figures"]
        );
        assert_eq!((&request["status"], &request["level"]), (&json!(200), &json!("INFO")));
        assert!(request["duration_ms"].as_f64() > Some(0.0), "{request}");
        assert_eq!(request.get("trace_id"), None);
        let batch = event(&stack.workers[0], "batch", "follow-me");
        assert!(request["batch"].is_string() && request["batch"] == batch["batch"], "{request} {batch}");
        assert_eq!((&batch["data_set"], &batch["outcome"]), (&json!("followed_figures"), &json!("stored")));
        assert_eq!((&batch["stored"], &batch["rejected"]), (&json!(2), &json!(0)));

        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        let traceparent = format!("00-{trace}-{span}-01");
        let only_traced = writer.with_header("traceparent", &traceparent);
        let answer =
            only_traced.post("/data/followed/figures", &json!([{"_timestamp": "never"}])).expect(400);
        assert_eq!(answer.header("x-request-id"), Some(traceparent.as_str()), "as the contract has it");
        let request = event(&stack.write, "request", &traceparent);
        assert_eq!((&request["trace_id"], &request["code"]), (&json!(trace), &json!("invalid_records")));
        let batch = event(&stack.workers[0], "batch", &traceparent);
        assert_eq!((&batch["trace_id"], &batch["outcome"]), (&json!(trace), &json!("rejected")));

        let reader = stack.reader().with_header("X-Request-Id", "a-query");
        reader.get("/data/followed/figures?limit=1").expect(200);
        let request = event(&stack.read, "request", "a-query");
        assert_eq!(
            [&request["path"], &request["data_set"]],
            ["/data/followed/figures", "followed_figures"],
            "without its query"
        );
        stack.reader().with_header("X-Request-Id", "a-scrape").get("/metrics").expect(200);
        stack.reader().with_header("X-Request-Id", "a-sign-of-life").get("/_status").expect(200);
        for quiet in ["a-scrape", "a-sign-of-life"] {
            assert!(!stack.read.log().contains(quiet), "{quiet} is not told at info");
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_logged_is_missing_after_an_orderly_end() {
    const REQUESTS: usize = 300;
    let environment = vec![("BACKDROP_LOG_FORMAT".to_owned(), "json".to_owned())];
    let options = StackOptions { environment, ..StackOptions::default() };
    let mut stack = Stack::start_with(options).await.expect("a stack");
    blocking(|| {
        stack.create_data_set("followed", "figures");
        let reader = stack.reader().with_header("X-Request-Id", "one-of-many");
        for number in 0..REQUESTS {
            reader.get("/data/followed/figures?limit=1").expect(200);
            if number == 0 {
                let engine = event(&stack.read, "request", "one-of-many")["engine"].take();
                assert_eq!(engine, "sql");
            }
        }
        stack.read.terminate().expect("it ends");
        let events = events(&stack.read, "request", "one-of-many");
        assert_eq!(events.len(), REQUESTS);
        assert_eq!(events[REQUESTS - 1]["engine"], "cache");
    });
}
