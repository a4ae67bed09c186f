//! A worker stands still when it is about to trim the log; meanwhile Postgres goes back in time.
//!
//! What it wakes to trim was committed for as long as the log is kept, so a backup younger than that holds it. What was
//! committed later is in the log still, and applied once more.

use crate::{Fault, Ledger, Load, Promise, Trial, Verdict};
use anyhow::ensure;
use backdrop_testing::{Proxy, Service, Stack, StackOptions, Traffic, sqlx};
use std::time::Duration;

/// Postgres is restored while a worker stands still before it trims.
pub(crate) const STOPPED_BEFORE_TRIMMING: Fault =
    Fault { name: "worker-stopped-before-trimming", promise: Promise::NothingLost, run: stopped };

/// For how long the log is kept, and how often it is looked at.
const KEEP: Duration = Duration::from_secs(2);
/// How often it is tried at most, for each time that it is to happen.
const TRIES_MAX: usize = 10;
/// How long it may take until what was lost is there again: some looks at the log.
const APPLIED_WITHIN: Duration = Duration::from_secs(20);
/// What Postgres holds of what was sent.
const TABLES: [&str; 8] = [
    "ingest_partition",
    "ingest_epoch",
    "ingest_gap",
    "data_set_state",
    "record",
    "record_deletion",
    "rejected_batch",
    "batch",
];

fn stopped(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let environment = vec![("BACKDROP_LOG_KEEP".into(), KEEP.as_secs().to_string())];
    let mut stack = trial.stack(StackOptions { environment, ..StackOptions::default() })?;
    let proxy = Proxy::start(stack.redis_address())?;
    let url = stack.redis_url_at(proxy.address());
    let worker = stack.spawn(Service::Worker, &[], &[("REDIS_URL".into(), url)])?;
    stack.workers.push(worker);
    let ledger = trial.ledger(&stack, 1);
    let (wanted, mut met) = (trial.times(1, 8), 0);
    // If the log is looked at too soon, nothing was applied since the backup that could be lost: once more.
    for _ in 0..wanted * TRIES_MAX {
        if met < wanted && go_back_before_trimming(trial, &mut stack, &ledger, &proxy)? > 0 {
            trial.injected();
            met += 1;
        }
    }
    ensure!(met == wanted, "Postgres lost something by going back only {met} times of {wanted}");
    Ok(trial.judge(&stack, &ledger))
}

/// Restores Postgres while the worker is about to trim; gives how many batches that took back.
fn go_back_before_trimming(
    trial: &mut Trial,
    stack: &mut Stack,
    ledger: &Ledger,
    proxy: &Proxy,
) -> anyhow::Result<i64> {
    send(trial, stack, ledger, || false)?;
    // The log is looked at meanwhile: this much is trimmed when it is looked at next.
    std::thread::sleep(KEEP);
    proxy.stall_at("XTRIM");
    back_up(trial, stack)?;
    send(trial, stack, ledger, || proxy.is_stalled())?;
    trial.until("the worker is about to trim", APPLIED_WITHIN, || Ok(proxy.is_stalled()))?;
    stack.workers[0].freeze();
    let applied = batches(trial, stack)?;
    restore(trial, stack)?;
    let lost = applied - batches(trial, stack)?;
    let is_taken_over = trial.moments.below(2) == 0;
    if is_taken_over {
        stack.add_worker()?;
        trial.recovered(stack)?;
    }
    proxy.set(Traffic::Flowing);
    stack.workers[0].thaw();
    // Nobody writes: the worker finds out by itself.
    trial.until("what was lost is applied once more", APPLIED_WITHIN, || {
        Ok(batches(trial, stack)? >= applied)
    })?;
    if is_taken_over {
        let status = stack.workers.remove(1).terminate()?;
        ensure!(status.success(), "the worker that took over ended with {status}");
    }
    trial.recovered(stack)?;
    Ok(lost)
}

/// Queues some writes, and waits until they are applied, or until that is not to be waited for.
fn send(trial: &Trial, stack: &Stack, ledger: &Ledger, is_in_vain: impl Fn() -> bool) -> anyhow::Result<()> {
    trial.send(stack, ledger, Load::queued(10));
    let sent = i64::try_from(ledger.acknowledged())?;
    trial.until("all is applied", APPLIED_WITHIN, || Ok(is_in_vain() || batches(trial, stack)? >= sent))
}

fn back_up(trial: &Trial, stack: &Stack) -> anyhow::Result<()> {
    let copies = TABLES.map(|table| {
        format!("DROP TABLE IF EXISTS kept_{table}; CREATE TABLE kept_{table} AS SELECT * FROM {table};")
    });
    run(trial, stack, copies.concat())
}

fn restore(trial: &Trial, stack: &Stack) -> anyhow::Result<()> {
    let tables = TABLES.join(", ");
    let copies = TABLES
        .map(|table| format!("INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM kept_{table};"));
    run(trial, stack, format!("TRUNCATE {tables}; {}", copies.concat()))
}

fn run(trial: &Trial, stack: &Stack, sql: String) -> anyhow::Result<()> {
    trial.block_on(sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&stack.pool))?;
    Ok(())
}

fn batches(trial: &Trial, stack: &Stack) -> anyhow::Result<i64> {
    let sql = "SELECT count(*) FROM batch WHERE request_id LIKE 'ledger-%'";
    Ok(trial.block_on(sqlx::query_scalar(sql).fetch_one(&stack.pool))?)
}
