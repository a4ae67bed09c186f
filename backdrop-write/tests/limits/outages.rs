//! Redis and Postgres are stopped, or hang, and clients are told soon.

use backdrop_testing::{Answer, PostgresKind, Stack, StackOptions, eventually, sqlx};
use serde_json::json;
use std::time::{Duration, Instant};

const PATH: &str = "/data/group/kind";
/// How long a service waits for a connection to Postgres, by its settings, and a bit.
const STORE_WAIT: Duration = Duration::from_millis(3_800);
const SECOND: Duration = Duration::from_secs(1);

async fn stack() -> Stack {
    let options = StackOptions { postgres: PostgresKind::Own, workers: 1, ..StackOptions::default() };
    let stack = Stack::start_with(options).await.expect("a stack");
    stack.create_data_set("group", "kind");
    stack.create_data_set("group", "other");
    eventually("every partition can be appended to without the store", 20 * SECOND, || {
        stack.write.log().matches("appending in epoch").count() == 16
    });
    stack
}

fn timed(ask: impl FnOnce() -> Answer) -> (Answer, Duration) {
    let began = Instant::now();
    (ask(), began.elapsed())
}

fn append(stack: &Stack, data_type: &str, headers: &[(&str, &str)]) -> (Answer, Duration) {
    let writer =
        stack.writer().with_token(&format!("token-for-{data_type}")).with_header("Prefer", "respond-async");
    let writer = headers.iter().fold(writer, |writer, (name, value)| writer.with_header(name, value));
    timed(|| writer.post(&format!("/data/group/{data_type}"), &json!({"count": 1})))
}

/// Asks so many times at once; all answers, and how long the last one took.
fn at_once(count: usize, ask: impl Fn() -> Answer + Sync) -> (Vec<Answer>, Duration) {
    let began = Instant::now();
    let answers = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..count).map(|_| scope.spawn(&ask)).collect();
        asking.into_iter().map(|asking| asking.join().expect("an answer")).collect()
    });
    (answers, began.elapsed())
}

fn assert_refused(answer: &Answer, code: &str) {
    assert_eq!((answer.status, &answer.json()["code"]), (503, &json!(code)), "{}", answer.text);
    assert!(answer.header("retry-after").is_some(), "{:?}", answer.headers);
}

async fn stored(stack: &Stack) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM batch").fetch_one(&stack.pool).await.expect("a count")
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_stopped() {
    let mut stack = stack().await;
    append(&stack, "kind", &[]).0.expect(202);
    stack.redis.kill().expect("killed");
    let (answers, took) = at_once(40, || append(&stack, "kind", &[]).0);
    println!("40 writes to a Redis that is stopped: refused within {took:?}");
    answers.iter().for_each(|answer| assert_refused(answer, "queue_unavailable"));
    assert!(took < 2 * SECOND, "{took:?}");
    stack.reader().get(PATH).expect(200);
    let (ready, took) = timed(|| stack.writer().get("/_status/ready"));
    let redis = &ready.clone().expect(503).json()["dependencies"]["redis"];
    assert!(redis["message"].as_str().is_some_and(|text| text.contains("REDIS_URL")), "{redis}");
    assert!(took < 3 * SECOND, "{took:?}");
    stack.redis.restart().expect("started again");
    let took =
        eventually("writes are taken again", 5 * SECOND, || append(&stack, "kind", &[]).0.status == 202);
    println!("taken again after {took:?}");
    assert!(took < 2 * SECOND, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_hangs() {
    let stack = stack().await;
    append(&stack, "kind", &[]).0.expect(202);
    stack.freeze_redis();
    // It was sent and may be done: that is said when its time is over.
    let (unknown, took) = append(&stack, "kind", &[]);
    println!("the append that was sent to a Redis that hangs: {} within {took:?}", unknown.status);
    assert_eq!(unknown.status, 504, "{}", unknown.text);
    assert!(took < 6 * SECOND, "{took:?}");
    let (answers, took) = at_once(40, || append(&stack, "kind", &[]).0);
    let (ready, ready_took) = timed(|| stack.writer().get("/_status/ready"));
    stack.reader().get(PATH).expect(200);
    stack.thaw_redis();
    println!("40 writes to a Redis that hangs: refused within {took:?}");
    answers.iter().for_each(|answer| assert_refused(answer, "queue_unavailable"));
    assert!(took < 2 * SECOND, "{took:?}");
    assert!(ready.status == 503 && ready_took < 3 * SECOND, "{ready_took:?}");
    let took =
        eventually("writes are taken again", 5 * SECOND, || append(&stack, "kind", &[]).0.status == 202);
    println!("taken again after {took:?}");
}

/// What holds without Postgres, whether it is stopped or hangs.
fn do_without_the_store(stack: &Stack) -> usize {
    for _ in 0..3 {
        let (accepted, took) = append(stack, "kind", &[]);
        accepted.expect(202);
        assert!(took < SECOND, "{took:?}");
    }
    // Never written to before, and with a key that cannot be looked up.
    let (accepted, took) = append(stack, "other", &[("Idempotency-Key", "\"a\"")]);
    accepted.expect(202);
    println!("with a key: accepted within {took:?}");
    assert!(took < SECOND, "{took:?}");

    let (answers, took) = at_once(30, || stack.reader().get(PATH));
    println!("30 queries: refused within {took:?}");
    answers.iter().for_each(|answer| assert_refused(answer, "store_unavailable"));
    assert!(took < STORE_WAIT, "{took:?}");
    // Only the store could tell that there is no such data set.
    let (answers, took) = at_once(30, || stack.writer().post("/data/no/such", &json!({})));
    println!("30 writes to what is not known: refused within {took:?}");
    answers.iter().for_each(|answer| assert_refused(answer, "store_unavailable"));
    assert!(took < STORE_WAIT, "{took:?}");

    let (ready, took) = timed(|| stack.reader().get("/_status/ready"));
    assert!(ready.status == 503 && took < 3 * SECOND, "{took:?} {}", ready.text);
    let (ready, took) = timed(|| stack.writer().get("/_status/ready"));
    let postgres = ready.expect(200).json()["dependencies"]["postgres"].clone();
    assert_eq!((&postgres["ok"], &postgres["needed"]), (&json!(false), &json!(false)), "{postgres}");
    assert!(took < 3 * SECOND, "{took:?}");
    for client in [stack.reader(), stack.writer()] {
        let (alive, took) = timed(|| client.get("/_status"));
        assert!(alive.status == 200 && took < SECOND / 2, "{took:?}");
    }
    4
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_stopped() {
    let mut stack = stack().await;
    let mut postgres = stack.postgres.take().expect("a server");
    postgres.server().stop_immediately().expect("stopped");
    let accepted = do_without_the_store(&stack);
    postgres.server().restart().expect("started again");
    let began = Instant::now();
    eventually("queries are answered again", 10 * SECOND, || stack.reader().get(PATH).status == 200);
    println!("queries answered again after {:?}", began.elapsed());
    wait_until_stored(&stack, accepted).await;
    println!("all is stored {:?} after Postgres is back", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_hangs() {
    let mut stack = stack().await;
    let postgres = stack.postgres.take().expect("a server");
    postgres.freeze();
    let accepted = do_without_the_store(&stack);
    postgres.thaw();
    let began = Instant::now();
    eventually("queries are answered again", 10 * SECOND, || stack.reader().get(PATH).status == 200);
    wait_until_stored(&stack, accepted).await;
    println!("all is stored {:?} after Postgres goes on", began.elapsed());
}

async fn wait_until_stored(stack: &Stack, accepted: usize) {
    let began = Instant::now();
    while stored(stack).await < i64::try_from(accepted).expect("few") {
        assert!(began.elapsed() < 20 * SECOND, "only {} of {accepted} are stored", stored(stack).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_that_wait_for_a_lock_are_refused_while_health_is_answered() {
    let stack = stack().await;
    let mut locking = stack.pool.begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE record IN ACCESS EXCLUSIVE MODE").execute(&mut *locking).await.expect("locked");
    let ((answers, took), ready_took) = std::thread::scope(|scope| {
        let asking = scope.spawn(|| at_once(300, || stack.reader().get(&format!("{PATH}?limit=10"))));
        let mut slowest = Duration::ZERO;
        while !asking.is_finished() {
            let (ready, took) = timed(|| stack.reader().get("/_status/ready"));
            ready.expect(200);
            slowest = slowest.max(took);
            std::thread::sleep(Duration::from_millis(100));
        }
        (asking.join().expect("answers"), slowest)
    });
    locking.rollback().await.expect("rolled back");
    println!("300 queries at once: refused within {took:?}; readiness answered within {ready_took:?}");
    for answer in &answers {
        // For want of a connection, of the lock, or of a place to write the answer.
        assert_eq!(answer.status, 503, "{}", answer.text);
        assert!(answer.header("retry-after").is_some(), "{:?}", answer.headers);
    }
    assert!(took < 25 * SECOND, "{took:?}");
    stack.reader().get(PATH).expect(200);
}
