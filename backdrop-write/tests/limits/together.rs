//! Writes that wait for the queue at the same time go there together.

use backdrop_testing::{Stack, StackOptions, eventually, redis};
use serde_json::json;
use std::collections::HashSet;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(15);
const WRITES: usize = 20;

/// An entry of the log: its id, and the value of a field.
type Entry = (String, std::collections::HashMap<String, String>);

/// The log that holds entries; there is only one.
fn log(redis: &mut redis::Connection) -> (String, Vec<Entry>) {
    let mut keys: Vec<String> = redis::cmd("KEYS").arg("backdrop:*:log").query(redis).expect("keys");
    let key = keys.pop().expect("a log");
    assert!(keys.is_empty(), "{keys:?}");
    let entries = redis::cmd("XRANGE").arg(&key).arg("-").arg("+").query(redis).expect("entries");
    (key, entries)
}

/// How many scripts Redis has run.
fn scripts_run(redis: &mut redis::Connection) -> usize {
    let info: String = redis::cmd("INFO").arg("commandstats").query(redis).expect("statistics");
    let calls = info.split("cmdstat_evalsha:calls=").nth(1).and_then(|rest| rest.split(',').next());
    calls.map_or(0, |calls| calls.parse().expect("a number"))
}

fn number(entry: &Entry, field: &str) -> usize {
    entry.1[field].parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn those_that_wait_at_the_same_time_are_appended_in_one_call_each_with_its_own_answer() {
    let stack = Stack::start_with(StackOptions::default()).await.expect("a stack");
    stack.create_data_set("group", "kind");
    let append = |count: usize| {
        let writer = stack.writer().with_token("token-for-kind").with_header("Prefer", "respond-async");
        writer.post("/data/group/kind", &json!({"count": count, "text": "x".repeat(count)})).expect(202)
    };
    append(0);
    let mut redis = stack.redis_connection().expect("a connection");
    let before = scripts_run(&mut redis);
    stack.freeze_redis();
    let receipts: HashSet<String> = std::thread::scope(|scope| {
        let append = &append;
        let writing: Vec<_> = (1..=WRITES).map(|count| scope.spawn(move || append(count))).collect();
        eventually("all of them wait", SOON, || {
            // And the question itself.
            let told = format!("backdrop_http_requests_in_flight {}", WRITES + 1);
            stack.writer().get("/metrics").expect(200).text.lines().any(|line| line == told)
        });
        stack.thaw_redis();
        let answers = writing.into_iter().map(|writing| writing.join().expect("an answer"));
        answers.map(|answer| answer.json()["id"].as_str().expect("a receipt").to_owned()).collect()
    });
    assert_eq!(receipts.len(), WRITES, "each has its own");
    let calls = scripts_run(&mut redis) - before;
    assert!(calls < WRITES, "{calls} calls");

    let (key, entries) = log(&mut redis);
    let mut appended = 0;
    for (n, entry) in entries.iter().enumerate() {
        let (epoch, place) = entry.0.split_once('-').expect("an id");
        assert_eq!(place.parse(), Ok(n), "no holes in epoch {epoch}");
        appended += entry.1["envelope"].len() + entry.1["records"].len();
        assert_eq!(number(entry, "appended"), appended, "what was appended with this one");
        let place = format!(".{}", entry.0);
        assert!(n == 0 || receipts.iter().any(|receipt| receipt.ends_with(&place)), "{place}: {receipts:?}");
    }
    let marker = key.replace(":log", ":epoch");
    let (counted, n): (usize, usize) =
        redis::cmd("HMGET").arg(marker).arg("appended").arg("n").query(&mut redis).expect("a marker");
    assert_eq!((counted, n), (appended, entries.len() - 1));
}
