use super::{PATH, with_examples};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_in_the_order_of_checks() {
    let stack = with_examples().await;
    stack.create_data_set_with("licensing", "hidden", &json!({"queryable": false}));
    let reader = stack.reader();
    for (path, status, code) in [
        ("/nothing/here/at/all", 404, "not_found"),
        ("/data/licensing/unknown?limit=x", 404, "data_set_not_found"),
        ("/data/licensing/UPPER", 404, "data_set_not_found"),
        ("/data/licensing/hidden", 404, "data_set_not_found"),
        ("/licensing_hidden", 404, "data_set_not_found"),
        ("/_unknown", 404, "data_set_not_found"),
        ("/data/licensing/%zz", 400, "invalid_query"),
        ("/data/licensing/applications?limit=%zz", 400, "invalid_query"),
        ("/data/licensing/applications?limit=%ff", 400, "invalid_query"),
        ("/data/licensing/applications?limit=x", 400, "invalid_query"),
        (&format!("{PATH}?filter_by=name:{}", "x".repeat(60_000)), 414, "uri_too_long"),
    ] {
        let answer = reader.get(path).expect(status);
        assert_eq!(answer.json()["code"], code, "{}", answer.text);
        assert_eq!(answer.json()["status"], "error");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        assert!(answer.header("x-request-id").is_some());
    }
    assert_eq!(reader.get("/data/aa/bb").json()["message"], "data_set not found");
    let problem = reader.with_header("Accept", "application/problem+json").get(&format!("{PATH}?limit=x"));
    assert_eq!(problem.header("content-type"), Some("application/problem+json"));
    assert_eq!(problem.header("access-control-allow-origin"), Some("*"));
    assert_eq!(problem.json()["status"], 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protected_data_set_answers_only_groups_of_whole_days() {
    let stack = with_examples().await;
    stack.create_data_set_with("licensing", "protected", &json!({"raw_queries_allowed": false}));
    let status = |query: &str| stack.reader().get(&format!("/data/licensing/protected?{query}")).status;
    assert_eq!(status(""), 400);
    assert_eq!(status("filter_by=name:foo"), 400);
    assert_eq!(status("group_by=name"), 200);
    assert_eq!(status("period=week&start_at=2013-03-11T00:00:00Z&end_at=2013-03-25T00:00:00Z"), 200);
    assert_eq!(status("period=week&start_at=2013-03-12T00:00:00Z&end_at=2013-03-25T00:00:00Z"), 400);
    assert_eq!(status("period=day&start_at=2013-03-12T00:00:00Z&end_at=2013-03-13T00:00:00Z"), 400);
}
