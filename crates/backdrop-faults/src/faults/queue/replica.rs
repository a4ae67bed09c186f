//! A replica of Redis takes its place.

use super::{batches_held, until_applied};
use crate::{Fault, Ledger, Load, Promise, Trial, Verdict};
use anyhow::{Context, ensure};
use backdrop_testing::{PrivateRedis, Proxy, Stack, StackOptions, Traffic, connect_to, redis, tempfile};
use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

/// A replica is made the primary: once it has all, and once it lags behind.
pub(in crate::faults) const PROMOTED: Fault =
    Fault { name: "redis-replica-promoted", promise: Promise::LossesReported, run: promoted };

/// How many writes are acknowledged while the replica lags.
pub(super) const MORE: usize = 10;
/// How long a replica may take to have what its primary has.
pub(super) const FOLLOWS_WITHIN: Duration = Duration::from_secs(20);

/// How a replica takes over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Failover {
    /// It has all that the primary had.
    Planned,
    /// It lags when the primary dies.
    Lagging,
}

fn promoted(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut stack = trial.stack(StackOptions::default())?;
    let proxy = Proxy::start(stack.redis_address())?;
    trial.block_on(stack.reach_redis_by(stack.redis_url_at(proxy.address())))?;
    stack.add_worker()?;
    let password = password_of(&stack)?;
    let ledger = trial.ledger(&stack, 2);
    let mut folders = Vec::new();
    let mut lost = 0;
    for round in 0..trial.times(2, 8) {
        let failover = if round.is_multiple_of(2) { Failover::Planned } else { Failover::Lagging };
        let folder = tempfile::tempdir()?;
        let replica = Replica::follow(trial, &stack, folder.path(), &password)?;
        lost += fail_over(trial, &mut stack, &ledger, &proxy, replica, failover)?;
        folders.push(folder);
    }
    // Writers tell what they know of an epoch when they write in the next one.
    trial.send(&stack, &ledger, Load::queued(20));
    let verdict = trial.judge(&stack, &ledger);
    let (reported, gap_entries) = (verdict.reported_lost, verdict.gap_entries);
    ensure!(reported == lost, "{lost} entries were lacking, {reported} reported as lost");
    ensure!(gap_entries == lost, "{lost} entries were lacking, gaps of {gap_entries}");
    Ok(verdict)
}

/// Puts a replica into the place of the stack's Redis; tells how many entries it lacked.
fn fail_over(
    trial: &mut Trial,
    stack: &mut Stack,
    ledger: &Ledger,
    proxy: &Proxy,
    replica: Replica,
    failover: Failover,
) -> anyhow::Result<usize> {
    trial.send(stack, ledger, Load::queued(20));
    until_applied(trial, stack)?;
    replica.until_level(trial, stack)?;
    stack.workers[0].freeze();
    if failover == Failover::Lagging {
        replica.link.set(Traffic::Stalled);
    }
    trial.send(stack, ledger, Load::queued(MORE));
    if failover == Failover::Planned {
        replica.until_level(trial, stack)?;
    }
    let before = batches_held(stack)?;
    stack.redis.kill()?;
    let mut connection = connect_to(&replica.server)?;
    redis::cmd("REPLICAOF").arg("NO").arg("ONE").exec(&mut connection)?;
    stack.redis = replica.server;
    proxy.lead_to(stack.redis_address());
    proxy.cut();
    trial.injected();
    let after: HashSet<String> = batches_held(stack)?.into_iter().collect();
    let lost = before.iter().filter(|batch| !after.contains(*batch)).count();
    // What was on its way when the link was held up may have arrived.
    ensure!((lost > 0) == (failover == Failover::Lagging), "the replica lacks {lost} entries");
    stack.workers[0].thaw();
    trial.recovered(stack)?;
    until_applied(trial, stack)?;
    Ok(lost)
}

/// A Redis that follows that of the stack, over a link that can be held up.
pub(super) struct Replica {
    pub(super) server: PrivateRedis,
    pub(super) link: Proxy,
}

impl Replica {
    pub(super) fn follow(
        trial: &Trial,
        stack: &Stack,
        folder: &Path,
        password: &str,
    ) -> anyhow::Result<Self> {
        let server = PrivateRedis::start(folder)?;
        let link = Proxy::start(stack.redis_address())?;
        // A replica that joins need not wait for others that might.
        let delay = "repl-diskless-sync-delay";
        redis::cmd("CONFIG").arg("SET").arg(delay).arg(0).exec(&mut stack.redis_connection()?)?;
        let mut redis = connect_to(&server)?;
        redis::cmd("CONFIG").arg("SET").arg("masterauth").arg(password).exec(&mut redis)?;
        // Services that knew the password of the primary need no other.
        redis::cmd("ACL").arg("SETUSER").arg("default").arg(format!(">{password}")).exec(&mut redis)?;
        let address = link.address();
        redis::cmd("REPLICAOF").arg(address.ip().to_string()).arg(address.port()).exec(&mut redis)?;
        let replica = Self { server, link };
        replica.until_level(trial, stack)?;
        Ok(replica)
    }

    /// Waits until it has all that the primary has.
    pub(super) fn until_level(&self, trial: &Trial, stack: &Stack) -> anyhow::Result<()> {
        let (mut primary, mut replica) = (stack.redis_connection()?, connect_to(&self.server)?);
        trial.until("the replica is level", FOLLOWS_WITHIN, || {
            let wanted = replication(&mut primary, "master_repl_offset")?;
            let is_up = replication(&mut replica, "master_link_status")? == "up";
            Ok(is_up && replication(&mut replica, "slave_repl_offset")? == wanted)
        })
    }
}

/// A field of what a server says of its replication.
pub(super) fn replication(redis: &mut redis::Connection, name: &str) -> anyhow::Result<String> {
    let info: String = redis::cmd("INFO").arg("replication").query(redis)?;
    let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    Ok(line.with_context(|| format!("no {name}"))?.trim().to_owned())
}

/// The password that the services know.
pub(super) fn password_of(stack: &Stack) -> anyhow::Result<String> {
    let mut redis = stack.redis_connection()?;
    let (_, password): (String, String) =
        redis::cmd("CONFIG").arg("GET").arg("requirepass").query(&mut redis)?;
    Ok(password)
}
