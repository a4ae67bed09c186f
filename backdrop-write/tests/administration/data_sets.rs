//! Making, listing, changing and deleting data sets.

use super::{put, stack, with_scope};
use serde_json::{Value, json};

const PATH: &str = "/data-sets/group_kind";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_of_a_change_stays_as_it_is() {
    let stack = stack().await;
    let admin = stack.administrator();
    let before = admin.get(PATH).expect(200).json();
    let body = json!({"capped_size": "100000", "retention_days": 30, "auto_ids": "slug, period", "published": false});
    let answer = put(&admin, PATH, &body).expect(200).json();
    let mut wanted = before.clone();
    wanted["capped_size"] = json!(100_000);
    wanted["retention_days"] = json!(30);
    wanted["auto_ids"] = json!(["slug", "period"]);
    wanted["published"] = json!(false);
    assert_eq!(answer, wanted);
    assert_eq!(admin.get(PATH).expect(200).json(), wanted);

    let answer =
        put(&admin, PATH, &json!({"capped_size": null, "max_age_expected": null})).expect(200).json();
    assert_eq!((&answer["capped_size"], &answer["max_age_expected"]), (&Value::Null, &Value::Null));
    assert_eq!(answer["retention_days"], json!(30));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shown_can_be_sent_back() {
    let stack = stack().await;
    let admin = stack.administrator();
    let definition = json!({"data_group": "group", "data_type": "monitoring", "retention_days": 5});
    let made = admin.post("/data-sets", &definition).expect(200).json();
    let path = "/data-sets/group_monitoring";
    // With its token, as clients of the original do, and as it is shown later, without.
    assert_eq!(put(&admin, path, &made).expect(200).json()["retention_days"], json!(5));
    let shown = admin.get(path).expect(200).json();
    assert_eq!(shown["bearer_token"], json!(""));
    assert_eq!(put(&admin, path, &shown).expect(200).json(), shown);
    let trail = admin.get(&format!("{path}/audit")).expect(200).json();
    assert_eq!(trail["audit"].as_array().map(Vec::len), Some(1), "nothing was changed: {trail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_changed_is_told_by_its_field() {
    let stack = stack().await;
    let admin = stack.administrator();
    for (body, field) in [
        (json!({"name": "other"}), "name"),
        (json!({"data_group": "other"}), "data_group"),
        (json!({"data_type": "other"}), "data_type"),
        (json!({"bearer_token": "another-token"}), "bearer_token"),
        (json!({"queryable": 1}), "queryable"),
        (json!({"retention_days": 0}), "retention_days"),
        (json!({"qeryable": true}), "qeryable"),
    ] {
        let answer = put(&admin, PATH, &body).expect(400).json();
        let message = answer["message"].as_str().expect("a message");
        assert!(message.starts_with(field), "{message}");
        assert!(!message.contains("another-token"), "{message}");
        assert_eq!(answer["code"], "invalid_definition");
    }
    let same = json!({"name": "group_kind", "data_group": "group", "data_type": "kind", "bearer_token": ""});
    put(&admin, PATH, &same).expect(200);
    put(&admin, PATH, &json!([])).expect(400);
    put(&admin, PATH, &json!({"schema": {"type": "nothing"}})).expect(422);
    put(&admin, "/data-sets/missing", &json!({})).expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_holds_what_is_asked_for() {
    let stack = stack().await;
    stack.create_data_set("group", "other");
    let admin = stack.administrator();
    let names = |query: &str| -> Vec<String> {
        let list = admin.get(&format!("/data-sets{query}")).expect(200).json();
        let names = list.as_array().expect("a list").iter().map(|data_set| data_set["name"].as_str());
        names.map(|name| name.expect("a name").to_owned()).collect()
    };
    assert_eq!(names("?data-group=group&data-type=other"), ["group_other"]);
    assert_eq!(names("?data_group=group"), ["group_kind", "group_other"]);
    assert!(names("?data-group=none").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_set_has_one_administrator_besides_the_one_of_all() {
    let stack = stack().await;
    stack.create_data_set("group", "other");
    let own = with_scope(&stack, "admin");
    let list = own.get("/data-sets").expect(200).json();
    assert_eq!((list.as_array().map(Vec::len), &list[0]["name"]), (Some(1), &json!("group_kind")));
    own.get(PATH).expect(200);
    put(&own, PATH, &json!({"realtime": true})).expect(200);
    own.get("/data-sets/group_other").expect(403);
    put(&own, "/data-sets/group_other", &json!({"realtime": true})).expect(403);
    own.post("/data-sets", &json!({"data_group": "group", "data_type": "third"})).expect(401);
    own.get("/audit").expect(401);

    for scope in ["read", "write"] {
        let other = with_scope(&stack, scope);
        let answer = other.get(PATH).expect(403).json();
        assert_eq!(answer["code"], "insufficient_scope");
        assert_eq!(other.get("/data-sets").expect(403).json()["code"], "insufficient_scope");
        put(&other, PATH, &json!({})).expect(403);
        other.delete(PATH).expect(403);
    }
    // The data set comes before the token.
    stack.writer().get("/data-sets/missing").expect(404);
    stack.writer().get(PATH).expect(401);
    assert_eq!(own.delete(PATH).expect(200).json()["message"], "Deleted group_kind");
    let gone = stack.administrator().delete(PATH).expect(404).json();
    assert_eq!(gone["message"], "No collection exists with name \"group_kind\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_the_services_need_are_refused() {
    let stack = stack().await;
    for name in ["data", "data-sets", "metrics", "docs", "receipts", "transform", "dashboard", "audit", "_x"]
    {
        let body = json!({"data_group": "a", "data_type": "b", "name": name});
        let answer = stack.administrator().post("/data-sets", &body).expect(400).json();
        assert!(answer["message"].as_str().is_some_and(|message| message.starts_with("name")), "{answer}");
    }
    // A form of the original's clients.
    let body = json!({"data_group": "a", "data_type": "b", "name": "", "capped_size": ""});
    stack.administrator().post("/data-sets", &body).expect(400);
}
