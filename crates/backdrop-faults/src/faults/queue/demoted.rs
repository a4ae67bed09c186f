//! The primary of Redis becomes a replica of its replica, and lives on.

use super::replica::{FOLLOWS_WITHIN, Replica, password_of, replication};
use super::{is_refused_for, until_applied};
use crate::{Fault, Ledger, Load, Promise, Trial, Verdict};
use anyhow::{Context, ensure};
use backdrop_testing::{Client, PrivateRedis, Proxy, Stack, StackOptions, connect_to, redis, tempfile};
use std::time::Duration;

/// A failover as planned: nothing is lacking, the address moves, and whoever is connected to the old primary stays so.
pub(in crate::faults) const DEMOTED: Fault =
    Fault { name: "redis-primary-demoted", promise: Promise::NothingLost, run: demoted };

/// How long a write may take to be refused while no primary is reached.
const REFUSED_WITHIN: Duration = Duration::from_secs(2);

/// What becomes of the old primary.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Afterwards {
    /// It follows the new one.
    Follows,
    /// It cannot reach the new one, and holds for ever what it held.
    StandsStill,
}

fn demoted(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut stack = trial.stack(StackOptions::default())?;
    let proxy = Proxy::start(stack.redis_address())?;
    trial.block_on(stack.reach_redis_by(stack.redis_url_at(proxy.address())))?;
    stack.add_worker()?;
    let password = password_of(&stack)?;
    let ledger = trial.ledger(&stack, 2);
    let mut old = Vec::new();
    for round in 0..trial.times(2, 10) {
        let afterwards = [Afterwards::Follows, Afterwards::StandsStill][round % 2];
        let folder = tempfile::tempdir()?;
        let replica = Replica::follow(trial, &stack, folder.path(), &password)?;
        trial.under_load(&mut stack, &ledger, Load::default(), |trial, stack| {
            trial.until_acknowledged(&ledger, 20)?;
            std::thread::sleep(trial.moments.within_ms(100));
            let demoted = demote(trial, stack, &proxy, replica, &password, afterwards)?;
            trial.injected();
            go_on(trial, stack, &ledger, &demoted, afterwards)?;
            old.push((demoted, folder));
            Ok(())
        })?;
        until_applied(trial, &stack)?;
    }
    Ok(trial.judge(&stack, &ledger))
}

/// Puts a replica into the place of the stack's Redis, without a loss; gives the old one.
fn demote(
    trial: &mut Trial,
    stack: &mut Stack,
    proxy: &Proxy,
    replica: Replica,
    password: &str,
    afterwards: Afterwards,
) -> anyhow::Result<PrivateRedis> {
    let mut old = stack.redis_connection()?;
    let set = |name: &str, value: &str| redis::cmd("CONFIG").arg("SET").arg(name).arg(value).to_owned();
    set("masterauth", password).exec(&mut old)?;
    // Holds up whoever writes until the replica has all.
    redis::cmd("FAILOVER").arg("TO").arg("127.0.0.1").arg(replica.server.port()).exec(&mut old)?;
    trial.until("the primary follows", FOLLOWS_WITHIN, || {
        Ok(replication(&mut old, "master_link_status").is_ok_and(|status| status == "up"))
    })?;
    if afterwards == Afterwards::StandsStill {
        set("masterauth", "").exec(&mut old)?;
        redis::cmd("CLIENT").arg("KILL").arg("TYPE").arg("MASTER").exec(&mut old)?;
    }
    let stayed = connections(&mut old)?;
    ensure!(stayed > 0, "nobody is connected to the old primary");
    // Who connects again meets a replica, until the address moves.
    let away = Duration::from_millis(100) + trial.moments.within_ms(600);
    let slowest = is_refused_for(stack, away)?;
    ensure!(slowest < REFUSED_WITHIN, "a write was refused after {slowest:?}");
    let ready = Client::new(stack.write.address()).get("/_status/ready");
    ensure!(ready.status == 503 && ready.text.contains("is a replica"), "not told: {}", ready.text);
    let old = std::mem::replace(&mut stack.redis, replica.server);
    proxy.lead_to(stack.redis_address());
    Ok(old)
}

/// All goes on, while the old primary lives.
fn go_on(
    trial: &mut Trial,
    stack: &Stack,
    ledger: &Ledger,
    old: &PrivateRedis,
    afterwards: Afterwards,
) -> anyhow::Result<()> {
    trial.recovered(stack)?;
    trial.until_acknowledged(ledger, 20)?;
    let mut old = connect_to(old)?;
    ensure!(replication(&mut old, "role")? == "slave", "the old primary is no replica");
    let link = replication(&mut old, "master_link_status")?;
    ensure!(afterwards == Afterwards::Follows || link == "down", "the old primary does not stand still");
    ensure!(refusals(&mut old)? > 0, "the old primary was asked for nothing that a replica refuses");
    Ok(())
}

/// How many others are connected, without those that listen.
fn connections(redis: &mut redis::Connection) -> anyhow::Result<usize> {
    let clients: String = redis::cmd("CLIENT").arg("LIST").arg("TYPE").arg("NORMAL").query(redis)?;
    Ok(clients.lines().count() - 1)
}

/// How often a replica refused to write.
fn refusals(redis: &mut redis::Connection) -> anyhow::Result<u64> {
    let info: String = redis::cmd("INFO").arg("errorstats").query(redis)?;
    let line = info.lines().find_map(|line| line.strip_prefix("errorstat_READONLY:count="));
    line.map_or(Ok(0), |count| count.trim().parse().context("a number"))
}
