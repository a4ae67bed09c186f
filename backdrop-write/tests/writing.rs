//! Writing over HTTP, against the real services.

use backdrop_testing::{ADMIN_TOKEN, Answer, Client, Stack, StackOptions, eventually, redis};
use serde_json::{Value, json};
use std::time::Duration;

const PATH: &str = "/data/group/kind";

async fn stack() -> (Stack, Client) {
    let stack = Stack::start().await.expect("a stack");
    stack.create_data_set("group", "kind");
    let writer = stack.writer().with_token("token-for-kind");
    (stack, writer)
}

fn records(stack: &Stack) -> Vec<Value> {
    let answer = stack.reader().get(&format!("{PATH}?sort_by=_id:ascending")).expect(200);
    answer.json()["data"].as_array().expect("rows").clone()
}

fn post_bytes(writer: &Client, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let writer = headers.iter().fold(writer.clone(), |writer, (name, value)| writer.with_header(name, value));
    writer.send("POST", PATH, body.to_vec()).expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_goes_all_the_way_and_is_replaced_by_its_id() {
    let (stack, writer) = stack().await;
    let record = json!({"_id": "a", "_timestamp": "2014-03-04 05:06:07", "count": 1});
    assert_eq!(writer.post(PATH, &record).expect(200).json(), json!({"status": "ok"}));
    assert_eq!(records(&stack)[0]["_timestamp"], "2014-03-04T05:06:07+00:00");
    writer.post(PATH, &json!([{"_id": "b", "count": 2}, {"_id": "a", "count": 3}])).expect(200);
    let rows = records(&stack);
    assert_eq!(rows.len(), 2);
    assert_eq!((&rows[0]["_id"], &rows[0]["count"]), (&json!("a"), &json!(3)));
    assert_eq!((&rows[1]["_id"], &rows[1]["count"]), (&json!("b"), &json!(2)));
    assert_eq!(rows[0].get("_timestamp"), None, "the record was replaced, not merged");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_breaks_its_schema_is_told_and_nothing_is_stored() {
    let stack = Stack::start().await.expect("a stack");
    let definition = json!({"data_group": "group", "data_type": "transactions-by-channel",
        "raw_queries_allowed": true, "bearer_token": "a-token"});
    stack.administrator().post("/data-sets", &definition).expect(200);
    let path = "/data/group/transactions-by-channel";
    let writer = stack.writer().with_token("a-token");
    let record = |id: &str, count: Value| json!({"_id": id, "_timestamp": "2014-03-04T00:00:00Z", "channel": "digital", "count": count});
    let stored = || stack.reader().get(path).expect(200).json()["data"].as_array().map(Vec::len);

    let answer = writer.post(path, &json!([record("good", json!(1)), record("bad", json!("many"))]));
    let answer = answer.expect(400).json();
    assert_eq!((&answer["status"], &answer["code"]), (&json!("error"), &json!("invalid_records")));
    let message = answer["messages"][0].as_str().expect("a message");
    for part in ["record 2", "count", "integer"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(
        (&answer["errors"][0]["record"], &answer["errors"][0]["pointer"]),
        (&json!(2), &json!("/count"))
    );
    assert_eq!(stored(), Some(0));

    let rejected = writer.get(&format!("{path}/rejected")).expect(200).json();
    assert_eq!(rejected["rejected"].as_array().map(Vec::len), Some(1));
    assert_eq!(rejected["rejected"][0]["messages"], answer["messages"]);
    writer.post(path, &record("good", json!(1))).expect(200);
    assert_eq!(stored(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_write_is_told_why_in_order() {
    let (stack, writer) = stack().await;
    stack.create_data_set("group", "other");
    let record = json!({"aa": 1});
    let unknown = writer.post("/data/group/unknown", &record).expect(404).json();
    assert_eq!(unknown["code"], "data_set_not_found");

    let anonymous = stack.writer().post(PATH, &record).expect(401);
    assert_eq!(anonymous.header("www-authenticate"), Some("bearer"));
    assert_eq!(anonymous.json()["message"], "Expected header of form: Authorization: Bearer <token>");
    let basic = stack.writer().with_header("Authorization", "Basic abc").post(PATH, &record).expect(401);
    assert_eq!(basic.header("www-authenticate"), Some("bearer"));

    let wrong = stack.writer().with_token("not-the-token").post(PATH, &record).expect(401);
    assert_eq!(wrong.header("www-authenticate"), Some("bearer"));
    assert_eq!(wrong.json()["message"], "Unauthorized: Invalid bearer token for 'group_kind'");
    assert!(!wrong.text.contains("not-the-token"));
    assert!(!stack.write.log().contains("not-the-token"));
    stack.writer().with_token("token-for-other").post(PATH, &record).expect(403);
    stack.writer().with_token(ADMIN_TOKEN).post(PATH, &record).expect(200);

    let method = writer.delete(PATH).expect(405);
    assert_eq!(method.header("allow"), Some("POST, PUT"));
    eventually("the service knows its queue", Duration::from_secs(5), || {
        stack.writer().get("/_status").expect(200).json()["queue"]["appendfsync"] == "always"
    });
    assert_eq!(writer.send("HEAD", "/_status", Vec::new()).expect("an answer").expect(200).text, "");
    let twice = stack.administrator().get("/data-sets?data-group=a&data-group=b").expect(400).json();
    assert!(twice["messages"][0].as_str().is_some_and(|line| line.contains("data-group")), "{twice}");
    assert_eq!(writer.get("/nothing/here").expect(404).json()["code"], "not_found");
    let problem = writer.with_header("Accept", "application/problem+json").get("/nothing/here").expect(404);
    assert_eq!(problem.header("content-type"), Some("application/problem+json"));
    assert_eq!(
        (&problem.json()["status"], &problem.json()["instance"]),
        (&json!(404), &json!("/nothing/here"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_bounded_and_errors_say_what_is_wrong() {
    let (stack, writer) = stack().await;
    let json_type = ("Content-Type", "application/json");
    let gzip = ("Content-Encoding", "gzip");
    let wrong_type = "Expected header: Content-type: application/json";
    for (headers, body, status, part) in [
        (vec![json_type], &b""[..], 400, "Expected JSON request body but received zero bytes."),
        (vec![], b"", 400, "zero bytes"),
        (vec![], b"{}", 400, wrong_type),
        (vec![("Content-Type", "text/plain")], b"{}", 400, wrong_type),
        (vec![json_type], b"{borked!}", 400, "line 1 column 2"),
        (vec![json_type], b"[1]", 400, "Record 1 is not an object"),
        (vec![json_type], br#"{"aa":{"$serde_json::private::RawValue":"\"\\u0000\""}}"#, 400, "not allowed"),
        (vec![json_type, gzip], b"not gzip", 400, "not gzip"),
        (vec![json_type, gzip], b"", 400, "zero bytes"),
        (vec![json_type, ("Content-Encoding", "br")], b"{}", 415, "gzip"),
    ] {
        let answer = post_bytes(&writer, &headers, body).expect(status).json();
        let message = answer["message"].as_str().expect("a message");
        assert!(message.contains(part), "{message}");
        assert_eq!(answer.get("messages").is_some(), status == 400);
    }
    let large = format!(r#"[{{"text":"{}"}}]"#, "x".repeat(11 << 20));
    post_bytes(&writer, &[json_type], large.as_bytes()).expect(413);
    let many = format!("[{}{{}}]", "{},".repeat(30_000));
    post_bytes(&writer, &[json_type], many.as_bytes()).expect(413);
    post_bytes(&writer, &[json_type], b"[]").expect(200);
    assert_eq!(records(&stack), Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_tells_how_a_write_ended() {
    let (stack, writer) = stack().await;
    let patient = writer.with_header("Prefer", "respond-async").with_header("Govuk-Request-Id", "trace-me");
    let ended = |answer: &Answer| {
        let location = answer.header("location").expect("a location").to_owned();
        let mut receipt = Value::Null;
        eventually("the batch ended", Duration::from_secs(10), || {
            receipt = writer.get(&location).expect(200).json();
            receipt["state"] != "queued"
        });
        receipt
    };
    let stored = patient.post(PATH, &json!([{"_id": "a"}, {"_id": "b"}])).expect(202);
    assert_eq!(stored.header("preference-applied"), Some("respond-async"));
    assert_eq!(stored.header("x-request-id"), Some("trace-me"));
    let answer = stored.json();
    assert_eq!(
        (&answer["state"], &answer["durability"]["appendfsync"]),
        (&json!("queued"), &json!("always"))
    );
    let receipt = ended(&stored);
    assert_eq!((&receipt["state"], &receipt["records"]), (&json!("stored"), &json!(2)));

    let rejected = ended(&patient.post(PATH, &json!({"Bad-Key": 1})).expect(202));
    assert_eq!(rejected["state"], "rejected");
    assert!(rejected["messages"][0].as_str().is_some_and(|line| line.contains("Bad-Key")), "{rejected}");

    assert_eq!(stack.request_ids().await, ["trace-me", "trace-me"], "the request's id goes with the batch");

    let location = stored.header("location").expect("a location");
    stack.writer().get(location).expect(401);
    let stranger = stack.writer().with_token("another").get(location).expect(401);
    assert!(!stranger.text.contains("group_kind"), "{}", stranger.text);
    let last_of_it =
        stack.administrator().with_header("Prefer", "respond-async").delete("/data-sets/group_kind");
    let ended_with_it = last_of_it.expect(202).header("location").expect("a location").to_owned();
    eventually("the data set is gone", Duration::from_secs(10), || {
        writer.post(PATH, &json!({})).status == 404
    });
    for receipt in [location, &ended_with_it] {
        assert_eq!(stack.administrator().get(receipt).expect(200).json()["state"], "stored");
    }
    // As a receipt of January 2024 would be asked for today.
    let old = location.replacen(&location["/receipts/".len()..][..13], "018cc251-f400", 1);
    assert_eq!(stack.administrator().get(&old).expect(410).json()["code"], "receipt_expired");
    writer.get("/receipts/01900000-0000-7000-8000-000000000001").expect(404);
    writer.get("/receipts/whatever").expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn data_sets_are_made_listed_emptied_and_deleted() {
    let (stack, writer) = stack().await;
    let administrator = stack.administrator();
    stack.writer().get("/data-sets").expect(401);
    writer.get("/data-sets").expect(403);
    let listed = administrator.get("/data-sets?data-group=group&data-type=kind").expect(200).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    assert_eq!(listed[0]["name"], "group_kind");
    assert_eq!(listed[0]["bearer_token"], "", "a token is shown once");
    assert_eq!(administrator.get("/data-sets?data-group=none").expect(200).json(), json!([]));
    let taken = administrator.post("/data-sets", &json!({"data_group": "group", "data_type": "kind"}));
    assert_eq!(taken.expect(409).json()["code"], "data_set_exists");
    let bad = json!({"data_group": "g", "data_type": "t", "schema": {"type": "nonsense"}});
    assert_eq!(administrator.post("/data-sets", &bad).expect(422).json()["code"], "invalid_schema");
    let bad = json!({"data_group": "g", "data_type": "t", "upload_format": "\u{0}"});
    assert_eq!(administrator.post("/data-sets", &bad).expect(400).json()["code"], "invalid_json");

    writer.post(PATH, &json!([{"_id": "a"}, {"_id": "b"}])).expect(200);
    let put = writer.with_header("Content-Type", "application/json");
    put.send("PUT", PATH, b"[{}]".to_vec()).expect("an answer").expect(400);
    let emptied = put.send("PUT", PATH, b"[]".to_vec()).expect("an answer").expect(200);
    assert_eq!(emptied.json()["message"], "group_kind now contains 0 records");
    assert_eq!(records(&stack), Vec::<Value>::new());

    writer.post(PATH, &json!({"_id": "c"})).expect(200);
    let deleted = administrator.delete("/data-sets/group_kind").expect(200).json();
    assert_eq!(deleted["message"], "Deleted group_kind");
    writer.post(PATH, &json!({"_id": "d"})).expect(404);
    let missing = administrator.delete("/data-sets/group_kind").expect(404).json();
    assert_eq!(missing["message"], "No collection exists with name \"group_kind\"");

    stack.create_data_set("group", "kind");
    eventually("the new data set is seen", Duration::from_secs(10), || {
        let answer = stack.reader().get(PATH);
        answer.status == 200 && answer.json() == json!({"data": []})
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_can_be_changed_without_a_pause() {
    let (stack, writer) = stack().await;
    let administrator = stack.administrator();
    let made = administrator.post("/data-sets/group_kind/tokens", &json!({})).expect(200).json();
    let second = stack.writer().with_token(made["token"].as_str().expect("a token"));
    writer.post(PATH, &json!({"_id": "a"})).expect(200);
    second.post(PATH, &json!({"_id": "b"})).expect(200);
    let path = format!("/data-sets/group_kind/tokens/{}", made["id"]);
    administrator.delete(&path).expect(200);
    second.post(PATH, &json!({"_id": "c"})).expect(401);
    writer.post(PATH, &json!({"_id": "d"})).expect(200);
    administrator.delete(&path).expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_and_forgets_nothing() {
    let environment = vec![("BACKDROP_PARTITION_BYTES".into(), "2000".into())];
    let mut stack =
        Stack::start_with(StackOptions { environment, ..StackOptions::default() }).await.expect("a stack");
    stack.create_data_set("group", "kind");
    let writer = stack.writer().with_token("token-for-kind").with_header("Prefer", "respond-async");
    let mut accepted = 0;
    let refused = loop {
        let answer = writer.post(PATH, &json!({"_id": format!("r{accepted}")}));
        if answer.status != 202 {
            break answer;
        }
        accepted += 1;
    };
    assert_eq!(refused.clone().expect(503).json()["code"], "queue_full");
    assert!(refused.header("retry-after").is_some());
    assert!((3..20).contains(&accepted), "{accepted} fit into 2,000 bytes");
    stack.add_worker().expect("a worker");
    eventually("all are stored", Duration::from_secs(20), || records(&stack).len() == accepted);
    eventually("there is room again", Duration::from_secs(5), || {
        writer.post(PATH, &json!({"_id": "more"})).status == 202
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_gets_a_receipt_when_the_service_stops() {
    let mut stack = Stack::start_with(StackOptions::default()).await.expect("a stack");
    stack.create_data_set("group", "kind");
    // There is no worker, so the write waits.
    let writer = stack.writer().with_token("token-for-kind");
    let waiting = std::thread::spawn(move || writer.post(PATH, &json!({"_id": "a"})));
    let mut redis = stack.redis_connection().expect("a connection");
    eventually("the batch is queued", Duration::from_secs(10), || {
        let keys: Vec<String> = redis::cmd("KEYS").arg("backdrop:*:log").query(&mut redis).expect("keys");
        keys.len() == 1
    });
    let status = stack.write.terminate().expect("it stops");
    assert!(status.success(), "{status}");
    let answer = waiting.join().expect("answered").expect(202);
    assert_eq!(answer.json()["state"], "queued");
}
