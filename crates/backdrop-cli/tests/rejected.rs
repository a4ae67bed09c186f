//! `backdrop rejected` against the real services.

use backdrop_testing::{ADMIN_TOKEN, Stack, sqlx};
use serde_json::{Value, json};
use std::process::Command;

/// What the command prints, if it ends with 0, and what it complains of otherwise.
fn rejected(stack: &Stack, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_backdrop"))
        .arg("rejected")
        .args(arguments)
        .env("BACKDROP_WRITE_URL", format!("http://{}", stack.write.address()))
        .env("BACKDROP_ADMIN_TOKEN", ADMIN_TOKEN)
        .output()
        .expect("the command");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_batch_is_listed_shown_replayed_and_discarded() {
    let stack = Stack::start().await.expect("a stack");
    stack.create_data_set_with(
        "group",
        "kind",
        &json!({"schema": {"properties": {"count": {"type": "integer"}}}}),
    );
    let none = rejected(&stack, &["list", "group_kind"]).expect("done");
    assert_eq!(none, "No batch of group_kind was rejected lately.\n");
    let writer = stack.writer().with_token("token-for-kind");
    writer
        .post("/data/group/kind", &json!([{"_id": "a", "count": "1"}, {"_id": "b", "count": 2}]))
        .expect(400);

    let listed: Value =
        serde_json::from_str(&rejected(&stack, &["list", "group_kind", "--json"]).expect("done"))
            .expect("JSON");
    let id = listed["rejected"][0]["id"].as_str().expect("an id");
    let shown = rejected(&stack, &["show", "group_kind", id]).expect("done");
    assert!(shown.starts_with(id) && shown.contains("append, records: 2, errors: 1\n"), "{shown}");
    assert!(
        shown.contains("record 1: count: ") && shown.ends_with("{\"_id\":\"b\",\"count\":2}\n"),
        "{shown}"
    );
    let complaint = rejected(&stack, &["replay", "group_kind", id]).expect_err("it is faulty still");
    assert!(complaint.contains("record 1: count: "), "{complaint}");

    sqlx::query(
        "INSERT INTO data_set_schema (data_set_id, version, document) SELECT id, 2, '{}' FROM data_set",
    )
    .execute(&stack.pool)
    .await
    .expect("a schema that takes anything");
    // After any change of its own the service looks at the whole configuration.
    stack.administrator().post("/data-sets/group_kind/tokens", &json!({})).expect(200);
    writer.post("/data/group/kind", &json!({"_id": "b", "count": 3})).expect(200);
    let replayed = rejected(&stack, &["replay", "group_kind", id, "--only-if-unchanged"]).expect("done");
    assert_eq!(replayed, "Stored: 1\nChanged since the batch was rejected: 1\n  b\n");
    let listed = rejected(&stack, &["list", "group_kind"]).expect("done");
    assert!(listed.contains("errors: 1, replayed\n"), "{listed}");
    let discarded = rejected(&stack, &["discard", "group_kind", id]).expect("done");
    assert_eq!(discarded, format!("Discarded rejected batch {id} of group_kind\n"));
    for command in ["show", "replay", "discard"] {
        let complaint = rejected(&stack, &[command, "group_kind", id]).expect_err("it is forgotten");
        assert!(complaint.contains(id), "{complaint}");
    }
}
