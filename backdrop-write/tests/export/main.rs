//! `GET /data/{group}/{type}/records`, against the real services.

use backdrop_testing::{Answer, Client, Stack};
use serde_json::{Value, json};

const PATH: &str = "/data/group/kind/records";

async fn stack() -> (Stack, Client) {
    let stack = Stack::start().await.expect("a stack");
    stack.create_data_set("group", "kind");
    let client = stack.writer().with_token("token-for-kind");
    (stack, client)
}

fn store(client: &Client, records: &Value) {
    client.post("/data/group/kind", records).expect(200);
}

fn lines(answer: &Answer) -> Vec<Value> {
    answer.text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
}

fn ids(answer: &Answer) -> Vec<String> {
    lines(answer).iter().map(|record| record["_id"].as_str().expect("an id").to_owned()).collect()
}

/// The address of the next page, if there is one.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link")?;
    Some(link.strip_prefix('<')?.strip_suffix(">; rel=\"next\"").expect("one link").to_owned())
}

/// All pages, from the first on.
fn pages(client: &Client, first: &str) -> Vec<Answer> {
    let mut pages = vec![client.get(first).expect(200)];
    while let Some(path) = next(pages.last().expect("at least one")) {
        pages.push(client.get(&path).expect(200));
    }
    pages
}

#[tokio::test(flavor = "multi_thread")]
async fn all_records_come_once_in_the_order_of_the_bytes_of_their_ids() {
    let (_stack, client) = stack().await;
    assert_eq!(client.get(PATH).expect(200).text, "");
    // By the rules of most languages `a` comes before `B` and `é` before `z`.
    let expected = ["+/=", "B", "a", "a+", "a/b", "a_b", "ab", "z", "\u{e9}", "\u{1f408}"];
    let mut shuffled: Vec<&str> = expected.to_vec();
    shuffled.reverse();
    let records: Vec<Value> = shuffled.iter().map(|id| json!({"_id": id, "count": 1})).collect();
    store(&client, &json!(records));
    for limit in [1, 3, 10, 11] {
        let pages = pages(&client, &format!("{PATH}?limit={limit}"));
        assert_eq!(pages.len(), expected.len().div_ceil(limit), "limit={limit}");
        let found: Vec<String> = pages.iter().flat_map(ids).collect();
        assert_eq!(found, expected, "limit={limit}");
    }
    let answer = client.get(PATH).expect(200);
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(client.send("HEAD", PATH, Vec::new()).expect("an answer").text, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_as_they_were_stored() {
    let (stack, client) = stack().await;
    let body = r#"{"_id": "a\"b", "_timestamp": "2014-03-04 05:06:07.5", "big": 18446744073709551615,
        "small": -9223372036854775808, "half": 0.1, "text": "\u00e9\n", "none": null, "yes": true}"#;
    let json = client.with_header("Content-Type", "application/json");
    json.send("POST", "/data/group/kind", body.into()).expect("an answer").expect(200);
    let answer = client.get(PATH).expect(200);
    for part in ["18446744073709551615", "-9223372036854775808", r#""half": 0.1"#] {
        assert!(answer.text.contains(part), "{}", answer.text);
    }
    // The query service tells the same of it.
    let row = stack.reader().get("/data/group/kind").expect(200).json()["data"][0].take();
    assert_eq!(lines(&answer), [row]);
    assert_eq!(lines(&answer)[0]["_timestamp"], "2014-03-04T05:06:07.5+00:00");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_large_records_ends_early_and_the_next_goes_on() {
    let (_stack, client) = stack().await;
    for batch in 0..4 {
        let record = |n: i32| json!({"_id": format!("{batch}-{n}"), "text": "x".repeat(1_500_000)});
        store(&client, &json!((0..5).map(record).collect::<Vec<_>>()));
    }
    let pages = pages(&client, &format!("{PATH}?limit=10000"));
    assert!(pages.iter().all(|page| page.bytes.len() < 11 * 1024 * 1024));
    assert_eq!(pages.iter().map(|page| ids(page).len()).collect::<Vec<_>>(), [6, 6, 6, 2]);
    let mut found: Vec<String> = pages.iter().flat_map(ids).collect();
    found.dedup();
    assert_eq!(found.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_come_and_go_between_pages_shift_nothing() {
    let (_stack, client) = stack().await;
    store(&client, &json!([{"_id": "b"}, {"_id": "d"}, {"_id": "f"}, {"_id": "h"}]));
    let first = client.get(&format!("{PATH}?limit=2")).expect(200);
    assert_eq!(ids(&first), ["b", "d"]);
    store(&client, &json!([{"_id": "a"}, {"_id": "b", "count": 2}, {"_id": "e"}, {"_id": "f", "count": 2}]));
    let rest = client.get(&next(&first).expect("there is more")).expect(200);
    assert_eq!(ids(&rest), ["e", "f"]);
    assert_eq!(lines(&rest)[1]["count"], 2);
    assert_eq!(ids(&client.get(&next(&rest).expect("there is more")).expect(200)), ["h"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_ends_when_its_data_set_is_emptied_or_made_anew() {
    let (stack, client) = stack().await;
    let begin = || {
        store(&client, &json!([{"_id": "a"}, {"_id": "b"}]));
        next(&client.get(&format!("{PATH}?limit=1")).expect(200)).expect("there is more")
    };
    let after_first = begin();
    let json = client.with_header("Content-Type", "application/json");
    json.send("PUT", "/data/group/kind", b"[]".to_vec()).expect("an answer").expect(200);
    assert_eq!(client.get(&after_first).expect(410).json()["code"], "export_ended");

    let after_first = begin();
    stack.administrator().delete("/data-sets/group_kind").expect(200);
    stack.create_data_set("group", "kind");
    store(&client, &json!([{"_id": "a"}, {"_id": "b"}]));
    assert_eq!(client.get(&after_first).expect(410).json()["code"], "export_ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_asks_for_a_token_and_not_for_what_queries_ask_for() {
    let stack = Stack::start().await.expect("a stack");
    let hidden = json!({"schema": null, "queryable": false, "raw_queries_allowed": false});
    stack.create_data_set_with("group", "kind", &hidden);
    stack.create_data_set("group", "other");
    let writer = stack.writer();
    let client = writer.with_token("token-for-kind");
    store(&client, &json!({"_id": "a"}));
    for client in [&client, &stack.administrator()] {
        assert_eq!(ids(&client.get(PATH).expect(200)), ["a"]);
    }
    limit_token_to(&stack, "read").await;
    assert_eq!(ids(&client.get(PATH).expect(200)), ["a"]);
    writer.get(PATH).expect(401);
    writer.with_token("nonsense").get(PATH).expect(401);
    writer.with_token("token-for-other").get(PATH).expect(403);
    stack.administrator().get("/data/group/nothing/records").expect(404);
    let refused = client.post(PATH, &json!({})).expect(405);
    assert_eq!(refused.header("allow"), Some("GET, HEAD, PATCH, DELETE"));
}

/// Leaves the token of the data set only that scope.
async fn limit_token_to(stack: &Stack, scope: &str) {
    let statement = "UPDATE data_set_token SET scopes = ARRAY[$1]";
    backdrop_testing::sqlx::query(statement).bind(scope).execute(&stack.pool).await.expect("changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_page_is_refused_with_what_to_do() {
    let (_stack, client) = stack().await;
    for (query, part) in [
        ("limit=0", "1 to 10000"),
        ("limit=10001", "1 to 10000"),
        ("limit=many", "\"many\""),
        ("after=nonsense", "Link header"),
        ("after=", "Link header"),
        ("offset=3", "offset"),
        ("limit=1&limit=2", "limit"),
    ] {
        let answer = client.get(&format!("{PATH}?{query}")).expect(400).json();
        assert_eq!(answer["code"], "invalid_query", "{query}");
        let message = answer["message"].as_str().expect("a message");
        assert!(message.contains(part), "{query}: {message}");
    }
}

/// The order of the ids is that of the primary key, so that a page costs the same wherever it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_follows_the_primary_key() {
    let stack = Stack::start().await.expect("a stack");
    let collation = "SELECT collname::text FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation
        WHERE a.attrelid = 'record'::regclass AND a.attname = 'id'";
    let name: String =
        backdrop_testing::sqlx::query_scalar(collation).fetch_one(&stack.pool).await.expect("a collation");
    assert_eq!(name, "C");
}
