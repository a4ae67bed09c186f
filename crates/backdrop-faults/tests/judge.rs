//! The judge condemns: behind services that are well, one thing after the other is made wrong, and each must be found.

use backdrop_faults::{Ledger, Load, Promise, Verdict};
use backdrop_testing::sqlx::{self, AssertSqlSafe};
use backdrop_testing::{Client, Reply, Stack, scripted};
use serde_json::{Value, json};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// What the judge compares, to be put back after each sabotage.
const TABLES: [&str; 3] = ["record", "batch", "data_set_state"];

/// A thing made wrong, and the column that must count it.
struct Sabotage {
    what: &'static str,
    sql: &'static str,
    column: fn(&Verdict) -> usize,
}

/// Batch 1 is answered with 200, batch 6 with a receipt; both store records, and nothing changes these.
const SABOTAGES: [Sabotage; 11] = [
    Sabotage { what: "a record is gone", sql: "DELETE FROM record WHERE id = '1-2'", column: |v| v.lost },
    Sabotage {
        what: "a batch and its records are gone",
        sql: "DELETE FROM batch WHERE request_id = 'ledger-1'; DELETE FROM record WHERE id LIKE '1-%'",
        column: |v| v.lost,
    },
    Sabotage {
        what: "a batch was rejected after all",
        sql: "UPDATE batch SET outcome = 'rejected' WHERE request_id = 'ledger-1'",
        column: |v| v.lost,
    },
    Sabotage {
        what: "a receipt says lost, but there is no gap",
        sql: "DELETE FROM batch WHERE request_id = 'ledger-6'; DELETE FROM record WHERE id LIKE '6-%'",
        column: |v| v.reported_lost,
    },
    Sabotage {
        what: "a record that nobody sent",
        sql: "CREATE TEMPORARY TABLE more AS SELECT * FROM record WHERE id = '1-2';
              UPDATE more SET id = 'nobody', seq = 100000; INSERT INTO record SELECT * FROM more; DROP TABLE more",
        column: |v| v.duplicated,
    },
    Sabotage {
        what: "a second row for a request",
        sql: "CREATE TEMPORARY TABLE more AS SELECT * FROM batch WHERE request_id = 'ledger-1';
              UPDATE more SET batch_id = gen_random_uuid(), n = n + 1000;
              INSERT INTO batch SELECT * FROM more; DROP TABLE more",
        column: |v| v.duplicated,
    },
    Sabotage {
        what: "an older batch has won",
        sql: "UPDATE record SET body = jsonb_set(body, '{batch}', '1') WHERE id = 'shared'",
        column: |v| v.out_of_order,
    },
    Sabotage {
        what: "a record stands elsewhere in the order of changes",
        sql: "UPDATE record SET seq = seq + 100000 WHERE id = '1-1'",
        column: |v| v.out_of_order,
    },
    Sabotage {
        what: "two batches of one client have changed places",
        sql: "UPDATE batch b SET n = (SELECT sum(n) FROM batch WHERE request_id IN ('ledger-1', 'ledger-7')) - b.n
              WHERE request_id IN ('ledger-1', 'ledger-7')",
        column: |v| v.out_of_order,
    },
    Sabotage {
        what: "the version is too high",
        sql: "UPDATE data_set_state SET version = version + 1",
        column: |v| v.findings.len(),
    },
    Sabotage {
        what: "the version is too low",
        sql: "UPDATE data_set_state SET version = version - 1",
        column: |v| v.findings.len(),
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn each_sabotage_is_found() {
    let mut stack = Stack::start().await.expect("a stack");
    let ledger = Ledger::open(&stack, 2);
    let load = Load { async_every: 3, ..Load::one_by_one(24) };
    tokio::task::block_in_place(|| {
        ledger.send(&stack.writer(), &stack.reader(), load, &AtomicBool::new(false));
    });
    let fair = ledger.judge(&stack).await;
    assert_eq!(Promise::NothingLost.broken_by(&fair), Vec::<String>::new(), "{fair:?}");
    assert_eq!((fair.acknowledged, fair.refused, fair.unanswered), (24, 0, 0), "{fair:?}");

    // Nobody mends what is made wrong.
    stack.workers[0].terminate().expect("it stops");
    for table in TABLES {
        run(&stack, &format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}")).await;
    }
    for Sabotage { what, sql, column } in SABOTAGES {
        run(&stack, sql).await;
        let verdict = ledger.judge(&stack).await;
        assert!(column(&verdict) > column(&fair), "{what}: {verdict:?}");
        for promise in [Promise::NothingLost, Promise::LossesReported] {
            assert!(!promise.broken_by(&verdict).is_empty(), "{what}: {promise:?} {verdict:?}");
        }
        for table in TABLES {
            let sql = format!("TRUNCATE {table}; INSERT INTO {table} SELECT * FROM kept_{table}");
            run(&stack, &sql).await;
        }
    }
    let mended = ledger.judge(&stack).await;
    assert!(Promise::NothingLost.broken_by(&mended).is_empty(), "what was made wrong was mended: {mended:?}");

    run(&stack, "INSERT INTO ingest_gap (partition, after_epoch, after_n, missing) VALUES (0, 1, 1, 1)")
        .await;
    let verdict = ledger.judge(&stack).await;
    assert_eq!((verdict.gaps, verdict.gap_entries), (1, 1));
    assert!(!Promise::NothingLost.broken_by(&verdict).is_empty(), "a gap: {verdict:?}");
    assert!(Promise::LossesReported.broken_by(&verdict).is_empty(), "it may be: {verdict:?}");
    run(&stack, "DELETE FROM ingest_gap").await;

    let mut left_open = stack.pool.begin().await.expect("a transaction");
    sqlx::query("SELECT 1").execute(&mut *left_open).await.expect("a session that waits in it");
    let verdict = ledger.judge(&stack).await;
    assert_eq!(Promise::NothingLost.broken_by(&verdict), ["1 transactions left open"]);
    left_open.rollback().await.expect("ended");

    lies_are_found(&stack, &ledger).await;
}

/// Services that answer what is not so.
async fn lies_are_found(stack: &Stack, ledger: &Ledger) {
    let receipt = json!({"id": "01234567-89ab-7def-8123-456789abcdef.1.0.999-5"});
    let retry = "retry-after: 1\r\n".to_owned();
    let writes = [
        (500, String::new(), Value::Null),
        (200, String::new(), Value::Null),
        (202, String::new(), receipt),
        (503, String::new(), Value::Null),
        (503, retry, Value::Null),
        (504, String::new(), Value::Null),
    ];
    let sent = writes.len();
    let writer = telling(writes.map(|(status, headers, body)| Reply::Answer(status, headers, body)).to_vec());
    let empty = || Reply::Answer(200, String::new(), json!({"data": []}));
    let reader = telling(vec![empty(), Reply::Answer(500, String::new(), Value::Null), empty()]);
    // So slowly that there is time for three reads.
    let load = Load { readers: 1, pause: Duration::from_millis(50), ..Load::one_by_one(sent) };
    tokio::task::block_in_place(|| ledger.send(&writer, &reader, load, &AtomicBool::new(false)));
    run(
        stack,
        "CREATE TEMPORARY TABLE more AS SELECT * FROM batch WHERE request_id = 'ledger-1';
         UPDATE more SET batch_id = gen_random_uuid(), n = n + 2000, request_id = 'ledger-28', outcome = 'dead';
         INSERT INTO batch SELECT * FROM more; DROP TABLE more",
    )
    .await;
    let verdict = ledger.judge_within(stack, Duration::from_secs(1)).await;
    let counts = (verdict.lost, verdict.undecided, verdict.refused_and_stored, verdict.stale_reads);
    assert_eq!(counts, (1, 1, 1, 2), "{verdict:?}");
    assert_eq!(
        verdict.faulty_answers, 3,
        "500 to a write and to a read, 503 without Retry-After: {verdict:?}"
    );
    assert_eq!((verdict.refused, verdict.unanswered), (1, 1), "{verdict:?}");
}

fn telling(replies: Vec<Reply>) -> Client {
    let (address, _requests) = scripted(replies);
    Client::new(address.trim_start_matches("http://").parse().expect("an address"))
}

async fn run(stack: &Stack, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&stack.pool).await.expect(sql);
}
