//! No token stands anywhere but in the answer that tells of its making.

use super::{put, stack};
use backdrop_testing::ADMIN_TOKEN;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_answered_logged_or_kept() {
    let stack = stack().await;
    let admin = stack.administrator();
    let path = "/data-sets/group_kind";
    let terms = json!({"label": "Owner", "scopes": ["admin"], "requests_per_minute": 100});
    let made = admin.post(&format!("{path}/tokens"), &terms).expect(200).json();
    let token = made["token"].as_str().expect("a token");
    let own = stack.writer().with_token(token);
    let wrong = stack.writer().with_token("wrong-token-for-anything");
    let mut answers = vec![
        put(&own, path, &json!({"realtime": true, "bearer_token": token})),
        put(&own, path, &json!({"bearer_token": "wrong-token-for-anything"})),
        put(&own, path, &json!({"bearer_token": ["wrong-token-for-anything"]})),
        put(&own, &format!("{path}/schema"), &json!({"required": ["count"]})),
        own.post("/data/group/kind", &json!({"other": 1})),
        own.delete(&format!("{path}/tokens/{token}")),
        own.get(&format!("{path}?x={token}")),
        own.delete(&format!("{path}/tokens/{}?after=100", made["id"])),
        admin.post(
            "/data-sets",
            &json!({"data_group": "group", "data_type": "kind", "bearer_token": ADMIN_TOKEN}),
        ),
    ];
    for client in [&own, &admin, &wrong] {
        for path in [
            "",
            "/group_kind",
            "/group_kind/tokens",
            "/group_kind/audit",
            "/group_kind/schemas",
            "/group_kind/schema",
        ] {
            answers.push(client.get(&format!("/data-sets{path}")));
        }
        answers.push(client.get("/audit"));
        answers.push(client.get("/data/group/kind/rejected"));
        answers.push(client.post("/data/group/kind", &json!({"count": 1})));
    }
    answers.push(stack.reader().with_token(token).get("/data/group/kind"));

    let secrets = ["token-for-kind", token, ADMIN_TOKEN, "wrong-token-for-anything"];
    for answer in &answers {
        for secret in secrets {
            assert!(!answer.text.contains(secret), "{}", answer.text);
            assert!(answer.headers.iter().all(|(_, value)| !value.contains(secret)), "{:?}", answer.headers);
        }
    }
    let logs = [&stack.write, &stack.read].into_iter().chain(&stack.workers).map(|process| process.log());
    for log in logs {
        assert!(log.lines().count() > 1, "there is a log");
        for secret in [secrets[0], secrets[2], secrets[3]] {
            assert!(!log.contains(secret), "{secret} is in a log");
        }
        // A path that a client chose to put a token into is its own doing.
        let of_others = log.lines().filter(|line| !line.contains("/tokens/"));
        assert!(of_others.filter(|line| line.contains(token)).count() == 0, "a token is in a log");
    }
    let details: Vec<String> = trail(&stack).await;
    assert!(
        !details.is_empty()
            && secrets.iter().all(|secret| details.iter().all(|detail| !detail.contains(secret)))
    );
}

async fn trail(stack: &backdrop_testing::Stack) -> Vec<String> {
    let query = backdrop_testing::sqlx::query_scalar("SELECT e::text FROM audit_event e");
    query.fetch_all(&stack.pool).await.expect("the trail")
}
