//! All services are restarted one after the other, behind balancers that look at readiness.
//!
//! Nobody repeats a request: what a client sees go wrong, the drain has let go wrong.

use crate::{Doors, Fault, Load, Promise, Trial, Verdict};
use anyhow::ensure;
use backdrop_testing::{Balancer, Client, Process, Service, Stack, StackOptions};
use std::time::Duration;

/// Two of each service, restarted in turn.
pub(crate) const ROLLING_RESTART: Fault =
    Fault { name: "rolling-restart", promise: Promise::NothingLost, run: rolling };

/// For how many seconds a service still takes requests when it is told to stop. The balancers look every 50 ms,
/// but on a machine that is busy with other tests they may be late.
const DRAIN_GRACE_S: &str = "2";

/// How many instances there are of each service.
const HOSTS: usize = 2;
/// How long a service may take to be ready again.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// The services that are restarted.
struct Instances {
    writes: Vec<Process>,
    reads: Vec<Process>,
    at_writes: Balancer,
    at_reads: Balancer,
}

fn rolling(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let grace = ("BACKDROP_DRAIN_GRACE".to_owned(), DRAIN_GRACE_S.to_owned());
    let mut stack = trial.stack(StackOptions { workers: HOSTS, ..StackOptions::default() })?;
    let mut instances = Instances::start(&stack, &[grace])?;
    until_ready(trial, &instances.at_writes, &instances.at_reads)?;
    let ledger = trial.ledger(&stack, 4);
    let doors = Doors {
        writer: Client::new(instances.at_writes.address()),
        reader: Client::new(instances.at_reads.address()),
    };
    let load = Load { writers: 6, readers: 3, keyed_every: 0, ..Load::default() };
    for doors in [doors.clone(), doors.closing()] {
        trial.under_load_at(&doors, &mut stack, &ledger, load, |trial, stack| {
            for _ in 0..trial.times(1, 5) {
                instances.restart_in_turn(trial, &mut stack.workers)?;
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
        for _ in 0..HOSTS {
            writes.push(stack.spawn(Service::Write, &[], environment)?);
            reads.push(stack.spawn(Service::Read, &[], environment)?);
        }
        let at = |of: &[Process]| Balancer::start(&of.iter().map(Process::address).collect::<Vec<_>>());
        Ok(Self { at_writes: at(&writes)?, at_reads: at(&reads)?, writes, reads })
    }

    /// As on two hosts, of which each runs one of each service: one host, and then the other, when the balancers know
    /// that all are back.
    fn restart_in_turn(&mut self, trial: &mut Trial, workers: &mut [Process]) -> anyhow::Result<()> {
        let hosts = self.writes.iter_mut().zip(&mut self.reads).zip(workers);
        for ((write, read), worker) in hosts {
            std::thread::scope(|scope| {
                let stopping = [write, read, worker].map(|process| scope.spawn(|| restart(process)));
                stopping.into_iter().try_for_each(|one| one.join().expect("a restart does not panic"))
            })?;
            trial.injected();
            let (at_writes, at_reads) = (&self.at_writes, &self.at_reads);
            until_ready(trial, at_writes, at_reads)?;
        }
        Ok(())
    }
}

/// Both instances of both services.
fn until_ready(trial: &Trial, at_writes: &Balancer, at_reads: &Balancer) -> anyhow::Result<()> {
    trial.until("all instances are ready", READY_WITHIN, || {
        Ok((at_writes.ready(), at_reads.ready()) == (HOSTS, HOSTS))
    })
}

fn restart(process: &mut Process) -> anyhow::Result<()> {
    let status = process.terminate()?;
    ensure!(status.success(), "a service ended with {status}:\n{}", process.log());
    process.restart()
}
