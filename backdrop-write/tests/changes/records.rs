//! Changes of single records.

use super::{PATH, ended, path_of, records, send, stack, stack_with};
use backdrop_testing::{Answer, Client};
use serde_json::{Value, json};

fn patch(client: &Client, id: &str, fields: &Value) -> Answer {
    send(client, "PATCH", &path_of(id), fields)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_merges_and_a_deletion_deletes() {
    let (stack, writer) = stack().await;
    let first = json!({"_id": "a", "_timestamp": "2014-01-01T00:00:00Z", "count": 1, "name": "one"});
    writer.post(PATH, &json!([first, {"_id": "b", "count": 2}])).expect(200);
    let fields = json!({"name": null, "extra": true, "_timestamp": "2015-01-01 00:00:00"});
    assert_eq!(patch(&writer, "a", &fields).expect(200).json(), json!({"status": "ok"}));
    let patched = json!({"_id": "a", "_timestamp": "2015-01-01T00:00:00+00:00", "count": 1, "name": null, "extra": true});
    assert_eq!(records(&stack), [patched.clone(), json!({"_id": "b", "count": 2})]);

    assert_eq!(writer.delete(&path_of("b")).expect(200).json(), json!({"status": "ok"}));
    assert_eq!(records(&stack), [patched]);
    let shown = stack.administrator().get("/data-sets/group_kind").expect(200).json();
    assert_eq!((&shown["records"], &shown["version"]), (&json!(1), &json!(4)));
    writer.post(PATH, &json!({"_id": "b", "count": 3})).expect(200);
    assert_eq!(records(&stack).len(), 2, "a deleted id can be used again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_cannot_be_changed() {
    let (stack, writer) = stack().await;
    writer.post(PATH, &json!({"_id": "a"})).expect(200);
    let (long, spaced) = ("x".repeat(513), "a b");
    for id in ["missing", "A", &long, spaced, "%", "a/../a"] {
        for answer in [patch(&writer, id, &json!({"count": 1})), writer.delete(&path_of(id))] {
            let answer = answer.expect(400).json();
            assert_eq!(answer["code"], "record_not_found", "{answer}");
            let message = answer["message"].as_str().expect("a message");
            assert!(message.starts_with("No record found with id "), "{message}");
            assert_eq!(answer["messages"], json!([message]));
            assert_eq!(answer.get("errors"), None, "no record of the request is to blame");
        }
    }
    writer.delete(&path_of("a")).expect(200);
    writer.delete(&path_of("a")).expect(400);
    let patient = writer.with_header("Prefer", "respond-async");
    let deleted = patient.delete(&path_of("a")).expect(202);
    let receipt = ended(&writer, &deleted);
    assert_eq!(
        (&receipt["state"], &receipt["messages"]),
        (&json!("rejected"), &json!(["No record found with id a"]))
    );
    send(&writer, "PATCH", "/data/group/unknown/a", &json!({})).expect(404);
    stack.writer().delete(&path_of("a")).expect(401);
    let other = send(&writer, "POST", &path_of("a"), &json!({})).expect(405);
    assert_eq!(other.header("allow"), Some("PATCH, DELETE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_hold_whatever_an_id_may_hold() {
    let (stack, writer) = stack().await;
    let ids = [
        "MjAxMy0wMy0xMQ==",
        "a/b+c=",
        "%2F",
        "%252F",
        "a%20b",
        "ä→💙",
        "?x=1&y#z",
        "..",
        "rejected",
        "records",
        "upload",
        "transform",
        "replay",
        "\u{0001}",
        ";a:b@c,d!$'()*",
    ];
    let sent: Vec<Value> = ids.iter().map(|id| json!({"_id": id, "count": 1})).collect();
    writer.post(PATH, &json!(sent)).expect(200);
    let long = "ä".repeat(256);
    writer.post(PATH, &json!({"_id": long})).expect(200);
    // A client would take these two for steps in the path.
    for id in ids.into_iter().chain([long.as_str()]).filter(|id| *id != "..") {
        patch(&writer, id, &json!({"name": id})).expect(200);
    }
    for row in records(&stack).iter().filter(|row| row["_id"] != "..") {
        assert_eq!(row["_id"], row["name"]);
    }
    for id in ids.into_iter().filter(|id| *id != "..") {
        writer.delete(&path_of(id)).expect(200);
    }
    let left: Vec<Value> = records(&stack).iter().map(|row| row["_id"].clone()).collect();
    assert_eq!(left, [json!(".."), json!(long)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_is_judged_like_a_record() {
    let schema = json!({"schema": {"required": ["count"], "properties": {"count": {"type": "integer"}}}});
    let (stack, writer) = stack_with(1, &schema).await;
    writer.post(PATH, &json!({"_id": "a", "count": 1})).expect(200);
    for (fields, code, pointer) in [
        (json!({"count": "many"}), "schema_violation", "/count"),
        (json!({"Bad-Key": 1}), "invalid_key", "/Bad-Key"),
        (json!({"name": [1]}), "nested_value", "/name"),
        (json!({"_timestamp": "yesterday"}), "invalid_time", "/_timestamp"),
        (json!({"_id": "b"}), "invalid_id", "/_id"),
    ] {
        let answer = patch(&writer, "a", &fields).expect(400).json();
        assert_eq!(answer["code"], "invalid_records", "{answer}");
        let error = &answer["errors"][0];
        assert_eq!(
            (&error["record"], &error["code"], &error["pointer"]),
            (&json!(1), &json!(code), &json!(pointer))
        );
        assert_eq!(answer["errors_total"], 1);
    }
    for (body, code) in
        [(json!([{"count": 2}]), "not_records"), (json!([]), "not_records"), (json!(1), "not_records")]
    {
        assert_eq!(patch(&writer, "a", &body).expect(400).json()["code"], code);
    }
    let bare = writer.send("PATCH", &path_of("a"), b"{}".to_vec()).expect("an answer").expect(400).json();
    assert_eq!(bare["code"], "unsupported_content_type");
    patch(&writer, "a", &json!({"_id": "a", "count": 2})).expect(200);
    assert_eq!(records(&stack), [json!({"_id": "a", "count": 2})]);
}
