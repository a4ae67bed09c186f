//! One trial of one fault: how long, from which seed, and what was measured.

use crate::ledger::{Ledger, Load, Verdict};
use crate::moments::Moments;
use anyhow::{Context, ensure};
use backdrop_testing::{Client, Process, Stack, StackOptions};
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// How long Backdrop may take to store writes again after a fault is healed.
const RECOVERS_WITHIN: Duration = Duration::from_secs(60);
/// How long a load may take until so much is answered.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);
/// How often it is looked whether something is so.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How often a fault is injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// A few times: within seconds, for every change.
    Short,
    /// As often as it takes to believe it.
    Full,
}

/// Ends the load if what happens meanwhile panics; it would be waited for for ever.
struct EndOfLoad<'s>(&'s AtomicBool);

impl Drop for EndOfLoad<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// How the clients of a load reach the services.
#[derive(Clone, Debug)]
pub struct Doors {
    /// To the ingest service.
    pub writer: Client,
    /// To the query service.
    pub reader: Client,
}

impl Doors {
    /// The same, with a connection of its own for each request.
    #[must_use]
    pub fn closing(&self) -> Self {
        let closing = |client: &Client| client.with_header("Connection", "close");
        Self { writer: closing(&self.writer), reader: closing(&self.reader) }
    }
}

/// What a fault works with.
#[derive(Debug)]
pub struct Trial {
    /// How often it is injected.
    pub scale: Scale,
    /// When, and what of several things.
    pub moments: Moments,
    injected: usize,
    recoveries: Vec<Duration>,
    runtime: Runtime,
}

impl Trial {
    /// A trial of that scale from that seed.
    ///
    /// # Errors
    /// If there can be no runtime.
    pub fn new(scale: Scale, seed: u64) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        Ok(Self { scale, moments: Moments::from_seed(seed), injected: 0, recoveries: Vec::new(), runtime })
    }

    /// How often, by scale.
    pub const fn times(&self, short: usize, full: usize) -> usize {
        match self.scale {
            Scale::Short => short,
            Scale::Full => full,
        }
    }

    /// Runs something asynchronous to its end.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Starts a stack with one worker, or as the options say.
    ///
    /// # Errors
    /// If it does not start.
    pub fn stack(&self, options: StackOptions) -> anyhow::Result<Stack> {
        self.block_on(Stack::start_with(options))
    }

    /// Sends a load while something happens to the stack, and until it is over.
    ///
    /// # Errors
    /// What happens meanwhile.
    pub fn under_load(
        &mut self,
        stack: &mut Stack,
        ledger: &Ledger,
        load: Load,
        meanwhile: impl FnOnce(&mut Self, &mut Stack) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let doors = Doors { writer: stack.writer(), reader: stack.reader() };
        self.under_load_at(&doors, stack, ledger, load, meanwhile)
    }

    /// Like [`under_load`](Self::under_load), for services that are reached another way.
    ///
    /// # Errors
    /// What happens meanwhile.
    pub fn under_load_at(
        &mut self,
        doors: &Doors,
        stack: &mut Stack,
        ledger: &Ledger,
        load: Load,
        meanwhile: impl FnOnce(&mut Self, &mut Stack) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let stop = &AtomicBool::new(false);
        std::thread::scope(|scope| {
            let sending = scope.spawn(move || ledger.send(&doors.writer, &doors.reader, load, stop));
            let end = EndOfLoad(stop);
            let result = meanwhile(self, stack);
            std::mem::forget(end);
            stop.store(load.writes.is_none() || result.is_err(), Ordering::Relaxed);
            sending.join().expect("the load does not panic");
            result
        })
    }

    /// Sends a number of writes, with nothing happening meanwhile.
    pub fn send(&self, stack: &Stack, ledger: &Ledger, load: Load) {
        ledger.send(&stack.writer(), &stack.reader(), load, &AtomicBool::new(false));
    }

    /// Waits until so many more writes are acknowledged, so that a fault meets a load that flows.
    ///
    /// # Errors
    /// If they are not in time.
    pub fn until_acknowledged(&self, ledger: &Ledger, more: usize) -> anyhow::Result<()> {
        let wanted = ledger.acknowledged() + more;
        self.until("enough is acknowledged", ANSWERED_WITHIN, || Ok(ledger.acknowledged() >= wanted))
    }

    /// Waits until something is so.
    ///
    /// # Errors
    /// If it is not in time, or cannot be known.
    pub fn until(
        &self,
        what: &str,
        within: Duration,
        mut is_so: impl FnMut() -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let began = Instant::now();
        while !is_so()? {
            ensure!(began.elapsed() < within, "waited {within:?} in vain until {what}");
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// Waits until a service says that it is ready.
    ///
    /// # Errors
    /// If it is not in time.
    pub fn until_ready(&self, process: &Process) -> anyhow::Result<()> {
        let client = Client::new(process.address());
        self.until("a service is ready", RECOVERS_WITHIN, || {
            let answer = client.send("GET", "/_status/ready", Vec::new());
            Ok(answer.is_ok_and(|answer| answer.status == 200))
        })
        .with_context(|| process.log())
    }

    /// The fault is injected once more.
    pub const fn injected(&mut self) {
        self.injected += 1;
    }

    /// The fault is healed: measures, and gives, how long it takes until a write is stored again.
    ///
    /// # Errors
    /// If that takes too long.
    pub fn recovered(&mut self, stack: &Stack) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let body = json!([{"_id": "probe", "number": self.recoveries.len()}]).to_string();
        let writer =
            stack.writer().with_token("token-for-probe").with_header("Content-Type", "application/json");
        let within = RECOVERS_WITHIN;
        self.until("a write is stored again", within, || {
            let sent = writer.send("POST", "/data/probe/probe", body.clone().into_bytes());
            Ok(sent.is_ok_and(|answer| answer.status == 200))
        })
        .context("no recovery")?;
        let took = began.elapsed();
        self.recoveries.push(took);
        Ok(took)
    }

    /// Opens a ledger on data sets of the stack, and makes one for [`recovered`](Self::recovered).
    pub fn ledger(&self, stack: &Stack, data_sets: usize) -> Ledger {
        stack.create_data_set("probe", "probe");
        Ledger::open(stack, data_sets)
    }

    /// Has the ledger judge.
    pub fn judge(&self, stack: &Stack, ledger: &Ledger) -> Verdict {
        self.block_on(ledger.judge(stack))
    }

    pub(crate) fn into_measures(self) -> (usize, Vec<Duration>) {
        (self.injected, self.recoveries)
    }
}
