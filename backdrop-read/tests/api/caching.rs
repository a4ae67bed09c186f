use super::{PATH, ids, with_examples};
use backdrop_testing::{Answer, Stack, sqlx};
use serde_json::json;
use std::thread;
use std::time::Duration;

/// Asks for the examples, telling which answers are known already.
fn ask_knowing(stack: &Stack, query: &str, known: &str) -> Answer {
    stack.reader().with_header("If-None-Match", known).get(&format!("{PATH}?{query}"))
}

#[track_caller]
fn tag(stack: &Stack, query: &str) -> String {
    let answer = stack.reader().get(&format!("{PATH}?{query}")).expect(200);
    answer.header("etag").expect("a tag").to_owned()
}

/// Waits until a statement waits for its turn at the records.
async fn somebody_waits(stack: &Stack) {
    let sql = "SELECT count(*) FROM pg_locks WHERE relation = 'record'::regclass AND NOT granted";
    while sqlx::query_scalar::<_, i64>(sql).fetch_one(&stack.pool).await.expect("locks") == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_client_has_is_not_asked_for_again() {
    let stack = with_examples().await;
    let query = "group_by=authority&collect=fee:count";
    let known = tag(&stack, query);
    let mut lock = stack.pool.begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE record IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.expect("the lock");

    // Whoever reads records has to wait now; whoever knows them has not.
    let reader = stack.reader();
    let waiting = thread::spawn(move || reader.get(&format!("{PATH}?limit=1")));
    somebody_waits(&stack).await;
    let unchanged = ask_knowing(&stack, query, &known).expect(304);
    assert!(!waiting.is_finished());
    lock.rollback().await.expect("the lock is given back");

    assert_eq!(unchanged.text, "");
    for (name, value) in [
        ("etag", known.as_str()),
        ("cache-control", "max-age=1800, must-revalidate"),
        ("vary", "Accept, Accept-Encoding"),
        ("access-control-allow-origin", "*"),
        (
            "access-control-expose-headers",
            "Content-Disposition, Deprecation, ETag, Link, Retry-After, X-Request-Id",
        ),
    ] {
        assert_eq!(unchanged.header(name), Some(value));
    }
    assert_ne!(waiting.join().expect("an answer").expect(200).header("etag"), Some(known.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_acknowledged_shows_at_once() {
    let stack = with_examples().await;
    let writer = stack.writer().with_token("token-for-applications");
    let mut tags = vec![tag(&stack, "")];
    for number in 7..12 {
        let known = tags.last().expect("the first one").clone();
        ask_knowing(&stack, "", &known).expect(304);
        let id = format!("{number:02}");
        writer.post(PATH, &json!({"_id": id, "_timestamp": "2014-01-01T00:00:00Z"})).expect(200);
        let changed = ask_knowing(&stack, "", &known).expect(200);
        let rows = changed.json()["data"].take();
        assert_eq!(rows.as_array().and_then(|rows| rows.last()).map(|row| &row["_id"]), Some(&json!(id)));
        tags.push(changed.header("etag").expect("a tag").to_owned());
    }
    let empty = b"[]".to_vec();
    writer
        .with_header("Content-Type", "application/json")
        .send("PUT", PATH, empty)
        .expect("sent")
        .expect(200);
    assert_eq!(ids(&stack, ""), "");
    let known = tags.join(", ");
    tags.push(ask_knowing(&stack, "", &known).expect(200).header("etag").expect("a tag").to_owned());
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_answer_has_a_tag_of_its_own() {
    let stack = with_examples().await;
    stack.create_data_set("licensing", "others");
    let queries = [
        "",
        "limit=3",
        "format=csv",
        "format=ndjson",
        "format=xlsx",
        "group_by=paid",
        "period=day&duration=3",
    ];
    let mut tags: Vec<_> = queries.map(|query| tag(&stack, query)).into();
    assert!(tags.iter().all(|tag| tag.starts_with('"')), "strong ones");
    for (query, known) in queries.iter().zip(&tags) {
        ask_knowing(&stack, query, known).expect(304);
    }
    let csv = stack.reader().with_header("Accept", "text/csv").get(PATH).expect(200);
    let others = stack.reader().get("/data/licensing/others").expect(200);
    tags.extend([csv, others].map(|answer| answer.header("etag").expect("a tag").to_owned()));
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), queries.len() + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_come_in_lists_weakly_or_as_any() {
    let stack = with_examples().await;
    let known = tag(&stack, "limit=2");
    for (header, status) in [
        (known.clone(), 304),
        (format!("W/{known}"), 304),
        (format!("\"another\", W/\"one\", {known}"), 304),
        ("*".into(), 304),
        ("\"another\", W/\"one\"".into(), 200),
        (known.trim_matches('"').into(), 200),
        (String::new(), 200),
        ("\u{e9}\"".into(), 200),
    ] {
        let answer = ask_knowing(&stack, "limit=2", &header);
        assert_eq!(answer.status, status, "{header}");
        assert_eq!(answer.header("etag"), Some(known.as_str()), "{header}");
    }
    // What is wrong is said even to those who know something.
    assert_eq!(ask_knowing(&stack, "limit=x", "*").status, 400);
    let path = format!("{PATH}?limit=2");
    let head = stack.reader().send("HEAD", &path, Vec::new()).expect("an answer").expect(200);
    assert_eq!(head.header("etag"), Some(known.as_str()));
    let knowing = stack.reader().with_header("If-None-Match", &known);
    knowing.send("HEAD", &path, Vec::new()).expect("an answer").expect(304);
    let by_name = knowing.get("/licensing_applications?limit=2").expect(304);
    assert!(by_name.header("deprecation").is_some() && by_name.header("link").is_some());
}
