use super::{PATH, asked, with_examples};
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

/// Every parameter with every kind of value, alone and beside a grouping: wrong ones are the client's
/// fault, never ours.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_a_client_sends_is_a_fault_of_ours() {
    let stack = with_examples().await;
    let names = [
        "start_at",
        "end_at",
        "inclusive",
        "period",
        "duration",
        "filter_by",
        "filter_by_prefix",
        "group_by",
        "collect",
        "sort_by",
        "limit",
        "flatten",
        "format",
        "unknown",
        "",
    ];
    let values = [
        "",
        "true",
        "week",
        "0",
        "99999",
        "-1",
        "1e999",
        "2013-03-11T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2013-02-30T00:00:00Z",
        "fee",
        "authority",
        "values",
        "_id",
        "_updated_at:2013",
        "fee:1e308",
        "fee:1e-400",
        "fee:99999999999999999999999",
        "fee:sum",
        "fee:sum:ascending",
        "licence:count",
        "licence:ascending",
        "_timestamp:descending",
        "_count:descending",
        "licence:%00",
        "licence:%F0%9F%98%80",
        "licence:'%22;%20DROP%20TABLE%20record;%20--",
        "%24where:1",
        "{}",
        "%25s",
        "csv",
        "xlsx",
    ];
    for beside in
        ["", "group_by=authority", "period=week&duration=3", "period=day&duration=3&group_by=licence"]
    {
        for name in names {
            for value in values {
                let answer = asked(&stack, &format!("{beside}&{name}={value}"));
                assert!([200, 400].contains(&answer.status), "{beside}&{name}={value}: {}", answer.text);
            }
        }
    }
}
