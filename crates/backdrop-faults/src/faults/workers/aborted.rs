//! An entry ends the process of every worker that works on it.
//!
//! The worker may hold so little memory that small batches pass, and one with 30,000 records makes an allocation fail,
//! which aborts a Rust program. Somebody restarts it each time, as a supervisor does.

use crate::{Fault, Load, Promise, Trial, Verdict};
use anyhow::{Context, ensure};
use backdrop_testing::{Client, Service, Stack, StackOptions, redis, sqlx};
use serde_json::json;
use std::time::Duration;

/// A batch that is too much for the worker, amid batches that are not.
pub(crate) const ABORTED_BY_ENTRY: Fault =
    Fault { name: "worker-aborted-by-entry", promise: Promise::NothingLost, run: aborted };

/// What the worker may allocate, in bytes: enough for what the load sends, and to read the batch, but not to decide it.
const MEMORY: u64 = 64 * 1024 * 1024;
/// Nearly what a request may hold, 10 MiB: 30,000 records of 300 bytes and more.
const RECORDS: usize = 30_000;
const RECORD_TEXT_BYTES: usize = 280;
/// Small batches that wait in front of it, so that the worker takes it together with those that are not to blame.
const BATCHES_BEFORE: usize = 20;
/// How long it may take until the entry is set aside: some deaths, and starting anew after each.
const ENDED_WITHIN: Duration = Duration::from_secs(60);
/// How many deaths are promised at most: five that are counted, and before them one that is not. Who waits for an entry
/// reads it before it counts.
const DEATHS_MAX: usize = 6;

fn aborted(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut stack = trial.stack(StackOptions::default())?;
    let limit = ["prlimit".into(), format!("--data={MEMORY}"), "--".into()];
    // To look up where it was takes it longer than all else.
    let no_backtrace = ("RUST_BACKTRACE".into(), "0".into());
    let poor = stack.spawn(Service::Worker, &limit, &[no_backtrace])?;
    stack.workers.push(poor);
    stack.create_data_set("poisoned", "poisoned");
    let ledger = trial.ledger(&stack, 4);
    let rounds = trial.times(1, 5);
    trial.under_load(&mut stack, &ledger, Load::default(), |trial, stack| {
        for round in 0..rounds {
            trial.until_acknowledged(&ledger, 10)?;
            stack.workers[0].freeze();
            let (poison, next) = send(&stack.writer(), round)?;
            stack.workers[0].thaw();
            trial.injected();
            let deaths = supervise(trial, stack, &poison)?;
            ensure!((1..=DEATHS_MAX).contains(&deaths), "set aside after {deaths} deaths");
            trial.recovered(stack)?;
            let writer = poisoned(&stack.writer());
            trial.until("what came after it is stored", ENDED_WITHIN, || {
                Ok(state_of(&writer, &next).as_deref() == Some("stored"))
            })?;
        }
        Ok(())
    })?;
    replay(trial, &mut stack, rounds)?;
    pass_garbage(trial, &stack)?;
    Ok(trial.judge(&stack, &ledger))
}

fn poisoned(writer: &Client) -> Client {
    writer.with_token("token-for-poisoned").with_header("Prefer", "respond-async")
}

/// Sends the batch amid small ones; gives where the receipts of it and of the one after it are.
fn send(writer: &Client, round: usize) -> anyhow::Result<(String, String)> {
    let writer = poisoned(writer);
    let text = "x".repeat(RECORD_TEXT_BYTES);
    let record = |index| json!({"_id": format!("{round}-{index}"), "text": text});
    let records: Vec<_> = (0..RECORDS).map(record).collect();
    let receipt = |body| {
        let answer = writer.post("/data/poisoned/poisoned", &body);
        answer.header("location").map(str::to_owned).with_context(|| answer.text.clone())
    };
    for index in 0..BATCHES_BEFORE {
        receipt(json!({"_id": format!("{round}-before-{index}")}))?;
    }
    Ok((receipt(records.into())?, receipt(json!({"_id": format!("{round}-next")}))?))
}

/// Starts the worker again whenever it has ended, until the batch is dead; gives how often it died.
fn supervise(trial: &Trial, stack: &mut Stack, receipt: &str) -> anyhow::Result<usize> {
    let writer = poisoned(&stack.writer());
    let mut deaths = 0;
    trial.until("the batch is set aside", ENDED_WITHIN, || {
        if let Some(status) = stack.workers[0].ended() {
            ensure!(!status.success(), "the worker stopped by itself: {}", stack.workers[0].log());
            deaths += 1;
            stack.workers[0].restart()?;
        }
        let state = state_of(&writer, receipt);
        ensure!(state.as_deref() != Some("stored"), "the batch was stored, so it was not too much");
        Ok(state.as_deref() == Some("dead"))
    })?;
    Ok(deaths)
}

/// Only the batches that were too much were set aside, and they are stored once a worker has the memory for them.
fn replay(trial: &Trial, stack: &mut Stack, rounds: usize) -> anyhow::Result<()> {
    stack.workers.remove(0).terminate()?;
    stack.add_worker()?;
    let writer = stack.writer().with_token("token-for-poisoned").with_header("Prefer", "wait=60");
    let listed = writer.get("/data/poisoned/poisoned/rejected").json();
    let dead = listed["rejected"].as_array().context("a list")?;
    ensure!(dead.len() == rounds, "{rounds} batches were too much, {} are kept: {listed}", dead.len());
    for batch in dead {
        ensure!(batch["errors"][0]["code"] == "dead_letter", "{batch}");
        let path = format!("/data/poisoned/poisoned/rejected/{}/replay", batch["id"].as_str().unwrap_or("?"));
        let answer = writer.post(&path, &json!(null));
        ensure!(answer.status == 200, "not replayed: {} {}", answer.status, answer.text);
    }
    let sql = "SELECT count(*) FROM record r JOIN data_set d ON d.id = r.data_set_id WHERE d.data_group = 'poisoned'";
    let stored: i64 = trial.block_on(sqlx::query_scalar(sql).fetch_one(&stack.pool))?;
    let sent = rounds * (BATCHES_BEFORE + RECORDS + 1);
    ensure!(usize::try_from(stored)? == sent, "{stored} records are there, not {sent}");
    Ok(())
}

/// What is no batch at all is set aside, too, and stops nobody.
fn pass_garbage(trial: &mut Trial, stack: &Stack) -> anyhow::Result<()> {
    let mut redis = stack.redis_connection()?;
    let logs: Vec<String> = redis::cmd("KEYS").arg("backdrop:*:log").query(&mut redis)?;
    for log in &logs {
        let opened: Option<String> =
            redis::cmd("HGET").arg(log.replace(":log", ":epoch")).arg("epoch").query(&mut redis)?;
        let id = format!("{}-*", opened.context("a log that holds entries has an epoch")?);
        redis::cmd("XADD")
            .arg(log)
            .arg(id)
            .arg(&["envelope", "garbage", "records", "[]"])
            .exec(&mut redis)?;
    }
    trial.recovered(stack)?;
    let sql = "SELECT count(*) FROM batch WHERE outcome = 'dead' AND data_set_id = 0";
    trial.until("garbage is set aside", ENDED_WITHIN, || {
        let dead: i64 = trial.block_on(sqlx::query_scalar(sql).fetch_one(&stack.pool))?;
        Ok(usize::try_from(dead)? == logs.len())
    })
}

fn state_of(writer: &Client, receipt: &str) -> Option<String> {
    let answer = writer.send("GET", receipt, Vec::new()).ok()?;
    (answer.status == 200).then(|| answer.json()["state"].as_str().map(str::to_owned)).flatten()
}
