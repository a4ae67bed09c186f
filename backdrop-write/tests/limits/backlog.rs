//! What `/_status` tells of the queue.

use backdrop_testing::{Stack, StackOptions, eventually};
use serde_json::{Value, json};
use std::time::Duration;

/// Longer than the picture takes to be renewed, also on a busy machine.
const SOON: Duration = Duration::from_secs(15);
const PATH: &str = "/data/group/kind";

fn queue(stack: &Stack) -> Value {
    stack.writer().get("/_status").expect(200).json()["queue"].clone()
}

fn append(stack: &Stack, count: usize) {
    let writer = stack.writer().with_token("token-for-kind").with_header("Prefer", "respond-async");
    for _ in 0..count {
        writer.post(PATH, &json!({"count": 1})).expect(202);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_told_and_since_when() {
    let mut stack = Stack::start_with(StackOptions::default()).await.expect("a stack");
    eventually("nothing waits, and nobody works", SOON, || {
        let queue = queue(&stack);
        queue["backlog"]["entries"] == 0 && queue["workers_alive"] == 0
    });
    let told = queue(&stack);
    assert_eq!((&told["appendfsync"], &told["maxmemory_policy"]), (&json!("always"), &json!("noeviction")));
    assert_eq!((&told["backlog"]["oldest_s"], &told["backlog"]["partitions"]), (&json!(null), &json!([])));

    stack.create_data_set("group", "kind");
    append(&stack, 3);
    eventually("the three are told, and grow older", SOON, || {
        let backlog = queue(&stack)["backlog"].clone();
        backlog["entries"] == 3 && backlog["oldest_s"].as_f64().is_some_and(|age| age > 2.0)
    });
    let told = queue(&stack);
    let partitions = told["backlog"]["partitions"].as_array().expect("a list");
    assert_eq!(partitions.len(), 1, "only those in which something waits: {told}");
    assert_eq!(partitions[0]["entries"], 3);
    assert!(partitions[0]["bytes"].as_u64().is_some_and(|bytes| bytes > 100), "{told}");

    stack.add_worker().expect("a worker");
    eventually("all is applied", SOON, || {
        let queue = queue(&stack);
        let backlog = &queue["backlog"];
        (&backlog["entries"], &backlog["bytes"], &backlog["oldest_s"]) == (&json!(0), &json!(0), &json!(null))
            && queue["workers_alive"] == 1
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_told_across_epochs_and_without_the_store() {
    let options =
        StackOptions { postgres: backdrop_testing::PostgresKind::Own, workers: 1, ..Default::default() };
    let mut stack = Stack::start_with(options).await.expect("a stack");
    stack.create_data_set("group", "kind");
    append(&stack, 4);
    eventually("all is applied", SOON, || queue(&stack)["backlog"]["entries"] == 0);
    stack.workers[0].kill();
    append(&stack, 2);
    stack.redis.kill().expect("killed");
    stack.redis.restart().expect("started again");
    eventually("a write in the next epoch", SOON, || {
        let writer = stack.writer().with_token("token-for-kind").with_header("Prefer", "respond-async");
        writer.post(PATH, &json!({"count": 1})).status == 202
    });
    eventually("those of both epochs are counted", SOON, || queue(&stack)["backlog"]["entries"] == 3);

    let mut postgres = stack.postgres.take().expect("a server");
    postgres.server().stop().expect("stopped");
    append(&stack, 1);
    eventually("by the cursor that the worker has told the queue", SOON, || {
        let queue = queue(&stack);
        // The store's own cursors count no longer.
        queue["workers_age_s"].as_f64().is_some_and(|age| age > 6.0) && queue["backlog"]["entries"] == 4
    });
    assert!(queue(&stack)["backlog_age_s"].as_f64().is_some_and(|age| age < 6.0), "the queue is asked on");
}
