//! Redis is away, and comes back with all it had.

use super::{is_refused_for, probe, prober, until_applied};
use crate::{Fault, Ledger, Load, Promise, Trial, Verdict};
use anyhow::{Context, ensure};
use backdrop_testing::{Answer, Stack, StackOptions, sqlx};
use std::time::{Duration, Instant};

/// `kill -9` of Redis, which starts again with its append-only file.
pub(in crate::faults) const KILLED: Fault =
    Fault { name: "redis-killed", promise: Promise::NothingLost, run: killed };
/// Redis is away for some seconds.
pub(in crate::faults) const STOPPED: Fault =
    Fault { name: "redis-stopped", promise: Promise::NothingLost, run: stopped };
/// Redis hangs for some seconds.
pub(in crate::faults) const FROZEN: Fault =
    Fault { name: "redis-frozen", promise: Promise::NothingLost, run: frozen };

/// How long a write may take to be refused while Redis is away.
const REFUSED_WITHIN: Duration = Duration::from_secs(2);
/// How long a read may take meanwhile: as ever, on a machine that does much else.
const READ_WITHIN: Duration = Duration::from_secs(2);
/// How long a write that does not wait for its outcome may take while Redis hangs: five seconds of repetitions
/// and the last answer's two, on a machine that does much else.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);
/// How many write at once to a Redis that hangs: if they stood in a queue, each behind a timeout, it would show.
const AT_ONCE: usize = 40;

fn killed(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut stack = trial.stack(StackOptions { workers: 1, ..StackOptions::default() })?;
    let ledger = trial.ledger(&stack, 2);
    trial.under_load(&mut stack, &ledger, Load::default(), |trial, stack| {
        for round in 0..trial.times(2, 20) {
            trial.until_acknowledged(&ledger, 20)?;
            std::thread::sleep(trial.moments.within_ms(100));
            kill(trial, stack)?;
            if !round.is_multiple_of(2) {
                // Once more, while everybody looks around.
                std::thread::sleep(trial.moments.within_ms(100));
                kill(trial, stack)?;
            }
            trial.recovered(stack)?;
        }
        Ok(())
    })?;
    for _ in 0..trial.times(1, 10) {
        kill_at_work(trial, &mut stack, &ledger)?;
    }
    let epochs: i64 = trial
        .block_on(sqlx::query_scalar("SELECT count(DISTINCT epoch) FROM batch").fetch_one(&stack.pool))?;
    ensure!(epochs >= 4, "each life of the server has epochs of its own, but there are {epochs}");
    Ok(trial.judge(&stack, &ledger))
}

fn kill(trial: &mut Trial, stack: &mut Stack) -> anyhow::Result<()> {
    stack.redis.kill()?;
    trial.injected();
    std::thread::sleep(trial.moments.within_ms(400));
    stack.redis.restart()
}

/// Kills Redis while the worker works off a backlog.
fn kill_at_work(trial: &mut Trial, stack: &mut Stack, ledger: &Ledger) -> anyhow::Result<()> {
    let applied = |trial: &Trial, stack: &Stack| -> anyhow::Result<i64> {
        let counted = sqlx::query_scalar("SELECT count(*) FROM batch").fetch_one(&stack.pool);
        Ok(trial.block_on(counted)?)
    };
    stack.workers[0].freeze();
    trial.send(stack, ledger, Load::queued(120));
    let before = applied(trial, stack)?;
    stack.workers[0].thaw();
    trial.until("the worker is at work", REFUSED_WITHIN * 5, || Ok(applied(trial, stack)? > before))?;
    kill(trial, stack)?;
    trial.recovered(stack).map(drop)
}

fn stopped(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut stack = trial.stack(StackOptions { workers: 1, ..StackOptions::default() })?;
    let ledger = trial.ledger(&stack, 2);
    let mut slowest = Duration::ZERO;
    trial.under_load(&mut stack, &ledger, Load::default(), |trial, stack| {
        for _ in 0..trial.times(1, 8) {
            trial.until_acknowledged(&ledger, 20)?;
            stack.redis.stop()?;
            trial.injected();
            let away = Duration::from_secs(2) + trial.moments.within_ms(1_000);
            slowest = slowest.max(is_refused_for(stack, away)?);
            stack.redis.restart()?;
            trial.recovered(stack)?;
        }
        Ok(())
    })?;
    let verdict = trial.judge(&stack, &ledger);
    slowest = slowest.max(verdict.slowest_refusal);
    eprintln!("  slowest refusal {slowest:?}, slowest read {:?}", verdict.slowest_read);
    // Not that clients were refused: all of them may wait for the outcome of what they sent just before.
    ensure!(verdict.reads > 0, "nothing was read meanwhile");
    ensure!(slowest < REFUSED_WITHIN, "a write was refused only after {slowest:?}");
    ensure!(verdict.reads_refused == 0, "{} reads were refused", verdict.reads_refused);
    ensure!(verdict.slowest_read < READ_WITHIN, "a read took {:?}", verdict.slowest_read);
    Ok(verdict)
}

fn frozen(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut stack = trial.stack(StackOptions { workers: 1, ..StackOptions::default() })?;
    let ledger = trial.ledger(&stack, 2);
    trial.under_load(&mut stack, &ledger, Load::default(), |trial, stack| {
        for round in 0..trial.times(1, 5) {
            trial.until_acknowledged(&ledger, 20)?;
            // The service knows the epoch of its partition, so that appends are really sent.
            probe(&prober(stack), "known")?;
            stack.freeze_redis();
            trial.injected();
            // Some meet it hanging all the time, the others see it wake.
            let answers = if round.is_multiple_of(2) { write_at_once(stack, round) } else { Ok(Vec::new()) };
            std::thread::sleep(trial.moments.within_ms(3_000));
            stack.thaw_redis();
            trial.recovered(stack)?;
            until_applied(trial, stack)?;
            receipts_tell(trial, stack, round, answers?)?;
        }
        Ok(())
    })?;
    let verdict = trial.judge(&stack, &ledger);
    eprintln!("  slowest write {:?}, slowest read {:?}", verdict.slowest_write, verdict.slowest_read);
    ensure!(verdict.reads_refused == 0, "{} reads were refused", verdict.reads_refused);
    Ok(verdict)
}

/// Writes much at once, none of which waits for its outcome: each is answered within its deadline.
fn write_at_once(stack: &Stack, round: usize) -> anyhow::Result<Vec<Answer>> {
    let prober = prober(stack).with_header("Prefer", "respond-async");
    std::thread::scope(|scope| {
        let write = |index: usize| {
            let prober = &prober;
            scope.spawn(move || {
                let began = Instant::now();
                let answer = probe(prober, &hung_id(round, index))?;
                let took = began.elapsed();
                ensure!(took < ANSWERED_WITHIN, "a write was answered {} after {took:?}", answer.status);
                ensure!(matches!(answer.status, 503 | 504), "answered {}: {}", answer.status, answer.text);
                Ok(answer)
            })
        };
        let writes: Vec<_> = (0..AT_ONCE).map(write).collect();
        writes.into_iter().map(|write| write.join().expect("a client does not panic")).collect()
    })
}

fn hung_id(round: usize, index: usize) -> String {
    format!("hung-{round}-{index}")
}

/// What was answered with 504 is what its receipt says; what was answered with 503 is not there.
fn receipts_tell(trial: &Trial, stack: &Stack, round: usize, answers: Vec<Answer>) -> anyhow::Result<()> {
    let mut stored = 0;
    let unknown = answers.iter().filter(|answer| answer.status == 504).count();
    ensure!(answers.is_empty() || unknown > 0, "no append was sent, so nothing was tested");
    for (index, answer) in answers.into_iter().enumerate() {
        let found =
            sqlx::query_scalar("SELECT count(*) FROM record WHERE id = $1").bind(hung_id(round, index));
        let found: i64 = trial.block_on(found.fetch_one(&stack.pool))?;
        let is_stored = found == 1;
        stored += usize::from(is_stored);
        if answer.status == 503 {
            ensure!(!is_stored, "a write that was refused is stored");
            continue;
        }
        let path = answer.text.find("/receipts/").map(|at| &answer.text[at..]).context("a receipt")?;
        let path = path.split('"').next().unwrap_or(path);
        let receipt = prober(stack).send("GET", path, Vec::new())?;
        let says_stored = receipt.status == 200 && receipt.json()["state"] == "stored";
        ensure!(says_stored == is_stored, "stored: {is_stored}, but the receipt says {}", receipt.text);
    }
    eprintln!("  of {unknown} writes answered with 504 it took in {stored}");
    Ok(())
}
