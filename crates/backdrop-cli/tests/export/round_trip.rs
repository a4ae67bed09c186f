//! What is exported can be imported, and is the same then.

use super::{command, records, run, stderr, store, text};
use backdrop_testing::{Stack, tempfile};
use serde_json::{Value, json};

/// Records without when they were stored.
fn as_sent(mut records: Vec<Value>) -> Vec<Value> {
    for record in &mut records {
        assert!(record.as_object_mut().expect("a record").remove("_updated_at").is_some());
    }
    records
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_is_imported_and_exported_is_the_same() {
    let stack = Stack::start().await.expect("a stack");
    stack.create_data_set("group", "kind");
    let sent = json!([
        {"_id": "a/b+c=", "_timestamp": "2013-03-11T01:00:00+01:00", "count": 18_446_744_073_709_551_615_u64},
        {"_id": "B", "_start_at": "2013-03-11", "share": 0.1, "text": "=1+1\n\u{1f408}", "none": null},
        {"_id": "\u{e9}", "low": i64::MIN, "yes": true, "exact": 1.10},
    ]);
    stack.writer().with_token("token-for-kind").post("/data/group/kind", &sent).expect(200);
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (folder.path().join("first.jsonl"), folder.path().join("second.jsonl"));
    let output = run(&stack, &["export", "group_kind", "--output", text(&first)]);
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("3 records exported to "));
    stack.create_data_set("group", "copy");
    run(&stack, &["import", text(&first), "--data-set", "group_copy"]);
    run(&stack, &["export", "group_copy", "--output", text(&second), "--page", "2"]);
    let (first, second) = (as_sent(records(&first)), as_sent(records(&second)));
    assert_eq!(first, second);
    assert_eq!(
        first[1],
        json!({"_id": "a/b+c=", "_timestamp": "2013-03-11T00:00:00+00:00",
        "count": 18_446_744_073_709_551_615_u64})
    );
    assert_eq!(first.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_the_data_set_is_enough_and_the_standard_output_will_do() {
    let stack = Stack::start().await.expect("a stack");
    stack.create_data_set("group", "kind");
    store(&stack, 5);
    let arguments =
        ["export", "--data-group", "group", "--data-type", "kind", "--output", "-", "--page", "2"];
    let with_token = |token: &str| {
        let mut command = command(&stack, &arguments);
        command.env_remove("BACKDROP_ADMIN_TOKEN").env("BACKDROP_TOKEN", token).output().expect("the command")
    };
    let output = with_token("token-for-kind");
    assert!(output.status.success(), "{}", stderr(&output));
    let lines: Vec<Value> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("a record"))
        .collect();
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[4]["_id"], "id-000004");
    assert!(stderr(&output).starts_with("5 records exported in "), "{}", stderr(&output));

    let refused = with_token("another-token");
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("Invalid bearer token for 'group_kind'"), "{}", stderr(&refused));
    assert!(!stderr(&refused).contains("another-token"));
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_goes_in_by_what_the_schema_says() {
    let stack = Stack::start().await.expect("a stack");
    let schema = json!({"properties": {"code": {"type": "string"}, "count": {"type": "integer"}}});
    stack.create_data_set_with("group", "kind", &json!({ "schema": schema }));
    let folder = tempfile::tempdir().expect("a folder");
    let (table, out) = (folder.path().join("in.csv"), folder.path().join("out.jsonl"));
    std::fs::write(&table, "_id,code,count\na,7,7\nb,8,8\n").expect("written");
    run(&stack, &["import", text(&table), "--data-set", "group_kind"]);
    run(&stack, &["export", "group_kind", "-o", text(&out)]);
    let expected =
        [json!({"_id": "a", "code": "7", "count": 7}), json!({"_id": "b", "code": "8", "count": 8})];
    assert_eq!(as_sent(records(&out)), expected);

    std::fs::write(&table, "_id,code,count\nc,9,9\ne,10,many\n").expect("written");
    let refused =
        command(&stack, &["import", text(&table), "--data-set", "group_kind"]).output().expect("ended");
    assert!(stderr(&refused).contains("record 2 (line 3): count: "), "{}", stderr(&refused));
}
