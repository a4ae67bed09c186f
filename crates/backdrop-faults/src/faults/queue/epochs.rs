//! What happens while an epoch is opened, and to the marker that tells which one is open.

use super::{is_refused_for, logs, until_applied};
use crate::{Doors, Fault, Ledger, Load, Promise, Trial, Verdict};
use anyhow::{bail, ensure};
use backdrop_testing::{Client, PostgresKind, Service, Stack, StackOptions, redis, sqlx};
use std::time::Duration;

/// The opening of an epoch is interrupted when Redis has the new marker and Postgres has not committed it.
pub(in crate::faults) const OPENING_INTERRUPTED: Fault =
    Fault { name: "epoch-opening-interrupted", promise: Promise::NothingLost, run: opening_interrupted };
/// The markers vanish, the logs stay.
pub(in crate::faults) const MARKERS_DELETED: Fault =
    Fault { name: "redis-markers-deleted", promise: Promise::OnlyMemoryLost, run: markers_deleted };
/// Redis and Postgres die together, and Redis is back first.
pub(in crate::faults) const BOTH_KILLED: Fault =
    Fault { name: "redis-and-postgres-killed", promise: Promise::NothingLost, run: both_killed };

/// All that an opening writes is written and not committed for so long.
const COMMIT_TAKES: &str = "
    CREATE FUNCTION commit_later() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(0.4); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER commit_later AFTER INSERT ON ingest_epoch DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION commit_later();";
/// How long it may take until somebody opens an epoch.
const OPENING_WITHIN: Duration = Duration::from_secs(20);
/// How long two may take to meet at an epoch, and how often they are made to try.
const RACE_WITHIN: Duration = Duration::from_millis(1_500);
const RACES_MAX: usize = 10;

/// What happens to an opening before its commit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Interruption {
    /// Redis dies once more, after it took the marker.
    RedisKilled,
    /// Postgres rolls it back.
    SessionsEnded,
    /// The worker dies; the ingest service opens epochs, too.
    WorkerKilled,
    /// Nothing does; but both ingest services open one.
    WritersRace,
}

fn opening_interrupted(trial: &mut Trial) -> anyhow::Result<Verdict> {
    use Interruption::{RedisKilled, SessionsEnded, WorkerKilled, WritersRace};
    let mut stack = trial.stack(StackOptions { workers: 1, ..StackOptions::default() })?;
    let other = stack.spawn(Service::Write, &[], &[])?;
    trial.until_ready(&other)?;
    let ledger = trial.ledger(&stack, 3);
    let writer = Client::alternating(&[stack.write.address(), other.address()]);
    let doors = Doors { writer, reader: stack.reader() };
    trial.block_on(sqlx::raw_sql(COMMIT_TAKES).execute(&stack.pool))?;
    trial.under_load_at(&doors, &mut stack, &ledger, Load::default(), |trial, stack| {
        for round in 0..trial.times(4, 16) {
            trial.until_acknowledged(&ledger, 10)?;
            let interruption = [RedisKilled, SessionsEnded, WorkerKilled, WritersRace][round % 4];
            if interruption == WritersRace {
                stack.workers[0].freeze();
            }
            stack.redis.kill()?;
            stack.redis.restart()?;
            trial.until("an epoch is being opened", OPENING_WITHIN, || Ok(openings(trial, stack)? > 0))?;
            match interruption {
                RedisKilled => {
                    stack.redis.kill()?;
                    stack.redis.restart()?;
                }
                SessionsEnded => ensure!(end_openings(trial, stack)? > 0, "no opening was interrupted"),
                WorkerKilled => {
                    stack.workers[0].kill();
                    stack.workers[0].restart()?;
                }
                WritersRace => race(trial, stack, &ledger)?,
            }
            trial.injected();
            trial.recovered(stack)?;
        }
        Ok(())
    })?;
    Ok(trial.judge(&stack, &ledger))
}

/// How many openings are written and not committed.
fn openings(trial: &Trial, stack: &Stack) -> anyhow::Result<i64> {
    let sql = "SELECT count(*) FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event = 'PgSleep'";
    Ok(trial.block_on(sqlx::query_scalar(sql).fetch_one(&stack.pool))?)
}

/// Waits until both ingest services open the epoch of one log; they may miss each other for a while.
fn race(trial: &Trial, stack: &mut Stack, ledger: &Ledger) -> anyhow::Result<()> {
    for _ in 0..RACES_MAX {
        let met = trial.until("two open an epoch", RACE_WITHIN, || Ok(races(trial, stack)? > 0));
        stack.workers[0].thaw();
        if met.is_ok() {
            return Ok(());
        }
        trial.until_acknowledged(ledger, 10)?;
        stack.workers[0].freeze();
        stack.redis.kill()?;
        stack.redis.restart()?;
    }
    bail!("no two opened an epoch at the same time")
}

/// How many openings wait for one that is not committed, while the worker stands still.
fn races(trial: &Trial, stack: &Stack) -> anyhow::Result<i64> {
    let sql = "SELECT count(*) FROM pg_stat_activity waiting JOIN pg_stat_activity opening
               ON opening.pid = ANY(pg_blocking_pids(waiting.pid))
               WHERE waiting.datname = current_database() AND opening.wait_event = 'PgSleep'";
    Ok(trial.block_on(sqlx::query_scalar(sql).fetch_one(&stack.pool))?)
}

fn end_openings(trial: &Trial, stack: &Stack) -> anyhow::Result<i64> {
    let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event = 'PgSleep'";
    Ok(trial.block_on(sqlx::query_scalar(sql).fetch_one(&stack.pool))?)
}

fn markers_deleted(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut stack = trial.stack(StackOptions { workers: 1, ..StackOptions::default() })?;
    let ledger = trial.ledger(&stack, 2);
    for round in 0..trial.times(2, 10) {
        trial.under_load(&mut stack, &ledger, Load::default(), |trial, stack| {
            trial.until_acknowledged(&ledger, 20)?;
            delete_markers(stack)?;
            trial.injected();
            trial.recovered(stack).map(drop)
        })?;
        until_applied(trial, &stack)?;
        markers_deleted_amid_backlog(trial, &mut stack, &ledger, round)?;
    }
    Ok(trial.judge(&stack, &ledger))
}

/// What waits in the log is applied, though the marker of its epoch is gone.
fn markers_deleted_amid_backlog(
    trial: &mut Trial,
    stack: &mut Stack,
    ledger: &Ledger,
    round: usize,
) -> anyhow::Result<()> {
    stack.workers[0].freeze();
    trial.send(stack, ledger, Load::queued(20));
    delete_markers(stack)?;
    trial.injected();
    if round.is_multiple_of(2) {
        trial.send(stack, ledger, Load::queued(20));
    }
    stack.workers[0].thaw();
    trial.recovered(stack)?;
    until_applied(trial, stack)
}

fn delete_markers(stack: &Stack) -> anyhow::Result<()> {
    let mut redis = stack.redis_connection()?;
    let markers: Vec<String> = logs(&mut redis)?.iter().map(|log| log.replace(":log", ":epoch")).collect();
    Ok(redis::cmd("DEL").arg(markers).exec(&mut redis)?)
}

fn both_killed(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let options = StackOptions { workers: 1, postgres: PostgresKind::Own, ..StackOptions::default() };
    let mut stack = trial.stack(options)?;
    let ledger = trial.ledger(&stack, 2);
    // A reader would only see that the store is away, which other faults try.
    let load = Load { readers: 0, ..Load::default() };
    trial.under_load(&mut stack, &ledger, load, |trial, stack| {
        for _ in 0..trial.times(1, 8) {
            trial.until_acknowledged(&ledger, 20)?;
            let postgres = stack.postgres.as_mut().expect("a server of its own");
            postgres.server().kill()?;
            stack.redis.kill()?;
            trial.injected();
            stack.redis.restart()?;
            // Nobody can open an epoch: nothing is accepted that might not be found again.
            let away = Duration::from_millis(500) + trial.moments.within_ms(1_000);
            let slowest = is_refused_for(stack, away)?;
            eprintln!("  without a store to open an epoch, refused within {slowest:?}");
            stack.postgres.as_mut().expect("a server of its own").server().restart()?;
            trial.recovered(stack)?;
        }
        Ok(())
    })?;
    Ok(trial.judge(&stack, &ledger))
}
