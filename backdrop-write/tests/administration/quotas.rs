//! Quotas of tokens.

use super::{put, stack, with_terms};
use backdrop_testing::{Answer, Stack, StackOptions};
use serde_json::json;

const DATA: &str = "/data/group/kind";

fn headers(answer: &Answer) -> (Option<&str>, Option<&str>) {
    (answer.header("ratelimit-policy"), answer.header("ratelimit"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_has_its_quota_and_is_told_of_it_with_every_answer() {
    let stack = stack().await;
    let (limited, _) = with_terms(&stack, &json!({"scopes": ["write"], "requests_per_minute": 3}));
    let policy = Some("\"token\";q=3;w=60");
    let stored = limited.post(DATA, &json!({"aa": 1})).expect(200);
    assert_eq!(headers(&stored), (policy, Some("\"token\";r=2;t=20")));
    let refused = limited.post(DATA, &json!({"a": 1})).expect(400);
    assert_eq!(headers(&refused), (policy, Some("\"token\";r=1;t=40")));
    let forbidden =
        limited.with_header("Accept", "application/problem+json").get("/data-sets/group_kind").expect(403);
    assert_eq!(headers(&forbidden), (policy, Some("\"token\";r=0;t=60")));

    // Before the encoding and the body are looked at. Another is let through 20 s after the first.
    let spent = limited.with_header("Content-Encoding", "none").post(DATA, &json!({"aa": 1})).expect(429);
    assert_eq!(spent.json()["code"], "quota_exceeded");
    assert_eq!(headers(&spent), (policy, Some("\"token\";r=0;t=60")));
    let wait: u64 = spent.header("retry-after").and_then(|text| text.parse().ok()).expect("seconds");
    assert!((1..=20).contains(&wait), "{wait}");
    // What comes before the quota in order.
    limited.get("/data-sets/group_kind").expect(403);
    limited.post("/data/group/unknown", &json!({})).expect(404);

    let other = stack.writer().with_token("token-for-kind").post(DATA, &json!({"aa": 1})).expect(200);
    assert_eq!(headers(&other), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_without_a_quota_have_the_one_of_the_service_and_administration_has_none() {
    let environment = vec![("BACKDROP_TOKEN_REQUESTS_PER_MINUTE".to_owned(), "2".to_owned())];
    let options = StackOptions { workers: 1, environment, ..StackOptions::default() };
    let stack = Stack::start_with(options).await.expect("a stack");
    stack.create_data_set("group", "kind");
    let writer = stack.writer().with_token("token-for-kind");
    let path = format!("{DATA}/rejected");
    writer.get(&path).expect(200);
    writer.get(&path).expect(200);
    writer.get(&path).expect(429);
    let (generous, _) = with_terms(&stack, &json!({"requests_per_minute": 500}));
    for _ in 0..20 {
        assert!(generous.get(&path).expect(200).header("ratelimit").is_some());
        let answer = put(&stack.administrator(), "/data-sets/group_kind", &json!({})).expect(200);
        assert_eq!(headers(&answer), (None, None));
    }
}
