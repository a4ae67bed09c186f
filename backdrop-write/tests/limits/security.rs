//! What every answer says to browsers, and what no answer says to who guesses tokens.

use backdrop_testing::{ADMIN_TOKEN, Answer, Client, Stack, StackOptions};
use serde_json::json;
use std::collections::BTreeSet;

fn assert_safe(answer: &Answer, what: &str) {
    for (name, value) in [("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")] {
        assert_eq!(answer.header(name), Some(value), "{name} of {what}: {:?}", answer.headers);
    }
    let policy = answer.header("content-security-policy").unwrap_or_default();
    for part in ["default-src 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{what}: {policy}");
    }
    assert_eq!(answer.header("server"), None, "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_every_service_has_the_headers_of_security() {
    let stack = Stack::start().await.expect("a stack");
    stack.create_data_set("group", "kind");
    let worker = Client::new(stack.workers[0].address());
    for client in [stack.reader(), stack.writer(), worker] {
        for path in [
            "/_status",
            "/_status/ready",
            "/nothing/here/at/all",
            "/%ff",
            &format!("/{}", "x".repeat(20_000)),
        ] {
            assert_safe(&client.get(path), path);
        }
        assert_safe(
            &client.send("BREW", "/_status", Vec::new()).expect("an answer"),
            "a method nobody knows",
        );
    }
    for path in
        ["/data/group/kind", "/data/group/kind?format=csv", "/data/group/kind?limit=x", "/openapi.json"]
    {
        assert_safe(&stack.reader().get(path), path);
    }
    let page = stack.reader().get("/docs").expect(200);
    assert_safe(&page, "the page");
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("script-src 'self'"), "the page needs its scripts: {policy}");

    let made =
        stack.administrator().post("/data-sets/group_kind/tokens", &json!({"label": "new"})).expect(200);
    assert!(made.text.contains("backdrop_"), "{}", made.text);
    let refused = stack.writer().with_token("wrong").post("/data/group/kind", &json!({})).expect(401);
    for (answer, what) in [(&made, "a new token"), (&refused, "a refusal")] {
        assert_safe(answer, what);
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_do_not_count_are_told_apart_by_nothing() {
    let stack = Stack::start_with(StackOptions::default()).await.expect("a stack");
    stack.create_data_set("group", "kind");
    let tokens = "/data-sets/group_kind/tokens";
    let made = stack.administrator().post(tokens, &json!({"label": "to be revoked"})).expect(200).json();
    let (id, revoked) = (made["id"].clone(), made["token"].as_str().expect("a token").to_owned());
    let path = "/data/group/kind";
    let async_writer = |token: &str| stack.writer().with_token(token).with_header("Prefer", "respond-async");
    async_writer(&revoked).post(path, &json!({"count": 1})).expect(202);
    stack.administrator().delete(&format!("{tokens}/{id}")).expect(200);

    let near = format!("{}0", &ADMIN_TOKEN[..ADMIN_TOKEN.len() - 1]);
    let guesses = [revoked.as_str(), "x", "token-for-kinds", &near, &"y".repeat(4_000)];
    let answer_to = |token: &str| {
        let answer = async_writer(token).post(path, &json!({"count": 1}));
        let told = answer.headers.into_iter().filter(|(name, _)| name != "x-request-id" && name != "date");
        // They come in no particular order.
        (answer.status, told.collect::<BTreeSet<_>>(), answer.text)
    };
    let first = answer_to("never-seen");
    assert_eq!(first.0, 401);
    for guess in guesses {
        assert_eq!(answer_to(guess), first, "{guess}");
    }
}
