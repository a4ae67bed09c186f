//! How long the validation of a run may take.
//!
//! It is measured in time of the processor on the thread that validates: a process that was stopped for a while, or
//! one that others crowd out, does not put aside what it would validate in a moment.

use std::time::Duration;

/// A clock: how much time has passed since some moment.
pub(crate) type Clock = fn() -> Duration;

/// The time of the processor that this thread has had.
pub(crate) fn processor_time() -> Duration {
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
