//! A batch that is accepted after a schema was set is judged by it or by a later one.

use super::{put, stack};
use backdrop_testing::eventually;
use serde_json::json;
use std::time::Duration;

/// How often: a worker that goes by the schema before does so in a window of milliseconds.
const ROUNDS: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_is_in_force_as_soon_as_it_is_set() {
    let stack = stack().await;
    let (admin, writer) = (stack.administrator(), stack.writer().with_token("token-for-kind"));
    for round in 0..ROUNDS {
        let (good, bad) = if round % 2 == 0 { (json!(1), json!("one")) } else { (json!("one"), json!(1)) };
        let wanted = if round % 2 == 0 { "integer" } else { "string" };
        let schema = json!({"properties": {"count": {"type": wanted}}});
        put(&admin, "/data-sets/group_kind/schema", &schema).expect(200);
        if round % 4 < 2 {
            writer.post("/data/group/kind", &json!({"_id": "bad", "count": bad})).expect(400);
            writer.post("/data/group/kind", &json!({"_id": "good", "count": good})).expect(200);
        } else {
            let later = writer.with_header("Prefer", "respond-async");
            let receipts = [bad, good].map(|count| {
                let answer =
                    later.post("/data/group/kind", &json!({"_id": "later", "count": count})).expect(202);
                answer.header("location").expect("a receipt").to_owned()
            });
            for (receipt, outcome) in receipts.iter().zip(["rejected", "stored"]) {
                let mut state = String::new();
                eventually("the batch ended", Duration::from_secs(30), || {
                    let answer = writer.get(receipt).expect(200).json();
                    state = answer["state"].as_str().expect("a state").to_owned();
                    state != "queued"
                });
                assert_eq!(state, outcome, "round {round}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_make_ids_are_in_force_as_soon_as_they_are_set() {
    let stack = stack().await;
    let (admin, writer) = (stack.administrator(), stack.writer().with_token("token-for-kind"));
    for round in 0..10 {
        put(&admin, "/data-sets/group_kind", &json!({"auto_ids": [format!("field_{round}")]})).expect(200);
        writer.post("/data/group/kind", &json!({"other": 1})).expect(400);
        writer.post("/data/group/kind", &json!({format!("field_{round}"): "x"})).expect(200);
    }
}
