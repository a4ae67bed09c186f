//! Rejected batches: shown, replayed, discarded.

use super::{PATH, PATIENCE, path_of, records, rejected, send, set_schema, stack_with};
use backdrop_testing::{Answer, Client, Service, Stack, eventually, sqlx};
use serde_json::{Value, json};

/// A stack whose data set took no texts, and then does; and the path of a batch of texts that was rejected. It holds
/// the records `a`, `b` and `c`, and there was another `a` before.
async fn with_rejected() -> (Stack, Client, String) {
    let (stack, writer) =
        stack_with(1, &json!({"schema": {"properties": {"count": {"type": "integer"}}}})).await;
    writer.post(PATH, &json!([{"_id": "a", "count": 0}, {"_id": "z", "count": 0}])).expect(200);
    let batch = json!([{"_id": "a", "count": "1"}, {"_id": "b", "count": "2"}, {"_id": "c", "count": "3"}]);
    writer.post(PATH, &batch).expect(400);
    let id = rejected(&writer)[0]["id"].as_str().expect("an id").to_owned();
    (stack, writer, format!("{PATH}/rejected/{id}"))
}

fn replay(writer: &Client, path: &str) -> Answer {
    writer.send("POST", &format!("{path}/replay"), Vec::new()).expect("an answer")
}

fn counts(stack: &Stack) -> Vec<(Value, Value)> {
    records(stack).into_iter().map(|row| (row["_id"].clone(), row["count"].clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_batch_is_listed_shown_and_forgotten() {
    let (stack, writer, path) = with_rejected().await;
    let listed = &rejected(&writer)[0];
    assert_eq!(
        (&listed["records"], &listed["kind"], &listed["replayed_as"]),
        (&json!(3), &json!("append"), &json!(null))
    );
    assert_eq!((&listed["errors_total"], &listed["errors"][0]["count"]), (&json!(3), &json!(3)));
    assert!(listed["messages"][0].as_str().is_some_and(|line| line.ends_with("(and in 2 more records)")));
    let shown = writer.get(&path).expect(200).json();
    assert_eq!(
        (&shown["id"], &shown["errors"], &shown["records"][1]),
        (&listed["id"], &listed["errors"], &json!({"_id": "b", "count": "2"}))
    );

    for missing in ["x", "00000000-0000-0000-0000-000000000000"] {
        let path = format!("{PATH}/rejected/{missing}");
        for answer in [writer.get(&path), writer.delete(&path), replay(&writer, &path)] {
            assert_eq!(answer.expect(404).json()["code"], "rejected_not_found");
        }
    }
    stack.writer().get(&path).expect(401);
    stack.writer().delete(&path).expect(401);
    let request = writer.with_header("X-Request-Id", "who-forgot");
    assert_eq!(request.delete(&path).expect(200).json(), json!({"status": "ok"}));
    writer.delete(&path).expect(404);
    assert_eq!(rejected(&writer), Vec::<Value>::new());
    let noted: (String, String, Value) = sqlx::query_as(
        "SELECT action, data_set_name, detail FROM audit_event WHERE request_id = 'who-forgot'",
    )
    .fetch_one(&stack.pool)
    .await
    .expect("noted");
    let id = path.rsplit('/').next().expect("an id");
    assert_eq!(noted, ("discard_rejected_batch".into(), "group_kind".into(), json!({"batch": id})));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_read_cannot_replay_or_discard() {
    let (stack, _, path) = with_rejected().await;
    let made = stack.administrator().post("/data-sets/group_kind/tokens", &json!({})).expect(200).json();
    sqlx::query("UPDATE data_set_token SET scopes = '{read}' WHERE id = $1")
        .bind(made["id"].as_i64().expect("a number"))
        .execute(&stack.pool)
        .await
        .expect("changed");
    let reader = stack.writer().with_token(made["token"].as_str().expect("a token"));
    eventually("the token may only read", PATIENCE, || reader.post(PATH, &json!([])).status == 403);
    reader.get(&path).expect(200);
    for answer in [replay(&reader, &path), reader.delete(&path), reader.delete(&path_of("a"))] {
        assert_eq!(answer.expect(403).json()["code"], "insufficient_scope");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_comes_last_and_tells_what_changed_since() {
    let (stack, writer, path) = with_rejected().await;
    writer.post(PATH, &json!([{"_id": "b", "count": 7}, {"_id": "c", "count": 7}])).expect(200);
    writer.delete(&path_of("c")).expect(200);
    set_schema(&stack, "string").await;
    let keyed = writer.with_header("Idempotency-Key", "once");
    let answer = replay(&keyed, &path).expect(200).json();
    assert_eq!(answer, json!({"status": "ok", "stored": 3, "changed": ["b", "c"], "changed_total": 2}));
    let (text, number) = (|text: &str| json!(text), |number: i64| json!(number));
    let expected =
        [(text("a"), text("1")), (text("b"), text("2")), (text("c"), text("3")), (text("z"), number(0))];
    assert_eq!(counts(&stack), expected);

    assert_eq!(replay(&keyed, &path).expect(200).header("idempotent-replayed"), Some("true"));
    let again = replay(&writer, &path).expect(409).json();
    assert_eq!(again["code"], "already_replayed");
    let listed = &rejected(&writer)[0];
    assert!(listed["replayed_as"].is_string(), "{listed}");
    assert_eq!(listed["errors_total"], 3, "what was wrong stays to be seen");
    assert_eq!(rejected(&writer).len(), 1);
    let version = |pool: sqlx::PgPool| async move {
        let sql = "SELECT max(seq) FROM record WHERE id IN ('a', 'b', 'c')";
        sqlx::query_scalar::<_, i64>(sql).fetch_one(&pool).await.expect("a place")
    };
    let shown = stack.administrator().get("/data-sets/group_kind").expect(200).json();
    assert_eq!(json!(version(stack.pool.clone()).await), shown["version"], "it is the last change");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_is_repeated_after_its_batch_was_let_go_is_answered_as_the_first_time() {
    let (stack, writer, path) = with_rejected().await;
    set_schema(&stack, "string").await;
    let keyed = writer.with_header("Idempotency-Key", "once");
    let first = replay(&keyed, &path).expect(200);
    writer.delete(&path).expect(200);
    let again = replay(&keyed, &path).expect(200);
    assert_eq!((again.header("idempotent-replayed"), &again.text), (Some("true"), &first.text));
    replay(&writer, &path).expect(404);
    replay(&writer.with_header("Idempotency-Key", "another"), &path).expect(404);
    let other = keyed.send("POST", &format!("{path}/replay?only_if_unchanged=true"), Vec::new());
    assert_eq!(other.expect("an answer").expect(422).json()["code"], "idempotency_mismatch");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_since_may_be_left_alone() {
    let (stack, writer, path) = with_rejected().await;
    writer.post(PATH, &json!([{"_id": "b", "count": 7}])).expect(200);
    set_schema(&stack, "string").await;
    assert_eq!(replay(&writer, &path.replace("/rejected/", "/rejected/x")).status, 404);
    let odd = writer
        .send("POST", &format!("{path}/replay?only_if_unchanged=perhaps"), Vec::new())
        .expect("an answer");
    assert_eq!(odd.expect(400).json()["code"], "invalid_query");
    let answer =
        writer.send("POST", &format!("{path}/replay?only_if_unchanged=true"), Vec::new()).expect("an answer");
    assert_eq!(
        answer.expect(200).json(),
        json!({"status": "ok", "stored": 2, "changed": ["b"], "changed_total": 1})
    );
    let told: Vec<Value> = records(&stack).iter().map(|row| row["count"].clone()).collect();
    assert_eq!(told, [json!("1"), json!(7), json!("3"), json!(0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_at_the_same_time_as_another_is_stored_once() {
    let (mut stack, writer, path) = with_rejected().await;
    set_schema(&stack, "string").await;
    stack.workers.clear();
    let mut answers: Vec<Answer> = std::thread::scope(|scope| {
        let sending: Vec<_> = (0..4).map(|_| scope.spawn(|| replay(&writer, &path))).collect();
        let worker = stack.spawn(Service::Worker, &[], &[]).expect("a worker");
        let answers = sending.into_iter().map(|answer| answer.join().expect("answered")).collect();
        drop(worker);
        answers
    });
    answers.sort_by_key(|answer| answer.status);
    let told: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(told, [200, 409, 409, 409], "{answers:?}");
    assert!(answers[1..].iter().all(|answer| answer.json()["code"] == "already_replayed"));
    let version = stack.administrator().get("/data-sets/group_kind").expect(200).json()["version"].clone();
    assert_eq!(version, 5, "two records before, three replayed");
    assert_eq!(rejected(&writer).len(), 1, "a replay that came too late is no rejected batch");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_after_the_data_set_was_emptied() {
    let (stack, writer, path) = with_rejected().await;
    send(&writer, "PUT", PATH, &json!([])).expect(200);
    set_schema(&stack, "string").await;
    let alone =
        writer.send("POST", &format!("{path}/replay?only_if_unchanged=true"), Vec::new()).expect("an answer");
    assert_eq!(alone.expect(200).json()["stored"], 0, "nothing is as it was");
    let (writer, path) = (&writer, PATH);
    assert_eq!(records(&stack), Vec::<Value>::new());
    writer.post(path, &json!([{"_id": "a", "count": 1}])).expect(400);
    let newest = format!("{PATH}/rejected/{}", rejected(writer)[0]["id"].as_str().expect("an id"));
    send(writer, "PUT", PATH, &json!([])).expect(200);
    set_schema(&stack, "integer").await;
    let answer = replay(writer, &newest).expect(200).json();
    assert_eq!(answer, json!({"status": "ok", "stored": 1, "changed": ["a"], "changed_total": 1}));
    assert_eq!(records(&stack), [json!({"_id": "a", "count": 1})]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_is_faulty_still_stores_nothing_and_tells_why_now() {
    let (stack, writer, path) = with_rejected().await;
    set_schema(&stack, "boolean").await;
    let lenient = writer.with_header("Prefer", "handling=lenient");
    let answer = replay(&lenient, &path).expect(400);
    let told = answer.json();
    assert_eq!((&told["code"], &told["errors_total"]), (&json!("invalid_records"), &json!(3)));
    assert!(told["errors"][0]["message"].as_str().is_some_and(|text| text.contains("boolean")), "{told}");
    let listed = rejected(&writer);
    assert_eq!((listed.len(), &listed[0]["errors"]), (1, &told["errors"]), "they are the new ones");
    assert_eq!(records(&stack).len(), 2);
    set_schema(&stack, "string").await;
    let accepted = replay(&writer.with_header("Prefer", "respond-async"), &path).expect(202);
    let receipt = super::ended(&writer, &accepted);
    assert_eq!(
        (&receipt["state"], &receipt["records"], &receipt["changed"], &receipt["changed_total"]),
        (&json!("stored"), &json!(3), &json!([]), &json!(0))
    );
    writer.delete(&path).expect(200);
    replay(&writer, &path).expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_forgotten_before_its_replay_is_applied() {
    let (mut stack, writer, path) = with_rejected().await;
    set_schema(&stack, "string").await;
    stack.workers.clear();
    let accepted = replay(&writer.with_header("Prefer", "respond-async"), &path).expect(202);
    writer.delete(&path).expect(200);
    stack.add_worker().expect("a worker");
    let receipt = super::ended(&writer, &accepted);
    assert_eq!(receipt["state"], "rejected");
    assert!(receipt["messages"][0].as_str().is_some_and(|line| line.contains("no longer kept")), "{receipt}");
    assert_eq!(records(&stack).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_is_kept_but_not_replayed() {
    let (_stack, writer, _) = with_rejected().await;
    send(&writer, "PATCH", &path_of("a"), &json!({"count": "x"})).expect(400);
    writer.delete(&path_of("nowhere")).expect(400);
    let listed = rejected(&writer);
    assert_eq!(listed.len(), 2, "of a deletion there is nothing to keep");
    assert_eq!((&listed[0]["kind"], &listed[0]["record_id"]), (&json!("patch"), &json!("a")));
    let path = format!("{PATH}/rejected/{}", listed[0]["id"].as_str().expect("an id"));
    assert_eq!(writer.get(&path).expect(200).json()["records"], json!([{"count": "x"}]));
    let answer = replay(&writer, &path).expect(409).json();
    assert_eq!(answer["code"], "not_replayable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_came_later_in_the_same_request_is_not_lost_to_a_replay() {
    let (stack, writer) =
        stack_with(1, &json!({"schema": {"properties": {"count": {"type": "integer"}}}})).await;
    let both = json!([{"_id": "m", "count": "old"}, {"_id": "m", "count": 5}]);
    writer.with_header("Prefer", "handling=lenient").post(PATH, &both).expect(200);
    set_schema(&stack, "string").await;
    let batch = rejected(&writer)[0]["id"].as_str().expect("an id").to_owned();
    let replay = format!("{PATH}/rejected/{batch}/replay?only_if_unchanged=true");
    let told = writer.post(&replay, &json!({})).expect(200).json();
    assert_eq!((&told["stored"], &told["changed"]), (&json!(0), &json!(["m"])));
    assert_eq!(records(&stack), [json!({"_id": "m", "count": 5})]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_rejected_again_after_its_row_is_no_longer_kept() {
    let (stack, writer) = stack_with(1, &json!({"schema": {"required": ["count"]}})).await;
    let keyed = writer.with_header("Idempotency-Key", "k");
    keyed.post(PATH, &json!({"aa": 1})).expect(400);
    // As it is after as many days as receipts are kept, which is less than rejected batches are.
    sqlx::query("DELETE FROM batch").execute(&stack.pool).await.expect("rows go");
    keyed.post(PATH, &json!({"aa": 1})).expect(400);
    assert_eq!(rejected(&writer).len(), 1);
    writer.post(PATH, &json!({"_id": "a", "count": 1})).expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_counts_what_was_rejected() {
    let (stack, writer) = stack_with(1, &json!({"schema": {"required": ["count"]}})).await;
    writer.post(PATH, &json!([{"aa": 1}, {"aa": 2}, {"count": 3}])).expect(400);
    let trail = stack.administrator().get("/data-sets/group_kind/audit").expect(200).json();
    let line = &trail["audit"][0];
    assert_eq!(
        (&line["outcome"], &line["records"], &line["rejected"]),
        (&json!("rejected"), &json!(0), &json!(3))
    );
}
