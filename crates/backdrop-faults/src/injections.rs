//! Faults in place: each is done to a stack that runs, and healed, within seconds. The soak draws from them.

use crate::trial::Trial;
use anyhow::ensure;
use backdrop_testing::{Stack, redis, sqlx};

/// Something done to a stack under load, and healed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Injection {
    /// What is done.
    pub(crate) name: &'static str,
    /// Whose life it ends.
    pub(crate) ends: Ends,
    /// Does it.
    pub(crate) run: fn(&mut Trial, &mut Stack) -> anyhow::Result<()>,
}

/// Whether a process whose memory is watched begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// A service, or Redis.
    AProcess,
    /// None of these.
    Nothing,
}

/// All of them. Nothing that was acknowledged may be lost by any.
pub(crate) const ALL: [Injection; 12] = [
    Injection { name: "worker killed", ends: Ends::AProcess, run: kill_worker },
    Injection { name: "worker terminated", ends: Ends::AProcess, run: terminate_worker },
    Injection { name: "ingest service killed", ends: Ends::AProcess, run: kill_write },
    Injection { name: "query service killed", ends: Ends::AProcess, run: kill_read },
    Injection { name: "Redis killed", ends: Ends::AProcess, run: kill_redis },
    Injection { name: "worker frozen", ends: Ends::Nothing, run: freeze_worker },
    Injection { name: "ingest service frozen", ends: Ends::Nothing, run: freeze_write },
    Injection { name: "Redis frozen", ends: Ends::Nothing, run: freeze_redis },
    Injection { name: "Postgres killed", ends: Ends::Nothing, run: kill_postgres },
    Injection { name: "Postgres stopped", ends: Ends::Nothing, run: stop_postgres },
    Injection { name: "connections to Postgres cut", ends: Ends::Nothing, run: cut_postgres },
    Injection { name: "connections to Redis cut", ends: Ends::Nothing, run: cut_redis },
];

/// Within how many milliseconds an outage ends.
const OUTAGE_MS: u64 = 2_000;

fn outage(trial: &mut Trial) {
    std::thread::sleep(trial.moments.within_ms(OUTAGE_MS));
}

fn kill_worker(_: &mut Trial, stack: &mut Stack) -> anyhow::Result<()> {
    stack.workers[0].kill();
    stack.workers[0].restart()
}

fn terminate_worker(_: &mut Trial, stack: &mut Stack) -> anyhow::Result<()> {
    let status = stack.workers[0].terminate()?;
    ensure!(status.success(), "the worker ended with {status}");
    stack.workers[0].restart()
}

fn kill_write(trial: &mut Trial, stack: &mut Stack) -> anyhow::Result<()> {
    stack.write.kill();
    outage(trial);
    stack.write.restart()
}

fn kill_read(trial: &mut Trial, stack: &mut Stack) -> anyhow::Result<()> {
    stack.read.kill();
    outage(trial);
    stack.read.restart()
}

fn kill_redis(trial: &mut Trial, stack: &mut Stack) -> anyhow::Result<()> {
    stack.redis.kill()?;
    outage(trial);
    stack.redis.restart()
}

fn freeze_worker(trial: &mut Trial, stack: &mut Stack) -> anyhow::Result<()> {
    stack.workers[0].freeze();
    outage(trial);
    stack.workers[0].thaw();
    Ok(())
}

fn freeze_write(trial: &mut Trial, stack: &mut Stack) -> anyhow::Result<()> {
    stack.write.freeze();
    outage(trial);
    stack.write.thaw();
    Ok(())
}

fn freeze_redis(trial: &mut Trial, stack: &mut Stack) -> anyhow::Result<()> {
    stack.freeze_redis();
    outage(trial);
    stack.thaw_redis();
    Ok(())
}

fn kill_postgres(trial: &mut Trial, stack: &mut Stack) -> anyhow::Result<()> {
    let server = stack.own_postgres().server();
    server.kill()?;
    outage(trial);
    server.restart()
}

fn stop_postgres(trial: &mut Trial, stack: &mut Stack) -> anyhow::Result<()> {
    let server = stack.own_postgres().server();
    server.stop_immediately()?;
    outage(trial);
    server.restart()
}

fn cut_postgres(trial: &mut Trial, stack: &mut Stack) -> anyhow::Result<()> {
    let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE application_name LIKE 'backdrop-%' AND pid <> pg_backend_pid()";
    let cut: i64 = trial.block_on(sqlx::query_scalar(sql).fetch_one(&stack.pool))?;
    ensure!(cut > 0, "there was no connection to cut");
    Ok(())
}

fn cut_redis(_: &mut Trial, stack: &mut Stack) -> anyhow::Result<()> {
    let mut cut = 0_i64;
    let mut connection = stack.redis_connection()?;
    for kind in ["normal", "pubsub"] {
        let killed: i64 = redis::cmd("CLIENT").arg(&["KILL", "TYPE", kind]).query(&mut connection)?;
        cut += killed;
    }
    ensure!(cut > 0, "there was no connection to cut");
    Ok(())
}
