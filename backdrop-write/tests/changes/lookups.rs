//! By which index the worker finds what it knows already.

use super::{PATH, PATIENCE, stack};
use backdrop_testing::{Stack, eventually, sqlx};
use serde_json::json;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

/// How many writes there are: Postgres plans a statement anew the first five times, and keeps the plan of the sixth.
const WRITES: usize = 20;

/// How often an index was looked into. What a session has counted it tells within a second or so.
fn scans(stack: &Stack, index: &str) -> i64 {
    let sql = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = $1";
    let asked = sqlx::query_scalar(sql).bind(index.to_owned()).fetch_one(&stack.pool);
    block_in_place(|| Handle::current().block_on(asked)).expect("an index of that name")
}

/// These tables were never analyzed, and their statements were planned when they were empty.
#[tokio::test(flavor = "multi_thread")]
async fn batches_are_looked_up_by_their_key_whatever_the_planner_knows_of_the_table() {
    let (stack, writer) = stack().await;
    for n in 0..WRITES {
        let keyed = writer.with_header("Idempotency-Key", &format!("key-{n}"));
        keyed.post(PATH, &json!([{"_id": "a", "count": n}])).expect(200);
    }
    for index in ["batch_pkey", "batch_idempotency_key"] {
        eventually("the lookups were counted", PATIENCE, || {
            scans(&stack, index) >= i64::try_from(WRITES).expect("a few")
        });
    }
    assert_eq!(scans(&stack, "batch_data_set_time_idx"), 0, "every batch of the data set, for each entry");
}
