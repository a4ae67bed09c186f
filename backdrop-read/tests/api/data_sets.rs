//! `/_status/data-sets`.

use backdrop_testing::{Stack, sqlx};
use serde_json::{Value, json};

const PATH: &str = "/_status/data-sets";
/// Older than any record of these tests may be.
const LONG_AGO: &str = "2013-03-11T00:00:00+00:00";
const IN_THE_FUTURE: &str = "2999-01-01T00:00:00Z";

async fn with_data_sets() -> Stack {
    let stack = Stack::start().await.expect("a stack");
    for (data_type, settings) in [
        ("stale", json!({"schema": null})),
        ("also-stale", json!({"schema": null, "queryable": false, "max_age_expected": 60})),
        ("fresh", json!({"schema": null})),
        ("empty", json!({"schema": null})),
        ("not-watched", json!({"schema": null, "max_age_expected": null})),
        ("never-stale", json!({"schema": null, "max_age_expected": 0})),
        ("deleted", json!({"schema": null})),
    ] {
        stack.create_data_set_with("news", data_type, &settings);
        if data_type != "empty" {
            store(&stack, data_type, &json!([{"_id": "1", "_timestamp": LONG_AGO}]));
        }
    }
    store(&stack, "fresh", &json!([{"_id": "2", "_timestamp": IN_THE_FUTURE}]));
    stack.administrator().delete("/data-sets/news_deleted").expect(200);
    stack
}

fn store(stack: &Stack, data_type: &str, records: &Value) {
    let writer = stack.writer().with_token(&format!("token-for-{data_type}"));
    writer.post(&format!("/data/news/{data_type}"), records).expect(200);
}

/// The names of the stale data sets.
fn stale(stack: &Stack) -> Vec<String> {
    let answer = stack.reader().get(PATH).expect(200).json();
    let stale = answer["data_sets"].as_array().cloned().unwrap_or_default();
    stale.iter().map(|one| one["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn data_sets_without_news_are_listed() {
    let stack = with_data_sets().await;
    let answer = stack.reader().get(PATH).expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    let body = answer.json();
    assert_eq!(body["status"], "not okay");
    assert_eq!(body["message"], "2 data sets are out of date");
    assert_eq!(stale(&stack), ["news_also_stale", "news_stale"]);
    let [also, stale] = [0, 1].map(|index| body["data_sets"][index].clone());
    let seconds = |one: &Value| one["seconds-out-of-date"].as_i64().expect("a number");
    assert_eq!(also["last-updated"], LONG_AGO);
    assert_eq!((&also["max-age-expected"], &stale["max-age-expected"]), (&json!(60), &json!(2_678_400)));
    assert_eq!(also.as_object().map(serde_json::Map::len), Some(4));
    // The same record, and one is asked right after the other.
    let difference = seconds(&also) - seconds(&stale);
    assert_eq!(difference, 2_678_400 - 60);

    let strict = stack.reader().get("/_status/data-sets?strict=true").expect(503);
    assert_eq!(strict.json()["data_sets"][1]["name"], "news_stale");
    stack.reader().get("/_status/data-sets?strict=false").expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_records_that_are_there_now_count() {
    let stack = with_data_sets().await;
    // The newest record is replaced by an old one: a time that was seen once does not keep it fresh.
    store(&stack, "fresh", &json!([{"_id": "2", "_timestamp": LONG_AGO}]));
    assert_eq!(stale(&stack), ["news_also_stale", "news_fresh", "news_stale"]);
    store(&stack, "fresh", &json!([{"_id": "3", "_timestamp": IN_THE_FUTURE}]));
    // Emptied, it is judged by when it was made: it was just now, or, below, long ago.
    let writer = stack.writer().with_token("token-for-stale");
    writer
        .with_header("Content-Type", "application/json")
        .send("PUT", "/data/news/stale", b"[]".to_vec())
        .expect("an answer")
        .expect(200);
    assert_eq!(stale(&stack), ["news_also_stale"]);
    sqlx::query("UPDATE data_set SET created_at = '2020-01-01' WHERE name IN ('news_stale', 'news_empty')")
        .execute(&stack.pool)
        .await
        .expect("an update");
    assert_eq!(stale(&stack), ["news_also_stale", "news_empty", "news_stale"]);
    let body = stack.reader().get(PATH).expect(200).json();
    assert_eq!(body["data_sets"][1]["last-updated"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_may_be_well() {
    let stack = Stack::start().await.expect("a stack");
    let expected = json!({"status": "ok", "message": "all data sets are up to date", "data_sets": null});
    assert_eq!(stack.reader().get(PATH).expect(200).json(), expected);
    assert_eq!(stack.reader().get("/_status/data-sets?strict=true").expect(200).json(), expected);
    for query in ["strict=yes", "strict", "strict=true&strict=true", "verbose=true", "limit=%zz"] {
        let refused = stack.reader().get(&format!("{PATH}?{query}")).expect(400);
        assert_eq!(refused.json()["code"], "invalid_query", "{query}");
    }
    stack.reader().send("POST", PATH, Vec::new()).expect("an answer").expect(405);
}
