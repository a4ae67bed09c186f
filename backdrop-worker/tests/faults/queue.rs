//! The queue dies, hangs, and loses its memory or its answers.

use super::{answered, assert_nothing_lost, pending, send_while};
use backdrop_testing::{
    Ledger, Load, Proxy, RedisOptions, Stack, Traffic, an_hour_back, eventually, redis, sqlx, tempfile,
};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_the_queue_are_lost() {
    let mut stack = Stack::start().await.expect("a stack");
    let proxy = Proxy::start(stack.redis_address()).expect("a proxy");
    let url = stack.redis_url_at(proxy.address());
    stack.restart_write(&[("REDIS_URL".into(), url)]).await.expect("the ingest service");
    let ledger = Ledger::open(&stack, "dropped");
    let load = Load { pause: Duration::from_millis(10), ..Load::default() };
    send_while(&ledger, &mut stack, load, |stack, ledger| {
        for at in [20, 60, 100] {
            answered(ledger, at);
            // While no outcome can be found either: who finds one need not repeat the append.
            stack.workers[0].freeze();
            // From an append on: of most requests a ping is lost, which shows before anything is appended.
            proxy.lose_answers_from("EVALSHA");
            std::thread::sleep(Duration::from_millis(300));
            proxy.set(Traffic::Flowing);
            // What was swallowed never comes; the connection is of no more use.
            proxy.cut();
            std::thread::sleep(Duration::from_millis(500));
            stack.workers[0].thaw();
        }
    });
    let repeated: i64 = sqlx::query_scalar("SELECT max(n) + 1 - count(*) FROM batch")
        .fetch_one(&stack.pool)
        .await
        .expect("a count");
    println!("{repeated} entries were repetitions");
    assert!(repeated > 0, "no append was repeated, so nothing was tested");
    let judgement = ledger.judge(&stack).await;
    assert_nothing_lost(judgement, load.batches);
    assert_eq!(judgement.not_acknowledged, 0, "every append was repeated until it was answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_killed_and_started_again() {
    let mut stack = Stack::start().await.expect("a stack");
    let ledger = Ledger::open(&stack, "restarted");
    let load = Load { pause: Duration::from_millis(10), ..Load::default() };
    send_while(&ledger, &mut stack, load, |stack, ledger| {
        for at in [30, 70, 110] {
            answered(ledger, at);
            stack.redis.kill().expect("killed");
            std::thread::sleep(Duration::from_millis(200));
            stack.redis.restart().expect("started again");
        }
    });
    let epochs: i64 = sqlx::query_scalar("SELECT count(DISTINCT epoch) FROM batch")
        .fetch_one(&stack.pool)
        .await
        .expect("a count");
    assert!(epochs >= 3, "each life of the server has an epoch of its own, but there are {epochs}");
    assert_nothing_lost(ledger.judge(&stack).await, load.batches);
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_flushed() {
    let mut stack = Stack::start().await.expect("a stack");
    let ledger = Ledger::open(&stack, "flushed");
    let all_async = |batches| Load { batches, async_every: 1, ..Load::default() };
    tokio::task::block_in_place(|| ledger.send(&stack.writer(), all_async(20)));
    eventually("all is applied", Duration::from_secs(10), || pending(&stack) == 0);

    // With no worker, batches wait; then all memory is gone.
    stack.workers[0].kill();
    tokio::task::block_in_place(|| ledger.send(&stack.writer(), all_async(10)));
    let mut redis = stack.redis_connection().expect("a connection");
    redis::cmd("FLUSHALL").exec(&mut redis).expect("flushed");
    tokio::task::block_in_place(|| ledger.send(&stack.writer(), all_async(20)));
    stack.add_worker().expect("a worker");

    let judgement = ledger.judge(&stack).await;
    println!("{judgement:?}");
    assert_eq!(judgement.acknowledged, 50);
    assert_eq!((judgement.reported_lost, judgement.gap_entries), (10, 10), "{judgement:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn losses_are_noticed_without_further_writes() {
    let mut stack = Stack::start().await.expect("a stack");
    let ledger = Ledger::open(&stack, "noticed");
    let all_async = |batches| Load { batches, async_every: 1, ..Load::default() };
    tokio::task::block_in_place(|| ledger.send(&stack.writer(), all_async(5)));
    eventually("all is applied", Duration::from_secs(10), || pending(&stack) == 0);
    stack.workers[0].kill();
    tokio::task::block_in_place(|| ledger.send(&stack.writer(), all_async(5)));
    let mut redis = stack.redis_connection().expect("a connection");
    redis::cmd("FLUSHALL").exec(&mut redis).expect("flushed");
    stack.add_worker().expect("a worker");
    // Nobody writes any more: the worker finds out by itself. How many are missing only the writer
    // knows, and it has not been asked for anything since.
    let judgement = ledger.judge(&stack).await;
    assert_eq!((judgement.reported_lost, judgement.gaps), (5, 1), "{judgement:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_restored_from_an_older_copy_with_its_clock_an_hour_back() {
    let mut stack = Stack::start().await.expect("a stack");
    let ledger = Ledger::open(&stack, "restored");
    let all_async = |batches| Load { batches, async_every: 1, ..Load::default() };
    tokio::task::block_in_place(|| ledger.send(&stack.writer(), all_async(30)));
    eventually("all is applied", Duration::from_secs(10), || pending(&stack) == 0);

    let copy = tempfile::tempdir().expect("a folder");
    stack.redis.stop().expect("stopped");
    copy_folder(&stack.redis.data_directory(), copy.path());
    stack.redis.restart().expect("started again");
    // Of these, which the copy lacks, 30 are applied and 10 are not when Redis goes back.
    tokio::task::block_in_place(|| ledger.send(&stack.writer(), all_async(30)));
    eventually("all is applied", Duration::from_secs(10), || pending(&stack) == 0);
    stack.workers[0].kill();
    tokio::task::block_in_place(|| ledger.send(&stack.writer(), all_async(10)));
    stack.redis.kill().expect("killed");
    std::fs::remove_dir_all(stack.redis.data_directory()).expect("removed");
    copy_folder(copy.path(), &stack.redis.data_directory());
    let prefix = an_hour_back(copy.path()).expect("a clock");
    let options = RedisOptions { prefix, ..RedisOptions::default() };
    stack.redis.restart_with(options).expect("started with an older copy and an older clock");
    tokio::task::block_in_place(|| ledger.send(&stack.writer(), all_async(30)));
    stack.add_worker().expect("a worker");

    let judgement = ledger.judge(&stack).await;
    println!("{judgement:?}");
    assert_eq!(judgement.acknowledged + judgement.not_acknowledged, 100);
    assert_eq!((judgement.reported_lost, judgement.gap_entries), (10, 10), "{judgement:?}");
    let clock_went_back: bool = sqlx::query_scalar(
        "SELECT max(accepted_at) FILTER (WHERE epoch = e.newest) < min(applied_at) - interval '50 minutes'
         FROM batch, (SELECT max(epoch) AS newest FROM batch) e WHERE epoch = e.newest GROUP BY e.newest",
    )
    .fetch_one(&stack.pool)
    .await
    .expect("times");
    assert!(clock_went_back, "the clock of Redis did not go back, so nothing was tested");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_removed_behind_our_back_leaves_a_gap() {
    let mut stack = Stack::start().await.expect("a stack");
    let ledger = Ledger::open(&stack, "removed");
    let all_async = |batches| Load { batches, async_every: 1, ..Load::default() };
    tokio::task::block_in_place(|| ledger.send(&stack.writer(), all_async(10)));
    eventually("all is applied", Duration::from_secs(10), || pending(&stack) == 0);
    stack.workers[0].kill();
    tokio::task::block_in_place(|| ledger.send(&stack.writer(), all_async(5)));
    let mut redis = stack.redis_connection().expect("a connection");
    let logs: Vec<String> = redis::cmd("KEYS").arg("backdrop:*:log").query(&mut redis).expect("keys");
    redis::cmd("DEL").arg(logs).exec(&mut redis).expect("removed");
    stack.add_worker().expect("a worker");
    let judgement = ledger.judge(&stack).await;
    assert_eq!((judgement.reported_lost, judgement.gap_entries), (5, 5), "{judgement:?}");
    // And goes on after what it held.
    tokio::task::block_in_place(|| ledger.send(&stack.writer(), all_async(10)));
    let judgement = ledger.judge(&stack).await;
    assert_eq!((judgement.acknowledged, judgement.reported_lost), (25, 5), "{judgement:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_holds_nobody_up_for_long() {
    let stack = Stack::start().await.expect("a stack");
    let ledger = Ledger::open(&stack, "hanging");
    let load = |batches, clients| Load { batches, clients, async_every: 1, ..Load::default() };
    tokio::task::block_in_place(|| ledger.send(&stack.writer(), load(10, 2)));
    stack.freeze_redis();
    let began = Instant::now();
    tokio::task::block_in_place(|| ledger.send(&stack.writer(), load(40, 40)));
    let took = began.elapsed();
    stack.thaw_redis();
    println!("40 writes at once were answered within {took:?}");
    // What was sent to it is done only now, though nobody was told: judged is what is there afterwards.
    eventually("all is applied", Duration::from_secs(10), || pending(&stack) == 0);
    assert!(took < Duration::from_secs(12), "{took:?}");
    let judgement = ledger.judge(&stack).await;
    println!("{judgement:?}");
    assert_eq!((judgement.reported_lost, judgement.gaps), (0, 0));
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    let copied = std::process::Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status();
    assert!(copied.expect("cp").success());
}
