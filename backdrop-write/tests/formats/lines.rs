//! JSON lines.

use super::{LINES, PATH, assert_says, send, stack, stored};
use backdrop_testing::eventually;
use serde_json::json;
use std::time::Duration;

/// Eight lines, the seventh of which is no JSON.
const BAD_LINE_7: &str = "{\"_id\":\"1\"}\n{\"_id\":\"2\"}\n\n{\"_id\":\"4\"}\n{\"_id\":\"5\"}\n{\"_id\":\"6\"}\n\
                          {\"_id\":\"7\"\n{\"_id\":\"8\"}\n";

#[tokio::test(flavor = "multi_thread")]
async fn every_line_is_a_record() {
    let (stack, writer) = stack().await;
    for (content_type, id) in [(LINES, "a"), ("application/ndjson", "b"), ("application/jsonl", "c")] {
        send(&writer, PATH, content_type, format!("\n{{\"_id\":\"{id}\",\"count\":1}}\r\n")).expect(200);
    }
    let ids: Vec<_> = stored(&stack).into_iter().map(|record| record["_id"].clone()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    assert_says(
        &send(&writer, PATH, LINES, "{\"_id\":\"d\",\"count\":\"x\"}").expect(400),
        "line 1: count: ",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_line_refuses_everything_or_in_lenient_handling_itself() {
    let (stack, writer) = stack().await;
    let strict = send(&writer, PATH, LINES, BAD_LINE_7).expect(400);
    assert_says(&strict, "line 7: Error parsing JSON: ");
    assert_eq!(strict.json()["code"], "invalid_json");
    assert_eq!(strict.json()["errors"][0]["line"], 7);
    assert!(stored(&stack).is_empty());

    let lenient = writer.with_header("Prefer", "handling=lenient");
    send(&lenient, PATH, LINES, BAD_LINE_7).expect(200);
    assert_eq!(stored(&stack).len(), 6);
    let mut rejected = json!([]);
    eventually("the bad line is kept", Duration::from_secs(5), || {
        rejected = writer.get(&format!("{PATH}/rejected")).expect(200).json()["rejected"].clone();
        rejected.as_array().is_some_and(|batches| !batches.is_empty())
    });
    let fault = &rejected[0]["errors"][0];
    assert_eq!((&fault["line"], &fault["code"]), (&json!(7), &json!("invalid_json")), "{rejected}");
}
