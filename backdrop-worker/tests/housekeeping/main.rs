//! What goes by itself: records beyond the retention and the size of their data set, while others write to it.

use backdrop_testing::{Client, Stack, eventually, sqlx};
use serde_json::{Value, json};
use std::time::Duration;

/// Housekeeping looks every five seconds.
const WITHIN: Duration = Duration::from_secs(40);

/// The ids that the query service shows.
fn ids(stack: &Stack, path: &str) -> Vec<String> {
    let answer = stack.reader().get(&format!("{path}?sort_by=_timestamp:ascending")).expect(200).json();
    let rows = answer["data"].as_array().expect("rows");
    rows.iter().map(|row| row["_id"].as_str().expect("an id").to_owned()).collect()
}

fn post(writer: &Client, path: &str, records: &Value) {
    writer.post(path, records).expect(200);
}

/// What the store holds of a data set: records by its own count, deletions it lists, and its version.
async fn held(stack: &Stack, data_type: &str) -> (i64, i64, i64) {
    let sql =
        "SELECT s.records, (SELECT count(*) FROM record_deletion r WHERE r.data_set_id = d.id), s.version
               FROM data_set d JOIN data_set_state s ON s.data_set_id = d.id WHERE d.data_type = $1";
    sqlx::query_as(sql).bind(data_type).fetch_one(&stack.pool).await.expect("a state")
}

#[tokio::test(flavor = "multi_thread")]
async fn records_go_when_they_are_older_than_they_are_kept() {
    let stack = Stack::start().await.expect("a stack");
    stack.create_data_set_with("group", "kept", &json!({"schema": null, "retention_days": 30}));
    let writer = stack.writer().with_token("token-for-kept");
    let old: Vec<Value> = (0..2_500)
        .map(|number| json!({"_id": format!("old{number}"), "_timestamp": "2013-03-11T00:00:00Z"}))
        .collect();
    post(&writer, "/data/group/kept", &Value::Array(old));
    // Without a time of its own a record is as old as its acceptance.
    post(&writer, "/data/group/kept", &json!([{"_id": "new", "count": 1}]));
    let before = stack.reader().get("/data/group/kept?limit=1").expect(200);
    let tag = before.header("etag").expect("a tag").to_owned();
    eventually("the old records are gone", WITHIN, || ids(&stack, "/data/group/kept") == ["new"]);
    assert_eq!(held(&stack, "kept").await, (1, 2_500, 5_001), "each deletion has its place in the order");
    stack.reader().with_header("If-None-Match", &tag).get("/data/group/kept?limit=1").expect(200);
    let freshness: Option<String> = sqlx::query_scalar(
        "SELECT last_timestamp::text FROM data_set_state s JOIN data_set d ON d.id = s.data_set_id
         WHERE d.data_type = 'kept'",
    )
    .fetch_one(&stack.pool)
    .await
    .expect("a state");
    assert!(freshness.is_some_and(|newest| !newest.starts_with("2013")), "the newest record is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_records_go_when_a_data_set_outgrows_its_size() {
    let stack = Stack::start().await.expect("a stack");
    let size = 4_000;
    stack.create_data_set_with("group", "capped", &json!({"schema": null, "capped_size": size.to_string()}));
    stack.create_data_set("group", "neighbour");
    let writer = stack.writer().with_token("token-for-capped");
    let record = |number: usize| {
        let timestamp = format!("2020-01-{:02}T{:02}:00:00Z", 1 + number / 24, number % 24);
        json!({"_id": format!("id{number:03}"), "_timestamp": timestamp, "text": "x".repeat(50)})
    };
    // Sent newest first: what counts is the time of a record.
    let records: Vec<Value> = (0..200).rev().map(record).collect();
    post(&writer, "/data/group/capped", &Value::Array(records));
    post(&stack.writer().with_token("token-for-neighbour"), "/data/group/neighbour", &json!([{"_id": "a"}]));
    let bytes = || async {
        let sql = "SELECT coalesce(sum(octet_length(body::text)), 0)::bigint FROM record r
                   JOIN data_set_state s USING (data_set_id, generation) JOIN data_set d ON d.id = s.data_set_id
                   WHERE d.data_type = 'capped'";
        sqlx::query_scalar::<_, i64>(sql).fetch_one(&stack.pool).await.expect("a sum")
    };
    eventually("the data set is small enough", WITHIN, || ids(&stack, "/data/group/capped").len() < 50);
    let left = ids(&stack, "/data/group/capped");
    let expected: Vec<String> = (200 - left.len()..200).map(|number| format!("id{number:03}")).collect();
    assert_eq!(left, expected, "the newest are left, without a hole");
    let average = bytes().await / i64::try_from(left.len()).expect("few");
    assert!((size - average..=size).contains(&bytes().await), "{} bytes are left", bytes().await);
    // It goes on: what comes later lets the oldest of the rest go.
    post(&writer, "/data/group/capped", &json!([record(300)]));
    eventually("the oldest goes", WITHIN, || !ids(&stack, "/data/group/capped").contains(&left[0]));
    assert_eq!(ids(&stack, "/data/group/neighbour"), ["a"]);
}
