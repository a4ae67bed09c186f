//! Postgres dies, is away, hangs, or is slow. Writes are queued all the same.

use crate::{Fault, Load, Promise, Trial, Verdict};
use anyhow::ensure;
use backdrop_testing::sqlx;
use backdrop_testing::{Connections, Pair, PostgresKind, Stack, StackOptions};
use std::time::{Duration, Instant};

/// `kill -9` of the whole server, and an immediate stop.
pub(super) const KILLED: Fault =
    Fault { name: "postgres-killed", promise: Promise::NothingLost, run: killed };
/// It is away for some seconds.
pub(super) const STOPPED: Fault =
    Fault { name: "postgres-stopped", promise: Promise::NothingLost, run: stopped };
/// It hangs for some seconds.
pub(super) const FROZEN: Fault =
    Fault { name: "postgres-frozen", promise: Promise::NothingLost, run: frozen };
/// Every statement takes much longer.
pub(super) const SLOW: Fault = Fault { name: "postgres-slow", promise: Promise::NothingLost, run: slow };

/// How long services wait for a connection, and for a statement, where that is to be seen within seconds.
const WAITS: [(&str, &str); 2] =
    [("BACKDROP_DATABASE_WAIT_MS", "1000"), ("BACKDROP_STATEMENT_TIMEOUT_MS", "1500")];
/// How long a write may take that is only to be queued.
const QUEUED_WITHIN: Duration = Duration::from_secs(2);
/// How long a read may take that is refused: a statement (1.5 s), what an answer may be late by (2 s), the wait for
/// a connection (1 s), and what two busy cores add.
const READ_WITHIN: Duration = Duration::from_millis(1_500 + 2_000 + 1_000 + 1_000);
/// How long statements are held back in each direction: some thirty times as long as one takes.
const HELD_BACK: Duration = Duration::from_millis(100);

/// A stack with a Postgres of its own.
pub(super) fn own(connections: Connections) -> StackOptions {
    let environment = WAITS.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    StackOptions {
        postgres: PostgresKind::Own,
        workers: 1,
        connections,
        environment,
        ..StackOptions::default()
    }
}

/// Writes that only queue, and reads of what was stored before.
fn queued() -> Load {
    Load { async_every: 1, ..Load::default() }
}

fn killed(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut stack = trial.stack(own(Connections::Direct))?;
    let ledger = trial.ledger(&stack, 4);
    trial.under_load(&mut stack, &ledger, Load::default(), |trial, stack| {
        for round in 0..trial.times(2, 20) {
            trial.until_acknowledged(&ledger, 20)?;
            std::thread::sleep(trial.moments.within_ms(100));
            let server = stack.own_postgres().server();
            if round % 2 == 0 { server.kill() } else { server.stop_immediately() }?;
            trial.injected();
            std::thread::sleep(trial.moments.within_ms(500));
            stack.own_postgres().server().restart()?;
            trial.recovered(stack)?;
        }
        Ok(())
    })?;
    let verdict = trial.judge(&stack, &ledger).all_accepted();
    let sql = "SELECT max(attempts)::bigint FROM ingest_partition";
    let attempts: i64 = trial.block_on(sqlx::query_scalar(sql).fetch_one(&stack.pool))?;
    ensure!(attempts == 0, "{attempts} attempts were counted");
    Ok(verdict)
}

fn stopped(trial: &mut Trial) -> anyhow::Result<Verdict> {
    away(trial, |trial, stack| {
        stack.own_postgres().server().stop()?;
        trial.injected();
        let rest = trial.moments.within_ms(trial.times(500, 5_000).try_into()?);
        while_away(stack, Duration::from_millis(1_500) + rest)?;
        stack.own_postgres().server().restart()
    })
}

fn frozen(trial: &mut Trial) -> anyhow::Result<Verdict> {
    away(trial, |trial, stack| {
        let processes = stack.own_postgres().freeze()?;
        // The first one, those of the server's own, and connections of the three services.
        ensure!(processes > 8, "only {processes} processes were frozen");
        trial.injected();
        // Longer than the services wait, so that they are seen to give up.
        let rest = trial.moments.within_ms(trial.times(500, 5_000).try_into()?);
        while_away(stack, READ_WITHIN - Duration::from_secs(1) + rest)?;
        stack.own_postgres().thaw();
        Ok(())
    })
}

/// Takes the store away under a load, and gives it back.
fn away(
    trial: &mut Trial,
    inject: impl Fn(&mut Trial, &mut Stack) -> anyhow::Result<()>,
) -> anyhow::Result<Verdict> {
    let mut stack = trial.stack(own(Connections::Direct))?;
    let ledger = trial.ledger(&stack, 4);
    // Something that can be read.
    trial.send(&stack, &ledger, Load::one_by_one(4));
    trial.under_load(&mut stack, &ledger, queued(), |trial, stack| {
        for _ in 0..trial.times(1, 6) {
            trial.until_acknowledged(&ledger, 20)?;
            inject(trial, stack)?;
            trial.recovered(stack)?;
        }
        Ok(())
    })?;
    let verdict = trial.judge(&stack, &ledger);
    ensure!(verdict.reads_refused > 0, "no read met the fault");
    Ok(verdict.all_accepted().answered_within(QUEUED_WITHIN, READ_WITHIN))
}

/// Tokens are checked, with nothing but what is remembered, as long as the store is away.
fn while_away(stack: &Stack, how_long: Duration) -> anyhow::Result<()> {
    let until = Instant::now() + how_long;
    while Instant::now() < until {
        for (token, status) in [("nobody-s", 401), ("token-for-set0", 403), ("token-for-probe", 202)] {
            let writer = stack.writer().with_token(token).with_header("Prefer", "respond-async");
            let writer = writer.with_header("Content-Type", "application/json");
            let answer = writer.send("POST", "/data/probe/probe", br#"[{"_id": "probe"}]"#.to_vec())?;
            ensure!(answer.status == status, "{token} got {}, not {status}: {}", answer.status, answer.text);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn slow(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut stack = trial.stack(StackOptions {
        workers: 1,
        connections: Connections::Proxied,
        ..StackOptions::default()
    })?;
    let ledger = trial.ledger(&stack, 4);
    trial.send(&stack, &ledger, Load::one_by_one(4));
    trial.under_load(&mut stack, &ledger, queued(), |trial, stack| {
        for _ in 0..trial.times(1, 3) {
            Pair::POSTGRES.iter().for_each(|pair| stack.proxy(*pair).delay(HELD_BACK));
            trial.injected();
            std::thread::sleep(Duration::from_secs(trial.times(3, 15).try_into()?));
            // Runs grow with the backlog, so it may not; but who asks the store waits there and back.
            let began = Instant::now();
            stack.reader().get("/data/ledger/set0?limit=1").expect(200);
            ensure!(began.elapsed() > 2 * HELD_BACK, "a query took {:?}: not slow", began.elapsed());
            Pair::POSTGRES.iter().for_each(|pair| stack.proxy(*pair).delay(Duration::ZERO));
            trial.recovered(stack)?;
        }
        Ok(())
    })?;
    let verdict = trial.judge(&stack, &ledger);
    Ok(verdict.all_accepted().answered_within(QUEUED_WITHIN, Duration::MAX))
}

/// How many batches have been decided.
pub(super) fn rows(trial: &Trial, stack: &Stack) -> anyhow::Result<usize> {
    let rows: i64 =
        trial.block_on(sqlx::query_scalar("SELECT count(*) FROM batch").fetch_one(&stack.pool))?;
    Ok(rows.try_into()?)
}
