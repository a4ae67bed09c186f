use super::{PATH, with_examples};
use backdrop_testing::{
    Answer, Client, Connections, Pair, PostgresKind, Stack, StackOptions, Traffic, eventually, sqlx,
};
use serde_json::json;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const GROUPED: &str = "/data/licensing/applications?group_by=authority&collect=fee:count";

/// The value of a sample that the query service tells.
fn told(stack: &Stack, sample: &str) -> u64 {
    let text = stack.reader().get("/metrics").expect(200).text;
    let value = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("{sample} is not in\n{text}")).parse().expect("a number")
}

fn answers_of(stack: &Stack, engine: &str) -> u64 {
    told(stack, &format!("backdrop_answers_total{{engine=\"{engine}\"}}"))
}

/// All headers but those that tell requests apart.
fn headers(answer: &Answer) -> Vec<(String, String)> {
    let is_of_the_answer = |name: &str| !["date", "x-request-id"].contains(&name);
    let mut headers: Vec<_> =
        answer.headers.iter().filter(|(name, _)| is_of_the_answer(name)).cloned().collect();
    headers.sort();
    headers
}

/// How many statements of the query service wait for a lock on the records.
async fn waiting_for_records(stack: &Stack) -> i64 {
    // The worker that keeps house may wait, too, and who asks for metrics.
    let sql = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
               WHERE relation = 'record'::regclass AND NOT granted AND datname = current_database()
               AND application_name = 'backdrop-read' AND query LIKE '%AS records%'";
    sqlx::query_scalar(sql).fetch_one(&stack.pool).await.expect("locks")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_answered_again_without_reading_records() {
    let stack = with_examples().await;
    let others = [
        "limit=2",
        "format=csv",
        "format=xlsx&limit=3",
        "group_by=paid&period=week&duration=2&end_at=2013-03-25T00:00:00Z",
    ]
    .map(|query| format!("{PATH}?{query}"));
    let paths = [GROUPED.to_owned(), "/licensing_applications?limit=2".to_owned()].into_iter().chain(others);
    let paths: Vec<String> = paths.collect();
    let first: Vec<Answer> = paths.iter().map(|path| stack.reader().get(path).expect(200)).collect();
    let (cached, sql) = (answers_of(&stack, "cache"), answers_of(&stack, "sql"));

    let mut lock = stack.pool.begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE record IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.expect("the lock");
    for (path, first) in paths.iter().zip(&first) {
        let again = stack.reader().get(path).expect(200);
        assert_eq!(again.bytes, first.bytes, "{path}");
        assert_eq!(headers(&again), headers(first), "{path}");
    }
    lock.rollback().await.expect("the lock is given back");
    assert_eq!(answers_of(&stack, "cache"), cached + paths.len() as u64);
    assert_eq!(answers_of(&stack, "sql"), sql);
    assert!(told(&stack, "backdrop_answer_cache_entries") >= 5);
    assert!(told(&stack, "backdrop_answer_cache_bytes") > first[0].bytes.len() as u64);

    // Settings that show in headers alone are those of now.
    let settings = json!({"realtime": true}).to_string().into_bytes();
    let administrator = stack.administrator().with_header("Content-Type", "application/json");
    administrator.send("PUT", "/data-sets/licensing_applications", settings).expect("sent").expect(200);
    eventually("the setting shows", Duration::from_secs(5), || {
        stack.reader().get(GROUPED).expect(200).header("cache-control")
            == Some("max-age=120, must-revalidate")
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn another_state_is_never_answered_from_before() {
    let stack = with_examples().await;
    let count = |answer: &Answer| answer.json()["data"].as_array().map(Vec::len);
    let all = stack.reader().get(PATH).expect(200);
    stack.reader().get(PATH).expect(200);
    let cached = answers_of(&stack, "cache");
    let before: (i64, sqlx::types::Uuid) = state(&stack).await;
    let record = json!({"_id": "7", "_timestamp": "2014-01-01T00:00:00Z"});
    stack.writer().with_token("token-for-applications").post(PATH, &record).expect(200);
    let more = stack.reader().get(PATH).expect(200);
    assert_eq!(count(&more), count(&all).map(|count| count + 1));

    // As a restore does: the records and the version are those of before, but changed otherwise since.
    sqlx::query("DELETE FROM record WHERE id IN ('6', '7')").execute(&stack.pool).await.expect("restored");
    let sql = "UPDATE data_set_state SET version = $1, version_tag = gen_random_uuid()";
    sqlx::query(sql).bind(before.0).execute(&stack.pool).await.expect("restored");
    let restored = stack.reader().get(PATH).expect(200);
    assert_eq!(count(&restored), count(&all).map(|count| count - 1));
    assert_eq!(answers_of(&stack, "cache"), cached);

    // The very state of before has the very answer of before.
    let sql = "UPDATE data_set_state SET version = $1, version_tag = $2";
    sqlx::query(sql).bind(before.0).bind(before.1).execute(&stack.pool).await.expect("restored");
    assert_eq!(stack.reader().get(PATH).expect(200).header("etag"), all.header("etag"));
}

async fn state(stack: &Stack) -> (i64, sqlx::types::Uuid) {
    let sql = "SELECT version, version_tag FROM data_set_state";
    sqlx::query_as(sql).fetch_one(&stack.pool).await.expect("a state")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_write_is_in_every_later_answer() {
    const WRITES: u64 = 60;
    let stack = with_examples().await;
    let (acknowledged, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let highest = |reader: &Client| {
        let rows =
            reader.get("/data/licensing/applications?collect=number:max&group_by=kind").expect(200).json();
        rows["data"][0]["number:max"].as_f64().unwrap_or(0.0)
    };
    let writer = stack.writer().with_token("token-for-applications");
    thread::scope(|threads| {
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let (reader, acknowledged, is_over) = (stack.reader(), &acknowledged, &is_over);
                threads.spawn(move || {
                    let mut reads = 0;
                    while !is_over.load(Ordering::SeqCst) {
                        let written = acknowledged.load(Ordering::SeqCst);
                        let read = highest(&reader);
                        assert!(read >= written as f64, "{read} was read after {written} was acknowledged");
                        reads += 1;
                    }
                    reads
                })
            })
            .collect();
        let reader = stack.reader();
        for n in 1..=WRITES {
            writer.post(PATH, &json!({"_id": "counted", "kind": "counter", "number": n})).expect(200);
            acknowledged.store(n, Ordering::SeqCst);
            assert_eq!(highest(&reader), n as f64);
        }
        is_over.store(true, Ordering::SeqCst);
        let reads: u64 = readers.into_iter().map(|reader| reader.join().expect("a reader")).sum();
        assert!(reads > WRITES, "only {reads} reads");
    });
    assert!(answers_of(&stack, "cache") > 0, "some answers were given twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_question_is_asked_once_for_all_who_wait() {
    const WAITING: usize = 8;
    let stack = with_examples().await;
    let mut lock = stack.pool.begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE record IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.expect("the lock");
    let questions = told(&stack, "backdrop_version_questions_total");
    let waiting: Vec<_> = (0..WAITING)
        .map(|_| {
            let reader = stack.reader();
            thread::spawn(move || reader.get(GROUPED))
        })
        .collect();
    eventually("all have asked for the version", Duration::from_secs(10), || {
        told(&stack, "backdrop_version_questions_total") == questions + WAITING as u64
    });
    // Whoever has a version by now asks the store, or waits for who does: only the last may still be on the way.
    while waiting_for_records(&stack).await == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(waiting_for_records(&stack).await, 1);
    lock.rollback().await.expect("the lock is given back");
    let answers: Vec<Answer> =
        waiting.into_iter().map(|asked| asked.join().expect("an answer").expect(200)).collect();
    assert!(answers.iter().all(|answer| answer.bytes == answers[0].bytes));
    assert_eq!((answers_of(&stack, "sql"), answers_of(&stack, "cache")), (1, WAITING as u64 - 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_to_each_and_not_kept() {
    let stack = with_examples().await;
    let path = "/data/licensing/applications?group_by=licence&collect=fee:sum";
    for id in ["first", "second"] {
        let refused = stack.reader().with_header("X-Request-Id", id).get(path).expect(400);
        assert_eq!(refused.header("x-request-id"), Some(id));
        assert!(refused.text.contains("fee"), "{}", refused.text);
    }
    assert_eq!(told(&stack, "backdrop_answer_cache_entries"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_asked_for_together() {
    const CLIENTS: usize = 50;
    const EACH: usize = 20;
    let stack = with_examples().await;
    stack.reader().get(GROUPED).expect(200);
    // Who loads the frame asks, too.
    eventually("the frame is loaded", Duration::from_secs(5), || told(&stack, "backdrop_frames") == 1);
    let [questions, statements] =
        ["questions", "statements"].map(|what| told(&stack, &format!("backdrop_version_{what}_total")));
    let together = Barrier::new(CLIENTS);
    thread::scope(|threads| {
        for _ in 0..CLIENTS {
            threads.spawn(|| {
                let reader = stack.reader();
                together.wait();
                for _ in 0..EACH {
                    reader.get(GROUPED).expect(200);
                }
            });
        }
    });
    let asked = told(&stack, "backdrop_version_questions_total") - questions;
    let sent = told(&stack, "backdrop_version_statements_total") - statements;
    assert_eq!(asked, (CLIENTS * EACH) as u64);
    assert!(sent * 2 < asked, "{sent} statements answered {asked} questions");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_kept_where_there_is_no_memory_for_it() {
    let environment = vec![("BACKDROP_CACHE_MEMORY".to_owned(), "0".to_owned())];
    let options = StackOptions { workers: 1, environment, ..StackOptions::default() };
    let stack = Stack::start_with(options).await.expect("a stack");
    stack.create_data_set("licensing", "applications");
    for _ in 0..3 {
        stack.reader().get(GROUPED).expect(200);
    }
    // The later ones by a frame, if that is loaded by then.
    assert_eq!(answers_of(&stack, "sql") + answers_of(&stack, "frame"), 3);
    assert_eq!(answers_of(&stack, "cache"), 0);
    assert_eq!(told(&stack, "backdrop_answer_cache_bytes"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_store_is_told_in_time_to_all_and_well_again_at_once() {
    const WAIT: Duration = Duration::from_millis(1_000);
    let environment = vec![("BACKDROP_DATABASE_WAIT_MS".to_owned(), WAIT.as_millis().to_string())];
    let connections = Connections::Proxied;
    let options = StackOptions {
        postgres: PostgresKind::Own,
        workers: 1,
        connections,
        environment,
        ..StackOptions::default()
    };
    let stack = Stack::start_with(options).await.expect("a stack");
    stack.create_data_set("licensing", "applications");
    stack.reader().get(GROUPED).expect(200);
    for traffic in [Traffic::Stalled, Traffic::AnswersLost, Traffic::Refused] {
        stack.proxy(Pair::ReadPostgres).set(traffic);
        if traffic == Traffic::Refused {
            stack.proxy(Pair::ReadPostgres).cut();
        }
        eventually("the first is refused", Duration::from_secs(10), || {
            stack.reader().get(GROUPED).status == 503
        });
        thread::scope(|threads| {
            for number in 0..20 {
                let stack = &stack;
                threads.spawn(move || {
                    // Some come while others wait already.
                    thread::sleep(Duration::from_millis(50 * number));
                    let began = Instant::now();
                    stack.reader().get(GROUPED).expect(503);
                    let took = began.elapsed();
                    assert!(took < 2 * WAIT, "{took:?} while {traffic:?}");
                });
            }
        });
        stack.proxy(Pair::ReadPostgres).set(Traffic::Flowing);
        let back = eventually("the store is back", Duration::from_secs(10), || {
            stack.reader().get(GROUPED).status == 200
        });
        assert!(back < 2 * WAIT, "{back:?} after {traffic:?}");
    }
}
