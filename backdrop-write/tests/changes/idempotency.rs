//! Idempotency keys: a request that is sent again is answered as the first, and done once.

use super::{PATH, PATIENCE, ended, path_of, records, rejected, send, stack, stack_with};
use backdrop_testing::{Answer, PostgresKind, Service, Stack, StackOptions, eventually, sqlx};
use serde_json::{Value, json};

fn is_replayed(answer: &Answer) -> bool {
    answer.header("idempotent-replayed") == Some("true")
}

async fn batches(stack: &Stack) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM batch").fetch_one(&stack.pool).await.expect("a count")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_gets_the_first_answer_and_does_nothing() {
    let (stack, writer) = stack().await;
    let keyed = |key: &str| writer.with_header("Idempotency-Key", key);
    let first = keyed("k").post(PATH, &json!([{"count": 1}])).expect(200);
    assert!(!is_replayed(&first));
    // Quotes do not belong to the key.
    for key in ["k", "\"k\""] {
        let again = keyed(key).post(PATH, &json!([{"count": 1}])).expect(200);
        assert!(is_replayed(&again));
        assert_eq!(again.text, first.text);
    }
    assert_eq!(records(&stack).len(), 1, "without _id a second batch would have made a second record");

    let mismatch = keyed("k").post(PATH, &json!([{"count": 2}])).expect(422).json();
    assert_eq!(mismatch["code"], "idempotency_mismatch");
    send(&keyed("k"), "PUT", PATH, &json!([])).expect(422);
    keyed("l").post(PATH, &json!([{"count": 1}])).expect(200);
    assert_eq!(records(&stack).len(), 2, "another key is another request");

    let emptied = send(&keyed("e"), "PUT", PATH, &json!([])).expect(200);
    writer.post(PATH, &json!({"_id": "a", "count": 1})).expect(200);
    assert_eq!(send(&keyed("e"), "PUT", PATH, &json!([])).expect(200).text, emptied.text);
    assert_eq!(records(&stack).len(), 1, "it was emptied once");

    send(&keyed("p"), "PATCH", &path_of("a"), &json!({"count": 2})).expect(200);
    send(&writer, "PATCH", &path_of("a"), &json!({"count": 3})).expect(200);
    assert!(is_replayed(&send(&keyed("p"), "PATCH", &path_of("a"), &json!({"count": 2})).expect(200)));
    send(&keyed("p"), "PATCH", &path_of("b"), &json!({"count": 2})).expect(422);
    assert_eq!(records(&stack), [json!({"_id": "a", "count": 3})]);

    keyed("d").delete(&path_of("a")).expect(200);
    assert!(is_replayed(&keyed("d").delete(&path_of("a")).expect(200)), "not: no such record");
    assert_eq!(batches(&stack).await, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_by_the_worker_is_the_answer_and_one_at_the_door_is_not_remembered() {
    let schema = json!({"schema": {"properties": {"count": {"type": "integer"}}}});
    let (stack, writer) = stack_with(1, &schema).await;
    let keyed = writer.with_header("Idempotency-Key", "k");
    let first = keyed.post(PATH, &json!([{"_id": "a", "count": "x"}])).expect(400);
    let again = keyed.post(PATH, &json!([{"_id": "a", "count": "x"}])).expect(400);
    assert!(is_replayed(&again) && !is_replayed(&first));
    assert_eq!(again.text, first.text);
    assert_eq!(rejected(&writer).len(), 1);

    let missing = writer.with_header("Idempotency-Key", "m");
    let first = missing.delete(&path_of("a")).expect(400);
    writer.post(PATH, &json!({"_id": "a"})).expect(200);
    assert_eq!(missing.delete(&path_of("a")).expect(400).text, first.text);
    assert_eq!(records(&stack).len(), 1);

    let at_the_door =
        writer.with_header("Idempotency-Key", "n").with_header("Content-Type", "application/json");
    at_the_door.send("POST", PATH, b"{".to_vec()).expect("an answer").expect(400);
    at_the_door.send("POST", PATH, b"{}".to_vec()).expect("an answer").expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_at_the_same_time_are_stored_once_and_all_answered() {
    let (mut stack, writer) = stack().await;
    // While no worker is there, none can find what another has done.
    stack.workers.clear();
    let keyed = writer.with_header("Idempotency-Key", "k");
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let sending: Vec<_> =
            (0..6).map(|_| scope.spawn(|| keyed.post(PATH, &json!([{"count": 1}, {"count": 2}])))).collect();
        stack.spawn(Service::Worker, &[], &[]).map(|worker| {
            let answers = sending.into_iter().map(|answer| answer.join().expect("answered")).collect();
            drop(worker);
            answers
        })
    })
    .expect("a worker");
    let repetitions = answers.iter().filter(|answer| is_replayed(answer)).count();
    assert_eq!(repetitions, 5, "one was the first");
    for answer in answers {
        assert_eq!(answer.expect(200).json(), json!({"status": "ok"}));
    }
    assert_eq!(records(&stack).len(), 2);
    assert_eq!(batches(&stack).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_bodies_under_one_key_are_told_apart_by_the_worker() {
    let (mut stack, writer) = stack().await;
    stack.workers.clear();
    let patient = writer.with_header("Idempotency-Key", "k").with_header("Prefer", "respond-async");
    let first = patient.post(PATH, &json!({"_id": "a"})).expect(202);
    let repeated = patient.post(PATH, &json!({"_id": "a"})).expect(202);
    let other = patient.post(PATH, &json!({"_id": "b"})).expect(202);
    stack.add_worker().expect("a worker");
    let told: Vec<Value> =
        [&first, &repeated, &other].map(|answer| ended(&writer, answer)["state"].clone()).to_vec();
    assert_eq!(told, ["stored", "stored", "rejected"]);
    assert!(
        ended(&writer, &other)["messages"][0].as_str().is_some_and(|line| line.contains("Idempotency-Key"))
    );
    assert_eq!(records(&stack).len(), 1);
    assert!(
        is_replayed(&patient.post(PATH, &json!({"_id": "a"})).expect(200)),
        "it has ended, so no receipt is needed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_store_the_worker_recognises_what_is_repeated() {
    let options = StackOptions { postgres: PostgresKind::Own, workers: 1, ..StackOptions::default() };
    let mut stack = Stack::start_with(options).await.expect("a stack");
    stack.create_data_set("group", "kind");
    let writer = stack.writer().with_token("token-for-kind");
    // So that the epoch is open: that takes the store.
    writer.post(PATH, &json!({"_id": "a"})).expect(200);
    stack.postgres.as_mut().expect("its own").server().kill().expect("killed");
    let patient = writer.with_header("Idempotency-Key", "k").with_header("Prefer", "respond-async");
    let accepted = [(); 2].map(|()| patient.post(PATH, &json!([{"count": 1}])).expect(202));
    stack.postgres.as_mut().expect("its own").server().restart().expect("started again");
    for answer in &accepted {
        let location = answer.header("location").expect("a location");
        eventually("it is stored", PATIENCE, || {
            let receipt = writer.get(location);
            receipt.status == 200 && receipt.json()["state"] == "stored"
        });
    }
    assert_eq!(records(&stack).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_none_are_refused() {
    let (stack, writer) = stack().await;
    let long = "k".repeat(256);
    for key in ["", "\"\"", "\"open", "tab\there", &long] {
        let answer = writer.with_header("Idempotency-Key", key).post(PATH, &json!({"_id": "a"}));
        assert_eq!(answer.expect(400).json()["code"], "invalid_header", "{key}");
    }
    let twice = writer.with_header("Idempotency-Key", "a").with_header("Idempotency-Key", "b");
    assert_eq!(twice.post(PATH, &json!({"_id": "a"})).expect(400).json()["code"], "invalid_header");
    writer.with_header("Idempotency-Key", &long[1..]).post(PATH, &json!({"_id": "b"})).expect(200);
    assert_eq!(records(&stack).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receipt_of_a_keyed_write_expires_by_its_place() {
    let (stack, writer) = stack().await;
    let keyed = |key: &str| writer.with_header("Idempotency-Key", key).with_header("Prefer", "respond-async");
    let old = keyed("old").post(PATH, &json!({"_id": "a"})).expect(202);
    assert_eq!(ended(&writer, &old)["state"], "stored");
    let young = keyed("young").post(PATH, &json!({"_id": "b"})).expect(202);
    assert_eq!(ended(&writer, &young)["state"], "stored");
    // As the janitor does after thirty days.
    sqlx::query("DELETE FROM batch WHERE idempotency_key = 'old'")
        .execute(&stack.pool)
        .await
        .expect("deleted");
    let location = old.header("location").expect("a location");
    assert_eq!(writer.get(location).expect(410).json()["code"], "receipt_expired");
    // A receipt of a place above one that is kept, and without a row, is of a batch that was lost.
    let (place, _) = young.header("location").expect("a location").rsplit_once('.').expect("a place");
    let lost = place
        .replace(place.split('.').next().expect("a batch"), "/receipts/00000000-0000-5000-8000-000000000000");
    let entry = young.header("location").expect("a location").rsplit_once('.').expect("a place").1;
    assert_eq!(writer.get(&format!("{lost}.{entry}")).expect(200).json()["state"], "lost");
}
