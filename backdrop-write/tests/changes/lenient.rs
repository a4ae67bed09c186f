//! `Prefer: handling=lenient`: good records are stored beside faulty ones, which are kept.

use super::{PATH, ended, records, rejected, set_schema, stack_with};
use backdrop_testing::{Client, Stack};
use serde_json::{Value, json};

async fn integers() -> (Stack, Client) {
    stack_with(1, &json!({"schema": {"properties": {"count": {"type": "integer"}}}})).await
}

fn mixed() -> Value {
    json!([{"_id": "a", "count": 1}, {"_id": "b", "count": "two"}, {"_id": "c", "count": 3},
           {"_id": "d", "count": "four", "Bad-Key": 1}])
}

#[tokio::test(flavor = "multi_thread")]
async fn good_records_are_stored_and_the_others_told() {
    let (stack, writer) = integers().await;
    let strict = writer.with_header("Prefer", "handling=strict").post(PATH, &mixed()).expect(400);
    assert_eq!(strict.json()["errors_total"], 3);
    assert_eq!(records(&stack), Vec::<Value>::new());

    let lenient = writer.with_header("Prefer", "handling=lenient");
    let answer = lenient.post(PATH, &mixed()).expect(200);
    assert_eq!(answer.header("preference-applied"), Some("handling=lenient"));
    let told = answer.json();
    assert_eq!(
        (&told["status"], &told["stored"], &told["rejected"], &told["errors_total"]),
        (&json!("ok"), &json!(2), &json!(2), &json!(3))
    );
    let first = &told["errors"][0];
    assert_eq!(
        (&first["record"], &first["pointer"], &first["count"]),
        (&json!(2), &json!("/count"), &json!(2))
    );
    assert_eq!(first["also"], json!([{"record": 4}]));
    assert_eq!(records(&stack), [json!({"_id": "a", "count": 1}), json!({"_id": "c", "count": 3})]);

    let all_good = lenient.post(PATH, &json!([{"_id": "e", "count": 5}])).expect(200).json();
    assert_eq!(
        all_good,
        json!({"status": "ok", "stored": 1, "rejected": 0, "errors": [], "errors_total": 0})
    );
    let none = lenient.post(PATH, &json!([])).expect(200).json();
    assert_eq!(none, json!({"status": "ok", "stored": 0, "rejected": 0, "errors": [], "errors_total": 0}));
    let all_bad = lenient.post(PATH, &json!([{"_id": "f", "count": "x"}])).expect(200).json();
    assert_eq!((&all_bad["stored"], &all_bad["rejected"]), (&json!(0), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn leniency_goes_with_waiting_with_keys_and_into_receipts() {
    let (stack, writer) = integers().await;
    let both =
        writer.with_header("Prefer", "respond-async, handling=lenient").with_header("Idempotency-Key", "k");
    let accepted = both.post(PATH, &mixed()).expect(202);
    assert_eq!(accepted.header("preference-applied"), Some("respond-async, handling=lenient"));
    let receipt = ended(&writer, &accepted);
    assert_eq!(
        (&receipt["state"], &receipt["records"], &receipt["rejected"], &receipt["errors_total"]),
        (&json!("stored"), &json!(2), &json!(2), &json!(3))
    );
    assert_eq!(receipt["errors"][0]["record"], 2);
    let again = both.post(PATH, &mixed()).expect(200);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!((&again.json()["stored"], &again.json()["errors"]), (&json!(2), &receipt["errors"]));
    assert_eq!(records(&stack).len(), 2);

    let put =
        writer.with_header("Prefer", "handling=lenient").with_header("Content-Type", "application/json");
    let emptied = put.send("PUT", PATH, b"[]".to_vec()).expect("an answer").expect(200);
    assert_eq!(emptied.header("preference-applied"), None, "there is nothing to be lenient about");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_faulty_records_are_kept_and_can_be_replayed() {
    let (stack, writer) = integers().await;
    let lenient = writer.with_header("Prefer", "wait=20, handling=lenient");
    // Without `_id` the good one gets an id of its place, which is the place of the faulty one in what is kept.
    lenient
        .post(PATH, &json!([{"count": 1}, {"count": "two"}, {"count": "three", "Bad-Key": 1}]))
        .expect(200);
    let listed = rejected(&writer);
    assert_eq!((&listed[0]["records"], &listed[0]["kind"]), (&json!(2), &json!("append")));
    let path = format!("{PATH}/rejected/{}", listed[0]["id"].as_str().expect("an id"));
    let shown = writer.get(&path).expect(200).json();
    assert_eq!(shown["records"], json!([{"count": "two"}, {"count": "three", "Bad-Key": 1}]));
    assert_eq!((&shown["numbers"], &shown["errors"][0]["record"]), (&json!([2, 3]), &json!(2)));

    set_schema(&stack, "string").await;
    let still = writer.post(&format!("{path}/replay"), &json!({})).expect(400).json();
    assert_eq!((&still["errors_total"], &still["errors"][0]["code"]), (&json!(1), &json!("invalid_key")));
    assert_eq!(still["errors"][0]["record"], 3, "its number in the request");

    lenient.post(PATH, &json!([{"count": "good"}, {"count": 2}])).expect(200);
    set_schema(&stack, "integer").await;
    let path = format!("{PATH}/rejected/{}", rejected(&writer)[0]["id"].as_str().expect("an id"));
    writer.post(&format!("{path}/replay"), &json!({})).expect(200);
    let mut counts: Vec<String> = records(&stack).iter().map(|row| row["count"].to_string()).collect();
    counts.sort_unstable();
    assert_eq!(counts, ["\"good\"", "1", "2"], "no record took the place of another");
}
