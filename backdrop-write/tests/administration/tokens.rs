//! Tokens: their terms, their use, and their end.

use super::{stack, with_scope, with_terms};
use backdrop_testing::{Stack, StackOptions, eventually};
use serde_json::{Value, json};
use std::time::Duration;

const PATH: &str = "/data-sets/group_kind/tokens";
const DATA: &str = "/data/group/kind";

fn tokens(stack: &Stack) -> Vec<Value> {
    stack.administrator().get(PATH).expect(200).json()["tokens"].as_array().expect("tokens").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_once_and_listed_with_its_terms() {
    let stack = stack().await;
    let terms = json!({"label": "Night job", "scopes": ["write", "read"], "expires_at": "2999-01-01", "requests_per_minute": 600});
    let made = stack.administrator().post(PATH, &terms).expect(200).json();
    assert!(made["token"].as_str().is_some_and(|token| token.starts_with("backdrop_")));
    let listed = tokens(&stack);
    assert_eq!(listed.len(), 2, "the first one, too: {listed:?}");
    assert_eq!((&listed[0]["scopes"], &listed[0]["label"]), (&json!(["write"]), &json!("")));
    let token = &listed[1];
    for (key, value) in [
        ("id", made["id"].clone()),
        ("label", json!("Night job")),
        ("scopes", json!(["write", "read"])),
        ("expires_at", json!("2999-01-01T00:00:00+00:00")),
        ("requests_per_minute", json!(600)),
        ("last_used_at", Value::Null),
    ] {
        assert_eq!(token[key], value, "{key}");
    }
    assert!(token["created_at"].is_string());
    assert!(!json!(listed).to_string().contains("backdrop_"), "{listed:?}");
    for bad in [
        json!({"scopes": ["all"]}),
        json!({"scopes": []}),
        json!({"expires_at": "2001-01-01"}),
        json!({"x": 1}),
    ] {
        assert_eq!(stack.administrator().post(PATH, &bad).expect(400).json()["code"], "invalid_definition");
    }
    let empty = stack.administrator().send("POST", PATH, Vec::new()).expect("an answer").expect(200);
    assert_eq!(empty.json()["scopes"], json!(["write"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_lets_its_holder_do_what_it_says_and_no_more() {
    let stack = stack().await;
    let record = json!({"aa": 1});
    let [reader, writer, admin] = ["read", "write", "admin"].map(|scope| with_scope(&stack, scope));
    let refused = reader.post(DATA, &record).expect(403);
    assert_eq!(refused.json()["code"], "insufficient_scope");
    reader.get(&format!("{DATA}/rejected")).expect(200);
    let later = writer.with_header("Prefer", "respond-async").post(DATA, &record).expect(202);
    reader.get(later.header("location").expect("a receipt")).expect(200);
    writer.get(&format!("{DATA}/rejected")).expect(200);
    writer.get(PATH).expect(403);
    writer.post(PATH, &json!({})).expect(403);
    admin.post(DATA, &record).expect(200);
    admin.get(PATH).expect(200);
    let further = admin.post(PATH, &json!({"scopes": ["read"]})).expect(200).json();
    admin.delete(&format!("{PATH}/{}", further["id"])).expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_ends_at_once_or_when_it_is_told() {
    let stack = stack().await;
    let admin = stack.administrator();
    let record = json!({"aa": 1});
    let (now, id) = with_terms(&stack, &json!({}));
    now.post(DATA, &record).expect(200);
    admin.delete(&format!("{PATH}/{id}")).expect(200);
    assert_eq!(now.post(DATA, &record).expect(401).json()["code"], "invalid_token");
    assert_eq!(admin.delete(&format!("{PATH}/{id}")).expect(404).json()["code"], "token_not_found");
    admin.delete(&format!("{PATH}/none")).expect(404);

    let (later, id) = with_terms(&stack, &json!({"label": "later"}));
    let answer = admin.delete(&format!("{PATH}/{id}?after=3600")).expect(200).json();
    assert!(answer["expires_at"].is_string());
    later.post(DATA, &record).expect(200);
    let listed = tokens(&stack).into_iter().find(|token| token["id"] == id).expect("it lives on");
    assert_eq!(listed["expires_at"], answer["expires_at"]);
    // Revoking it again can shorten its life, and does not lengthen it.
    let again = admin.delete(&format!("{PATH}/{id}?after=7200")).expect(200).json();
    assert_eq!(again["expires_at"], answer["expires_at"]);
    admin.delete(&format!("{PATH}/{id}?after=1")).expect(200);
    eventually("the token has expired", Duration::from_secs(20), || later.post(DATA, &record).status == 401);
    admin.delete(&format!("{PATH}/{id}?after=99999999999")).expect(400);
    admin.delete(&format!("{PATH}/{id}?from=60")).expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_headers_are_no_token_and_wrong_ones_are_told_alike() {
    let stack = stack().await;
    let writer = stack.writer().with_token("token-for-kind");
    let twice = writer.with_token("token-for-kind").get(&format!("{DATA}/rejected")).expect(401);
    assert_eq!(
        (twice.json()["code"].as_str(), twice.header("www-authenticate")),
        (Some("missing_token"), Some("bearer"))
    );
    let answers = ["unknown", "Token-for-kind", "token-for-kind2"].map(|token| {
        let answer = stack.writer().with_token(token).get(&format!("{DATA}/rejected")).expect(401);
        assert_eq!(answer.header("www-authenticate"), Some("bearer"));
        answer.text
    });
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_of_a_token_is_known_within_seconds_and_when_the_service_stops() {
    let mut stack =
        Stack::start_with(StackOptions { workers: 1, ..StackOptions::default() }).await.expect("a stack");
    stack.create_data_set("group", "kind");
    let last_use = |stack: &Stack| tokens(stack)[0]["last_used_at"].as_str().map(str::to_owned);
    assert_eq!(last_use(&stack), None);
    let writer = stack.writer().with_token("token-for-kind");
    writer.get(&format!("{DATA}/rejected")).expect(200);
    eventually("the use was written", Duration::from_secs(30), || last_use(&stack).is_some());
    let first = last_use(&stack).expect("used");
    writer.get(&format!("{DATA}/rejected")).expect(200);
    stack.write.terminate().expect("an orderly stop");
    stack.restart_write(&[]).await.expect("a service");
    let second = last_use(&stack).expect("used");
    assert!(second > first, "{second} is not after {first}");
}
