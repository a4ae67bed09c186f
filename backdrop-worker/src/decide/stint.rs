//! How long the validation of a run may take.
//!
//! It is measured in time of the processor on the thread that validates: a process that was stopped for a while, or
//! one that others crowd out, does not put aside what it would validate in a moment.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// A clock: how much time has passed since some moment.
pub(crate) type Clock = fn() -> Duration;

/// For how long what was seen of the time of the processor is told again: to look is a system call, and takes a good part
/// of the time that a small record does. Meanwhile no thread gets more of the processor than this.
const LOOK_AGAIN_AFTER: Duration = Duration::from_micros(500);

thread_local! {
    /// When the time of this thread was looked at, and what it was.
    static SEEN: Cell<Option<(Instant, Duration)>> = const { Cell::new(None) };
}

/// The time of the processor that this thread has had, or had a moment ago.
pub(crate) fn processor_time() -> Duration {
    let now = Instant::now();
    match SEEN.get() {
        Some((at, seen)) if now.saturating_duration_since(at) < LOOK_AGAIN_AFTER => seen,
        _ => {
            let time = look();
            SEEN.set(Some((now, time)));
            time
        }
    }
}

fn look() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    // The kernel gives neither negative numbers nor a billion nanoseconds.
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

/// The time that a run has, and what took the most of it in the entry at hand.
#[derive(Debug)]
pub(super) struct Stint {
    clock: Clock,
    limit: Duration,
    began: Duration,
    /// When the last record of the entry at hand began, and its number.
    last: Option<(usize, Duration)>,
    slowest: Option<(usize, Duration)>,
}

impl Stint {
    pub(super) fn begin(clock: Clock, limit: Duration) -> Self {
        Self { clock, limit, began: clock(), last: None, slowest: None }
    }

    /// A new entry begins: what was slow before is not its fault.
    pub(super) const fn begin_entry(&mut self) {
        (self.last, self.slowest) = (None, None);
    }

    /// Notes that a record begins, counted from 1, and says whether there is time for it.
    pub(super) fn goes_on(&mut self, record: usize) -> bool {
        let now = (self.clock)();
        if let Some((record, began)) = self.last.replace((record, now)) {
            let took = now.saturating_sub(began);
            if self.slowest.is_none_or(|(_, slowest)| slowest < took) {
                self.slowest = Some((record, took));
            }
        }
        now.saturating_sub(self.began) < self.limit
    }

    /// What is said of an entry that has used up all the time.
    pub(super) fn told(&self) -> String {
        let limit = self.limit.as_secs_f64();
        let reached = self.last.map_or(0, |(record, _)| record);
        let slowest = self.slowest.map(|(record, took)| {
            format!("; the slowest was record {record}, with {:.3} s", took.as_secs_f64())
        });
        format!(
            "validating the batch took more than {limit} s of the processor, and was given up before record \
             {reached}{}; it is kept",
            slowest.unwrap_or_default()
        )
    }
}
