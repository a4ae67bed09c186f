//! Workers die, hang, compete and stop.

use super::{Moments, answered, assert_nothing_lost, send_while};
use backdrop_testing::{Ledger, Load, Stack, StackOptions, eventually, redis, sqlx};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn workers_killed_at_random_moments() {
    let mut moments = Moments::new();
    let mut stack = Stack::start().await.expect("a stack");
    let ledger = Ledger::open(&stack, "killed");
    let load = Load { pause: Duration::from_millis(10), ..Load::default() };
    let mut kills = 0;
    send_while(&ledger, &mut stack, load, |stack, ledger| {
        while ledger.answered() < load.batches {
            std::thread::sleep(moments.within_ms(400));
            stack.workers.remove(0).kill();
            stack.add_worker().expect("a worker");
            kills += 1;
        }
    });
    println!("{kills} kills");
    assert!(kills >= 3, "{kills}");
    assert_nothing_lost(ledger.judge(&stack).await, load.batches);
}

/// Makes the statement that moves the cursor wait, so that a worker can be frozen just before COMMIT.
async fn slow_down_cursor(stack: &Stack) {
    sqlx::raw_sql(
        "CREATE FUNCTION wait_a_little() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_sleep(0.4); RETURN NEW; END $$;
         CREATE TRIGGER wait_a_little BEFORE UPDATE OF cursor_n ON ingest_partition
             FOR EACH ROW EXECUTE FUNCTION wait_a_little();",
    )
    .execute(&stack.pool)
    .await
    .expect("a trigger");
}

async fn sessions(stack: &Stack, condition: &'static str) -> i64 {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'backdrop-worker' AND {condition}"
    );
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&stack.pool).await.expect("sessions")
}

async fn until_sessions(stack: &Stack, condition: &'static str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while sessions(stack, condition).await == 0 {
        assert!(Instant::now() < deadline, "no session with {condition}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_frozen_before_commit_changes_nothing_when_it_wakes() {
    let mut stack = Stack::start().await.expect("a stack");
    let ledger = Ledger::open(&stack, "frozen");
    let load = |batches| Load { batches, clients: 1, async_every: 0, ..Load::default() };
    tokio::task::block_in_place(|| ledger.send(&stack.writer(), load(3)));
    slow_down_cursor(&stack).await;

    let writer = stack.writer();
    let frozen_at = std::thread::scope(|scope| {
        let sending = scope.spawn(|| ledger.send(&writer, load(1)));
        let runtime = tokio::runtime::Handle::current();
        tokio::task::block_in_place(|| {
            runtime.block_on(until_sessions(
                &stack,
                "query LIKE 'UPDATE ingest_partition%' AND state = 'active'",
            ));
        });
        stack.workers[0].freeze();
        let frozen_at = Instant::now();
        stack.add_worker().expect("a second worker");
        sending.join().expect("the batch is answered");
        frozen_at
    });
    // The batch was answered, so the second worker has applied it.
    let took_over = frozen_at.elapsed();
    println!("taken over from a frozen worker after {took_over:?}");
    assert!(took_over < Duration::from_secs(8), "{took_over:?}");

    let version = "SELECT max(version) FROM data_set_state";
    let before: i64 = sqlx::query_scalar(version).fetch_one(&stack.pool).await.expect("a version");
    stack.workers[0].thaw();
    tokio::task::block_in_place(|| ledger.send(&writer, load(3)));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after: i64 = sqlx::query_scalar(version).fetch_one(&stack.pool).await.expect("a version");
    assert_eq!(after - before, 3 * 4, "only the three batches sent since");
    assert_nothing_lost(ledger.judge(&stack).await, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_worker_takes_over_from_a_killed_one() {
    let mut stack =
        Stack::start_with(StackOptions { workers: 2, ..StackOptions::default() }).await.expect("a stack");
    let ledger = Ledger::open(&stack, "takeover");
    let one = Load { batches: 1, clients: 1, async_every: 0, ..Load::default() };
    tokio::task::block_in_place(|| ledger.send(&stack.writer(), one));
    let mut longest = Duration::ZERO;
    for _ in 0..4 {
        // Whichever worker looks after the partition, it is one of the two.
        stack.workers.remove(0).kill();
        let began = Instant::now();
        tokio::task::block_in_place(|| ledger.send(&stack.writer(), one));
        longest = longest.max(began.elapsed());
        stack.add_worker().expect("a worker");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    println!("taken over from a killed worker after at most {longest:?}");
    assert!(longest < Duration::from_secs(2), "{longest:?}");
    assert_nothing_lost(ledger.judge(&stack).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_keep_one_order() {
    let mut stack =
        Stack::start_with(StackOptions { workers: 2, ..StackOptions::default() }).await.expect("a stack");
    let ledger = Ledger::open(&stack, "two");
    let load = Load { pause: Duration::from_millis(5), ..Load::default() };
    send_while(&ledger, &mut stack, load, |stack, ledger| {
        // Now one, now the other is frozen for a while, so that both believe to look after everything.
        let mut turn = 0;
        while ledger.answered() < load.batches {
            stack.workers[turn % 2].freeze();
            std::thread::sleep(Duration::from_millis(1_600));
            stack.workers[turn % 2].thaw();
            std::thread::sleep(Duration::from_millis(100));
            turn += 1;
        }
    });
    assert_nothing_lost(ledger.judge(&stack).await, load.batches);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_brings_workers_down_is_set_aside() {
    let mut stack = Stack::start().await.expect("a stack");
    let ledger = Ledger::open(&stack, "poison");
    tokio::task::block_in_place(|| ledger.send(&stack.writer(), Load { batches: 2, ..Load::default() }));
    stack.workers.remove(0).kill();
    let writer = stack.writer().with_token("token-for-poison").with_header("Prefer", "respond-async");
    let send = |id: &str| {
        let answer = writer.post("/data/ledger/poison", &serde_json::json!({"_id": id})).expect(202);
        answer.header("location").expect("a receipt").to_owned()
    };
    let ended = |receipt: &str| {
        let mut state = String::new();
        eventually("the batch ended", Duration::from_secs(20), || {
            state = writer.get(receipt).expect(200).json()["state"].as_str().expect("a state").to_owned();
            state != "queued"
        });
        state
    };
    // As the count stands after two processes have died over the entry: it is tried alone, and is fine.
    let attempts = |count: i32| {
        let sql = "UPDATE ingest_partition SET attempts = $1 WHERE cursor_epoch > 0 AND cursor_n >= 0";
        sqlx::query(sql).bind(count).execute(&stack.pool)
    };
    let innocent = send("innocent");
    assert_eq!(attempts(2).await.expect("counted").rows_affected(), 1);
    let mut worker = stack.spawn_worker().expect("a worker");
    assert_eq!(ended(&innocent), "stored");
    worker.kill();

    // As it stands after three more have died over it while it was alone.
    let poison = send("poison");
    let next = send("next");
    attempts(5).await.expect("counted");
    let _worker = stack.spawn_worker().expect("a worker");
    assert_eq!((ended(&poison).as_str(), ended(&next).as_str()), ("dead", "stored"));
    let kept = writer.get("/data/ledger/poison/rejected").expect(200).json();
    assert_eq!(kept["rejected"][0]["errors"][0]["code"], "dead_letter", "it is kept");
    // What is no batch at all is kept, too, and stops nobody.
    let mut redis = stack.redis_connection().expect("a connection");
    let key: String =
        redis::cmd("KEYS").arg("backdrop:*:log").query::<Vec<String>>(&mut redis).expect("keys").remove(0);
    redis::cmd("XADD")
        .arg(key)
        .arg("1-*")
        .arg(&["envelope", "garbage", "records", "[]"])
        .exec(&mut redis)
        .expect("added");
    assert_eq!(ended(&send("after garbage")), "rejected", "white space in an id");
    let dead: i64 =
        sqlx::query_scalar("SELECT count(*) FROM batch WHERE outcome = 'dead' AND data_set_id = 0")
            .fetch_one(&stack.pool)
            .await
            .expect("a count");
    assert_eq!(dead, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn services_stop_in_good_order() {
    let mut stack = Stack::start().await.expect("a stack");
    let ledger = Ledger::open(&stack, "stopped");
    let load = Load { pause: Duration::from_millis(10), ..Load::default() };
    send_while(&ledger, &mut stack, load, |stack, ledger| {
        for at in [40, 90, 140] {
            answered(ledger, at);
            let status = stack.workers.remove(0).terminate().expect("it stops");
            assert!(status.success(), "{status}");
            stack.add_worker().expect("a worker");
        }
    });
    assert_nothing_lost(ledger.judge(&stack).await, load.batches);
    for process in [&mut stack.write, &mut stack.read] {
        let status = process.terminate().expect("it stops");
        assert!(status.success(), "{status}");
    }
}
