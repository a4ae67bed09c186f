//! All services are restarted one after the other, behind balancers that look at readiness.
//!
//! Nobody repeats a request: what a client sees go wrong, the drain has let go wrong.

use crate::{Doors, Fault, Load, Promise, Trial, Verdict};
use anyhow::ensure;
use backdrop_testing::{Balancer, Client, Process, Stack, StackOptions};
use std::time::Duration;

/// Two of each service, restarted in turn.
pub(crate) const ROLLING_RESTART: Fault =
    Fault { name: "rolling-restart", promise: Promise::NothingLost, run: rolling };

/// For how many seconds a service still takes requests when it is told to stop. The balancers look every 50 ms.
const DRAIN_GRACE_S: &str = "1";

/// Two instances of each service.
struct Instances {
    writes: Vec<Process>,
    reads: Vec<Process>,
    at_writes: Balancer,
    at_reads: Balancer,
}

fn rolling(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let grace = ("BACKDROP_DRAIN_GRACE".to_owned(), DRAIN_GRACE_S.to_owned());
    let mut stack = trial.stack(StackOptions { workers: 2, ..StackOptions::default() })?;
    let mut instances = Instances::start(&stack, &[grace])?;
    instances.until_all_are_ready(trial)?;
    let ledger = trial.ledger(&stack, 4);
    let doors = Doors {
        writer: Client::new(instances.at_writes.address()),
        reader: Client::new(instances.at_reads.address()),
    };
    let load = Load { writers: 6, readers: 3, keyed_every: 0, ..Load::default() };
    for doors in [doors.clone(), doors.closing()] {
        trial.under_load_at(&doors, &mut stack, &ledger, load, |trial, stack| {
            for _ in 0..trial.times(1, 5) {
                instances.restart_in_turn(trial)?;
                for index in 0..stack.workers.len() {
                    restart(trial, &mut stack.workers[index])?;
                }
            }
            Ok(())
        })?;
    }
    let verdict = trial.judge(&stack, &ledger);
    let failed = (verdict.refused, verdict.unanswered, verdict.reads_refused);
    ensure!(failed == (0, 0, 0), "requests failed: {verdict:?}");
    ensure!(verdict.reads > 0, "nothing was read");
    Ok(verdict)
}

impl Instances {
    fn start(stack: &Stack, environment: &[(String, String)]) -> anyhow::Result<Self> {
        let mut writes = Vec::new();
        let mut reads = Vec::new();
        for _ in 0..2 {
            writes.push(stack.spawn_write(&[], environment)?);
            reads.push(stack.spawn_read(environment)?);
        }
        let at = |of: &[Process]| Balancer::start(&of.iter().map(Process::address).collect::<Vec<_>>());
        Ok(Self { at_writes: at(&writes)?, at_reads: at(&reads)?, writes, reads })
    }

    fn until_all_are_ready(&self, trial: &Trial) -> anyhow::Result<()> {
        trial.until("all instances are ready", Duration::from_secs(60), || {
            Ok((self.at_writes.ready(), self.at_reads.ready()) == (self.writes.len(), self.reads.len()))
        })
    }

    /// One after the other, the next one only when the balancers know that all are back.
    fn restart_in_turn(&mut self, trial: &mut Trial) -> anyhow::Result<()> {
        for index in 0..self.writes.len() {
            restart(trial, &mut self.writes[index])?;
            restart(trial, &mut self.reads[index])?;
            self.until_all_are_ready(trial)?;
        }
        Ok(())
    }
}

fn restart(trial: &mut Trial, process: &mut Process) -> anyhow::Result<()> {
    let status = process.terminate()?;
    ensure!(status.success(), "a service ended with {status}:\n{}", process.log());
    trial.injected();
    process.restart()?;
    trial.until_ready(process)
}
