//! The store dies, and goes back in time.

use super::{answered, assert_nothing_lost, send_while};
use backdrop_testing::{Ledger, Load, PostgresKind, Stack, StackOptions, sqlx};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_killed_and_started_again() {
    let options = StackOptions { postgres: PostgresKind::Own, workers: 1, ..StackOptions::default() };
    let mut stack = Stack::start_with(options).await.expect("a stack");
    let ledger = Ledger::open(&stack, "postgres");
    let load = Load { pause: Duration::from_millis(10), ..Load::default() };
    send_while(&ledger, &mut stack, load, |stack, ledger| {
        let server = stack.postgres.as_mut().expect("a Postgres of its own").server();
        for at in [30, 80] {
            answered(ledger, at);
            server.kill().expect("killed");
            std::thread::sleep(Duration::from_millis(500));
            server.restart().expect("started again");
        }
        answered(ledger, 130);
        server.stop_immediately().expect("stopped");
        server.restart().expect("started again");
    });
    let judgement = ledger.judge(&stack).await;
    assert_nothing_lost(judgement, load.batches);
    assert_eq!(judgement.not_acknowledged, 0, "the queue takes writes while Postgres is away");
    let attempts: i64 = sqlx::query_scalar("SELECT max(attempts)::bigint FROM ingest_partition")
        .fetch_one(&stack.pool)
        .await
        .expect("attempts");
    assert_eq!(attempts, 0, "no attempt is burned");
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_restored_from_before_what_the_queue_still_holds() {
    // Kept for only so long that the log is looked at every other second.
    let environment = vec![("BACKDROP_LOG_KEEP".into(), "2".into())];
    let options = StackOptions { workers: 1, environment, ..StackOptions::default() };
    let stack = Stack::start_with(options).await.expect("a stack");
    let ledger = Ledger::open(&stack, "backup");
    let one_by_one = |batches| Load { batches, clients: 1, async_every: 0, ..Load::default() };
    tokio::task::block_in_place(|| ledger.send(&stack.writer(), one_by_one(5)));
    sqlx::raw_sql(
        "CREATE TABLE backup_partition AS SELECT * FROM ingest_partition;
         CREATE TABLE backup_state AS SELECT * FROM data_set_state;
         CREATE TABLE backup_record AS SELECT * FROM record;
         CREATE TABLE backup_batch AS SELECT * FROM batch;",
    )
    .execute(&stack.pool)
    .await
    .expect("a backup");
    tokio::task::block_in_place(|| ledger.send(&stack.writer(), one_by_one(5)));
    sqlx::raw_sql(
        "BEGIN;
         TRUNCATE ingest_partition, ingest_epoch, data_set_state, record, batch;
         INSERT INTO ingest_partition SELECT * FROM backup_partition;
         INSERT INTO data_set_state SELECT * FROM backup_state;
         INSERT INTO record SELECT * FROM backup_record;
         INSERT INTO batch SELECT * FROM backup_batch;
         COMMIT;",
    )
    .execute(&stack.pool)
    .await
    .expect("restored");
    // Nobody writes: the worker finds out by itself, before it trims what is needed once more.
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_nothing_lost(ledger.judge(&stack).await, 10);
}
