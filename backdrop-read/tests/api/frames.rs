//! Data sets held in memory: that they are, and that whatever happens to the store, nobody is answered from an old state.

use backdrop_testing::{Client, Engines, PostgresKind, Stack, StackOptions, ask_frame, eventually, sqlx};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;
use std::time::Duration;

const PATH: &str = "/data/held/figures";
const QUERY: &str = "/data/held/figures?group_by=kind&collect=count:sum";

async fn with_figures(mut options: StackOptions) -> Stack {
    options.workers = 1;
    options.environment.push(("BACKDROP_CACHE_MEMORY".into(), "0".into()));
    let stack = Stack::start_with(options).await.expect("a stack");
    stack.create_data_set("held", "figures");
    let records: Value = (0..8).map(|number| record(number, 1)).collect();
    writer(&stack).post(PATH, &records).expect(200);
    stack
}

fn record(number: i64, count: i64) -> Value {
    let day = 1 + number % 28;
    json!({"_id": number.to_string(), "_timestamp": format!("2014-01-{day:02}T00:00:00Z"), "kind": "a", "count": count})
}

fn writer(stack: &Stack) -> Client {
    stack.writer().with_token("token-for-figures")
}

/// What a group by `kind` adds up to, and how many records it has.
fn sum(answer: &Value) -> (f64, u64) {
    let Some(row) = answer["data"].get(0) else { return (0.0, 0) };
    (row["count:sum"].as_f64().expect("a sum"), row["_count"].as_f64().expect("a count") as u64)
}

#[track_caller]
fn held_sum(stack: &Stack) -> (f64, u64) {
    sum(&ask_frame(&stack.reader(), QUERY).expect("it can be held").expect(200).json())
}

#[track_caller]
fn asked_sum(stack: &Stack) -> (f64, u64) {
    sum(&stack.reader().get(QUERY).expect(200).json())
}

/// Does something to the store behind the services' backs.
async fn meddle(stack: &Stack, sql: &'static str) {
    sqlx::query(sql).execute(&stack.pool).await.expect(sql);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_query_is_answered_from_the_records_and_later_ones_from_memory() {
    let stack = with_figures(StackOptions::default()).await;
    let reader = stack.reader();
    let before = Engines::of(&reader);
    assert_eq!(asked_sum(&stack), (8.0, 8));
    assert_eq!(Engines::of(&reader).since(before), Engines { absent: 1, ..Engines::default() });
    assert_eq!(held_sum(&stack), (8.0, 8));

    // A field that is not there yet has the frame loaded anew; the old one goes on.
    let other = format!("{PATH}?group_by=kind&collect=size:count");
    reader.get(&other).expect(200);
    assert_eq!(held_sum(&stack), (8.0, 8));
    assert!(ask_frame(&reader, &other).is_some());

    // Who looks for one record has an index in the store.
    let before = Engines::of(&reader);
    assert_eq!(sum(&reader.get(&format!("{QUERY}&filter_by=_id:3")).expect(200).json()), (1.0, 1));
    assert_eq!(Engines::of(&reader).since(before), Engines { unfit: 1, ..Engines::default() });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_set_that_is_emptied_or_made_anew_is_loaded_anew() {
    let stack = with_figures(StackOptions::default()).await;
    assert_eq!(held_sum(&stack), (8.0, 8));
    let json = writer(&stack).with_header("Content-Type", "application/json");
    json.send("PUT", PATH, b"[]".to_vec()).expect("sent").expect(200);
    assert_eq!(asked_sum(&stack), (0.0, 0));
    writer(&stack).post(PATH, &record(1, 5)).expect(200);
    assert_eq!(asked_sum(&stack), (5.0, 1));
    assert_eq!(held_sum(&stack), (5.0, 1));

    stack.administrator().delete("/data-sets/held_figures").expect(200);
    stack.create_data_set("held", "figures");
    assert_eq!(asked_sum(&stack), (0.0, 0));
    writer(&stack).post(PATH, &record(1, 7)).expect(200);
    assert_eq!(asked_sum(&stack), (7.0, 1));
    assert_eq!(held_sum(&stack), (7.0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_restored_is_believed_not_the_memory() {
    let stack = with_figures(StackOptions::default()).await;
    assert_eq!(held_sum(&stack), (8.0, 8));
    // Another history that came to the same version.
    meddle(&stack, r#"UPDATE record SET body = jsonb_set(body, '{count}', '2')"#).await;
    meddle(&stack, "UPDATE data_set_state SET version_tag = gen_random_uuid()").await;
    assert_eq!(asked_sum(&stack), (16.0, 8));
    assert_eq!(held_sum(&stack), (16.0, 8));
    // One that went back.
    meddle(&stack, "DELETE FROM record WHERE id = '7'").await;
    meddle(&stack, "UPDATE data_set_state SET version = version - 1, records = records - 1").await;
    assert_eq!(asked_sum(&stack), (14.0, 7));
    assert_eq!(held_sum(&stack), (14.0, 7));
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_that_are_forgotten_are_not_missed() {
    let stack = with_figures(StackOptions::default()).await;
    assert_eq!(held_sum(&stack), (8.0, 8));
    // As the janitor does with what is ninety days old.
    writer(&stack).delete(&format!("{PATH}/3")).expect(200);
    meddle(
        &stack,
        "WITH gone AS (DELETE FROM record_deletion RETURNING data_set_id, seq)
         UPDATE data_set_state s SET deletions_since = seq FROM gone WHERE gone.data_set_id = s.data_set_id",
    )
    .await;
    assert_eq!(asked_sum(&stack), (7.0, 7));
    assert_eq!(held_sum(&stack), (7.0, 7));
    // As nobody should: the number of records shows it.
    writer(&stack).delete(&format!("{PATH}/4")).expect(200);
    meddle(&stack, "DELETE FROM record_deletion").await;
    assert_eq!(asked_sum(&stack), (6.0, 6));
    assert_eq!(held_sum(&stack), (6.0, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_changes_than_can_be_followed_are_loaded() {
    let stack = with_figures(StackOptions::default()).await;
    assert_eq!(held_sum(&stack), (8.0, 8));
    let many: Value = (0..2_500).map(|number| record(number, 1)).collect();
    writer(&stack).post(PATH, &many).expect(200);
    assert_eq!(asked_sum(&stack), (2_500.0, 2_500));
    assert_eq!(held_sum(&stack), (2_500.0, 2_500));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_of_the_store_memory_is_filled_anew() {
    let options = StackOptions { postgres: PostgresKind::Own, ..StackOptions::default() };
    let mut stack = with_figures(options).await;
    assert_eq!(held_sum(&stack), (8.0, 8));
    let postgres = stack.postgres.as_mut().expect("a Postgres of its own").server();
    postgres.kill().expect("Postgres is killed");
    // Nothing is said from memory of which nobody knows whether it still holds.
    stack.reader().get(QUERY).expect(503);
    stack.postgres.as_mut().expect("as above").server().restart().expect("Postgres starts again");
    let reader = stack.reader();
    eventually("the store is back", Duration::from_secs(20), || reader.get(QUERY).status == 200);
    assert_eq!(held_sum(&stack), (8.0, 8));
    let post = || writer(&stack).post(PATH, &record(20, 1)).status == 200;
    eventually("records are stored", Duration::from_secs(30), post);
    assert_eq!(asked_sum(&stack), (9.0, 9));
    assert_eq!(held_sum(&stack), (9.0, 9));
}

#[tokio::test(flavor = "multi_thread")]
async fn data_sets_make_room_for_each_other() {
    let stack = with_figures(StackOptions::default()).await;
    let many: Value = (0..2_000).map(|number| record(number, 1)).collect();
    for name in ["one", "two", "three", "four"] {
        stack.create_data_set("held", name);
        let writer = stack.writer().with_token(&format!("token-for-{name}"));
        writer.post(&format!("/data/held/{name}"), &many).expect(200);
    }
    // A data set takes some 60 kB.
    let read = stack.spawn_reader("BACKDROP_FRAME_MEMORY", "160000").await.expect("a query service");
    let reader = Client::new(read.address());
    for name in ["one", "two", "three", "four", "one", "four"] {
        let query = format!("/data/held/{name}?group_by=kind&collect=count:sum");
        let answer = ask_frame(&reader, &query).expect("it can be held").expect(200);
        assert_eq!(sum(&answer.json()), (2_000.0, 2_000));
    }
    let told = reader.get("/metrics").expect(200).text;
    let figure = |name: &str| -> u64 {
        let line =
            told.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name}: {told}"));
        line.trim().parse().expect("a number")
    };
    assert!(figure("backdrop_frame_losses_total{cause=\"memory\"}") >= 2, "{told}");
    assert!((1..=160_000).contains(&figure("backdrop_frame_bytes ")), "{told}");
    // One that is larger than half of it is never held.
    let read = stack.spawn_reader("BACKDROP_FRAME_MEMORY", "40000").await.expect("a query service");
    let reader = Client::new(read.address());
    for _ in 0..3 {
        let answer = reader.get("/data/held/one?group_by=kind&collect=count:sum").expect(200);
        assert_eq!(sum(&answer.json()), (2_000.0, 2_000));
    }
    let is_tried = || reader.get("/metrics").text.contains("backdrop_frame_loads_total{outcome=\"unfit\"} 1");
    eventually("it is tried", Duration::from_secs(10), is_tried);
    assert_eq!(Engines::of(&reader).frame, 0);
}

/// Every answer is a state of the data set, none older than what was acknowledged before the question, and none older
/// than what the same client has seen before.
#[tokio::test(flavor = "multi_thread")]
async fn readers_see_what_writers_were_told_and_never_go_back() {
    const WRITERS: usize = 3;
    const WRITES: i64 = 60;
    let stack = with_figures(StackOptions::default()).await;
    assert_eq!(held_sum(&stack), (8.0, 8));
    let before = Engines::of(&stack.reader());
    let acknowledged = AtomicI64::new(8);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let (acknowledged, is_over, stack) = (&acknowledged, &is_over, &stack);
        let writers: Vec<_> = (0..WRITERS as i64)
            .map(|number| {
                scope.spawn(move || {
                    for write in 0..WRITES {
                        // Two records a batch: an answer with an odd number has seen half of one.
                        let id = 1_000 * (number + 1) + 2 * write;
                        writer(stack).post(PATH, &json!([record(id, 1), record(id + 1, 1)])).expect(200);
                        acknowledged.fetch_add(2, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        for _ in 0..3 {
            scope.spawn(move || {
                let (reader, mut last) = (stack.reader(), 0);
                while !is_over.load(Ordering::SeqCst) {
                    let least = acknowledged.load(Ordering::SeqCst);
                    let (sum, records) = sum(&reader.get(QUERY).expect(200).json());
                    assert_eq!(sum, records as f64, "both are of one state");
                    assert_eq!(records % 2, 0, "half a batch");
                    assert!(records as i64 >= least && records >= last, "{records} after {least} and {last}");
                    last = records;
                }
            });
        }
        for writer in writers {
            writer.join().expect("a writer");
        }
        is_over.store(true, Ordering::SeqCst);
    });
    let total = 8 + 2 * WRITERS as u64 * WRITES as u64;
    assert_eq!(asked_sum(&stack), (total as f64, total));
    let engines = Engines::of(&stack.reader()).since(before);
    assert!(engines.share() >= 90.0 && engines.followed >= 20, "{engines:?}");
}
