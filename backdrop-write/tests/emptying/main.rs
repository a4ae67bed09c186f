//! A data set is emptied in constant time, however many records it holds, and beside its neighbours' writes and reads.
//! What it held is seen by nobody any more, also not by who remembers an `ETag` or the cursor of a page, and goes in
//! small steps that hold up nobody.

mod filled;
mod neighbours;
mod remembered;

use backdrop_testing::{Client, Stack, eventually, sqlx};
use filled::Filled;
use neighbours::Neighbours;
use remembered::Remembered;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How many records the large data set holds, and the small one that it is measured against.
const MANY: i64 = 1_000_000;
const FEW: i64 = 1_000;
/// How often each is emptied.
const ROUNDS: usize = 9;
/// The large one may take so many times as long as the small one, and a little more: a machine has other things to do.
const RATIO_MAX: u32 = 4;
const MARGIN: Duration = Duration::from_millis(50);
/// How long the janitor may take for all of them. It has to find out first, within five seconds.
const SWEPT_WITHIN: Duration = Duration::from_secs(120);

async fn stack() -> Stack {
    let stack = Stack::start().await.expect("a stack");
    for data_type in ["many", "few", "neighbour"] {
        stack.create_data_set("emptying", data_type);
    }
    // All on one partition, so that they wait for each other if anything can make them.
    sqlx::query("UPDATE data_set SET partition = 0").execute(&stack.pool).await.expect("one partition");
    // The service learns of it with what it makes itself.
    stack.create_data_set("emptying", "last");
    stack
}

fn path(data_type: &str) -> String {
    format!("/data/emptying/{data_type}")
}

fn writer(stack: &Stack, data_type: &str) -> Client {
    let writer = stack.writer().with_token(&format!("token-for-{data_type}"));
    writer.with_header("Content-Type", "application/json")
}

/// Empties a data set; how long the answer took.
fn empty(stack: &Stack, data_type: &str) -> Duration {
    let writer = writer(stack, data_type);
    let began = Instant::now();
    let answer = writer.send("PUT", &path(data_type), b"[]".to_vec()).expect("an answer").expect(200);
    let took = began.elapsed();
    assert_eq!(answer.json()["message"], format!("emptying_{data_type} now contains 0 records"));
    took
}

#[track_caller]
fn rows(stack: &Stack, data_type: &str) -> Vec<Value> {
    stack.reader().get(&path(data_type)).expect(200).json()["data"].as_array().expect("rows").clone()
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[all.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_million_records_go_as_fast_as_a_thousand_and_hold_up_nobody() {
    let stack = stack().await;
    let began = Instant::now();
    let many = Filled::with(&stack, "many", MANY).await;
    let few = Filled::with(&stack, "few", FEW).await;
    println!("{MANY} records were made in {:?}", began.elapsed());
    let before = [Remembered::of(&stack, "many"), Remembered::of(&stack, "few")];

    let neighbours = Neighbours::start(&stack);
    let (mut took_many, mut took_few) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        if round > 0 {
            many.restore(&stack).await;
            few.restore(&stack).await;
        }
        took_many.push(empty(&stack, "many"));
        took_few.push(empty(&stack, "few"));
    }
    let meanwhile = neighbours.stop();
    before.iter().for_each(|remembered| remembered.shows_nothing(&stack));
    writer(&stack, "many").post(&path("many"), &json!({"_id": "r0000007"})).expect(200);
    before[0].shows_only(&stack, "r0000007");

    let neighbours = Neighbours::start(&stack);
    let swept = sweep(&stack, &many).await;
    let while_swept = neighbours.stop();
    assert_eq!(many.left(&stack).await, 0);
    before[0].shows_only(&stack, "r0000007");

    let (many, few) = (median(took_many), median(took_few));
    println!(
        "PUT []: {MANY} records {many:?}, {FEW} records {few:?} (medians of {ROUNDS}); swept within {swept:?}"
    );
    println!("neighbours meanwhile: {meanwhile}\nneighbours while it is swept: {while_swept}");
    drop(stack);
    assert!(many <= few * RATIO_MAX + MARGIN, "{many:?} for many, {few:?} for few");
    assert!(meanwhile.are_bounded() && while_swept.are_bounded());
}

/// Lets the janitor in and waits until nothing is left; how long it took.
async fn sweep(stack: &Stack, filled: &Filled) -> Duration {
    filled.let_sweep(stack).await;
    let began = Instant::now();
    let mut left = filled.left(stack).await;
    let mut largest_step = 0;
    while !filled.is_swept(stack).await {
        let now = filled.left(stack).await;
        largest_step = largest_step.max(left - now);
        left = now;
        assert!(began.elapsed() < SWEPT_WITHIN, "{left} of {MANY} records are left");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("at most {largest_step} records went between two looks");
    assert!(largest_step < MANY / 4, "{largest_step} records went at once");
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_set_that_is_made_again_shows_nothing_of_the_one_before() {
    let stack = stack().await;
    let made = || stack.create_data_set("emptying", "again");
    made();
    let first = (0..50).map(|number| json!({"_id": format!("r{number:07}"), "of": "the first"})).collect();
    writer(&stack, "again").post(&path("again"), &first).expect(200);
    let remembered = Remembered::of(&stack, "again");
    let definition = stack.administrator().get("/data-sets/emptying_again").expect(200).json();
    assert_eq!(definition["records"], 50);

    stack.administrator().delete("/data-sets/emptying_again").expect(200);
    writer(&stack, "again").post(&path("again"), &json!({"_id": "late"})).expect(404);
    eventually("readers know", Duration::from_secs(10), || stack.reader().get(&path("again")).status == 404);
    made();
    eventually("readers know", Duration::from_secs(10), || stack.reader().get(&path("again")).status == 200);
    remembered.shows_nothing(&stack);
    assert_eq!(stack.administrator().get("/data-sets/emptying_again").expect(200).json()["records"], 0);

    // As many changes as the first one had, so that its version is the same number.
    let second = (0..50).map(|number| json!({"_id": format!("s{number:07}"), "of": "the second"})).collect();
    writer(&stack, "again").post(&path("again"), &second).expect(200);
    assert!(rows(&stack, "again").iter().all(|row| row["of"] == "the second"));
    remembered.is_not_taken_for_unchanged(&stack);

    let sql = "SELECT count(*) FROM record WHERE body->>'of' = 'the first'";
    let began = Instant::now();
    while sqlx::query_scalar::<_, i64>(sql).fetch_one(&stack.pool).await.expect("a number") > 0 {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "the records of a deleted data set are still there"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(rows(&stack, "again").len(), 50);
}
