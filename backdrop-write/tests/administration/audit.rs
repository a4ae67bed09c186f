//! The trail of who changed what.

use super::{put, stack, with_terms};
use backdrop_testing::{Client, Stack};
use serde_json::{Value, json};

const PATH: &str = "/data-sets/group_kind/audit";

fn trail(client: &Client, path: &str) -> Vec<Value> {
    client.get(path).expect(200).json()["audit"].as_array().expect("a trail").clone()
}

fn actions(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["action"].as_str().expect("an action")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_stands_in_the_trail_with_who_and_what() {
    let stack = stack().await;
    let admin = stack.administrator();
    let (own, id) = with_terms(&stack, &json!({"label": "Owner", "scopes": ["admin"]}));
    let traced = own.with_header("X-Request-Id", "the-change");
    put(&traced, "/data-sets/group_kind", &json!({"realtime": true, "queryable": true})).expect(200);
    put(&admin, "/data-sets/group_kind/schema", &json!({"required": ["count"]})).expect(200);
    own.post("/data/group/kind", &json!([{"count": 1}, {"count": 2}])).expect(200);
    own.post("/data/group/kind", &json!({"other": 1})).expect(400);
    put(&own, "/data/group/kind", &json!([])).expect(200);
    admin.delete(&format!("/data-sets/group_kind/tokens/{id}")).expect(200);

    let items = trail(&admin, PATH);
    assert_eq!(
        actions(&items),
        [
            "revoke_token",
            "empty",
            "append",
            "append",
            "set_schema",
            "change_data_set",
            "create_token",
            "create_data_set"
        ]
    );
    let [revoked, _, rejected, stored, schema, changed, made, created] = &items[..] else {
        panic!("{items:?}");
    };
    assert_eq!(changed["who"], json!({"token": id, "label": "Owner"}));
    assert_eq!(changed["request_id"], "the-change");
    assert_eq!(changed["detail"], json!({"realtime": {"from": false, "to": true}}));
    assert_eq!(schema["who"], "administrator");
    assert_eq!(schema["detail"], json!({"version": {"from": null, "to": 1}, "record_rules_only": false}));
    assert_eq!(
        (&stored["records"], &stored["outcome"], &stored["who"]),
        (&json!(2), &json!("stored"), &changed["who"])
    );
    assert_eq!((&rejected["records"], &rejected["outcome"]), (&json!(0), &json!("rejected")));
    for detail in [&made["detail"], &revoked["detail"]] {
        assert_eq!(
            (&detail["token"], &detail["label"], &detail["scopes"]),
            (&id, &json!("Owner"), &json!(["admin"]))
        );
    }
    assert_eq!(created["detail"]["settings"]["realtime"], json!(false));
    assert!(items.iter().all(|item| item["data_set"] == "group_kind" && item["at"].is_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_is_paged_without_gaps_and_overlaps() {
    let stack = stack().await;
    let admin = stack.administrator();
    let later = admin.with_header("Prefer", "respond-async");
    for number in 0..30 {
        // Several of these are applied in one transaction, and so at the same moment.
        later.post("/data/group/kind", &json!({"number": number})).expect(202);
    }
    put(&admin, "/data-sets/group_kind", &json!({"realtime": true})).expect(200);
    stack.writer().with_token("token-for-kind").post("/data/group/kind", &json!({"number": 30})).expect(200);
    let whole = trail(&admin, PATH);
    assert_eq!(whole.len(), 33);
    for limit in [1, 4, 33] {
        let mut paged: Vec<Value> = Vec::new();
        loop {
            let before = paged.last().map(|item| format!("&before={}", item["id"].as_str().expect("an id")));
            let page = trail(&admin, &format!("{PATH}?limit={limit}{}", before.unwrap_or_default()));
            assert!(page.len() <= limit);
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert_eq!(paged, whole, "pages of {limit}");
    }
    for bad in ["limit=0", "limit=1001", "limit=x", "before=x", "before=1-a%00", "after=x"] {
        admin.get(&format!("{PATH}?{bad}")).expect(400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_outlives_its_data_set() {
    let stack = stack().await;
    stack.create_data_set("group", "other");
    let admin = stack.administrator();
    let own = with_terms(&stack, &json!({"scopes": ["admin"], "label": "Owner"}));
    own.0.with_header("X-Request-Id", "the-end").delete("/data-sets/group_kind").expect(200);
    admin.get(PATH).expect(404);
    let items = trail(&admin, "/audit?data-set=group_kind");
    assert_eq!(actions(&items), ["delete_data_set", "create_token", "create_data_set"]);
    assert_eq!((&items[0]["who"]["token"], &items[0]["request_id"]), (&own.1, &json!("the-end")));
    assert_eq!(items[0]["data_set"], "group_kind");

    stack.create_data_set("group", "kind");
    assert_eq!(actions(&trail(&admin, PATH)), ["create_data_set"], "another one of the same name");
    let of_all = trail(&admin, "/audit");
    assert_eq!(of_all.len(), 5);
    assert_eq!(of_all[4]["data_set"], "group_kind");
    assert!(trail(&admin, "/audit?data-set=never").is_empty());
    with_read(&stack).get(PATH).expect(403);
}

fn with_read(stack: &Stack) -> Client {
    with_terms(stack, &json!({"scopes": ["read"]})).0
}
