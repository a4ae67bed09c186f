//! A long mixed load on one stack, with one fault after the other: nothing is lost, and memory does not grow.

use crate::injections::{self, Ends, Injection};
use crate::memory::Memory;
use crate::trial::Scale;
use crate::{Fault, Load, Promise, Report, Trial, Verdict};
use anyhow::{Context, ensure};
use backdrop_testing::{PostgresKind, Stack, StackOptions};
use std::time::{Duration, Instant};

/// Mixed load, and a fault every 30 s; in its short form every 10 s.
pub(crate) const SOAK: Fault = Fault { name: "soak", promise: Promise::NothingLost, run: by_scale };

/// How long the short form takes, and how often a fault comes in it.
const SHORT: Length = Length { lasts: Duration::from_secs(2 * 60), every: Duration::from_secs(10) };
/// How often a fault comes in the full form, which takes half an hour if nothing else is asked for.
const FULL: Length = Length { lasts: Duration::from_secs(30 * 60), every: Duration::from_secs(30) };
/// How often memory is looked at.
const SAMPLE_EVERY: Duration = Duration::from_millis(500);
/// What part of it may end processes. After that they live on, so that it shows whether they grow.
const ENDING_PART: u32 = 3;
/// What part of it a process may take until it is warm: until the queue holds as much as it keeps, above all.
const WARM_UP_PART: u32 = 12;
/// The processes that are watched. Postgres is not: what it holds grows with its cache until that is full.
const WATCHED: [&str; 4] = ["backdrop-write", "backdrop-read", "backdrop-worker", "redis"];

#[derive(Clone, Copy, Debug)]
struct Length {
    lasts: Duration,
    every: Duration,
}

/// Runs it for so many minutes.
///
/// # Errors
/// If it cannot even begin.
pub fn soak_for(minutes: u64, seed: u64) -> anyhow::Result<Report> {
    let length = Length { lasts: Duration::from_secs(minutes * 60), ..FULL };
    SOAK.try_out_by(Scale::Full, seed, |trial| soak(trial, length))
}

fn by_scale(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let length = match trial.scale {
        Scale::Short => SHORT,
        Scale::Full => FULL,
    };
    soak(trial, length)
}

fn soak(trial: &mut Trial, length: Length) -> anyhow::Result<Verdict> {
    let warm_up = length.lasts / WARM_UP_PART;
    let keep = (warm_up / 2).as_secs().max(1).to_string();
    let mut stack = trial.stack(StackOptions {
        postgres: PostgresKind::Own,
        workers: 1,
        environment: vec![("BACKDROP_LOG_KEEP".into(), keep)],
        ..StackOptions::default()
    })?;
    let ledger = trial.ledger(&stack, 8);
    let load = Load { readers: 2, pause: Duration::from_millis(20), ..Load::default() };
    let mut memory = Memory::new(warm_up);
    trial.under_load(&mut stack, &ledger, load, |trial, stack| inject(trial, stack, length, &mut memory))?;
    let verdict = trial.judge(&stack, &ledger);
    let lives = memory.lives();
    lives.iter().for_each(|life| eprintln!("  {life}"));
    for name in WATCHED {
        ensure!(lives.iter().any(|life| life.name == name), "{name} did not live long enough to be judged");
    }
    let grown: Vec<String> = lives.iter().filter(|life| life.grew()).map(ToString::to_string).collect();
    ensure!(grown.is_empty(), "memory grew: {}", grown.join("; "));
    Ok(verdict)
}

fn inject(trial: &mut Trial, stack: &mut Stack, length: Length, memory: &mut Memory) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut drawn: Vec<Injection> = Vec::new();
    while began.elapsed() < length.lasts {
        let until = Instant::now() + length.every;
        while Instant::now() < until {
            sample(stack, memory);
            std::thread::sleep(SAMPLE_EVERY);
        }
        let may_end = began.elapsed() < length.lasts / ENDING_PART;
        let injection = draw(trial, &mut drawn, may_end);
        (injection.run)(trial, stack).with_context(|| injection.name)?;
        trial.injected();
        trial.recovered(stack).with_context(|| injection.name)?;
        eprintln!("  {:>4} s: {}", began.elapsed().as_secs(), injection.name);
    }
    Ok(())
}

/// One of those that were not drawn yet; when all were, all anew.
fn draw(trial: &mut Trial, left: &mut Vec<Injection>, may_end: bool) -> Injection {
    let fits = |injection: &Injection| may_end || injection.ends == Ends::Nothing;
    left.retain(fits);
    if left.is_empty() {
        left.extend(injections::ALL.iter().filter(|injection| fits(injection)));
    }
    let count = u64::try_from(left.len()).expect("a dozen");
    left.swap_remove(usize::try_from(trial.moments.below(count)).expect("a dozen"))
}

fn sample(stack: &Stack, memory: &mut Memory) {
    let pids = [stack.write.pid(), stack.read.pid(), stack.workers[0].pid(), stack.redis.pid()];
    for (name, pid) in WATCHED.into_iter().zip(pids) {
        memory.sample(name, pid);
    }
}
