//! How long to wait before a request is sent once more.

use std::time::{Duration, Instant};

/// How long one request is tried: a service that is restarted is back much sooner.
const TRY_FOR: Duration = Duration::from_secs(120);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Pauses that grow, up to a deadline.
#[derive(Debug)]
pub(crate) struct Pauses {
    deadline: Instant,
    next: Duration,
}

impl Pauses {
    /// The time for trying begins.
    pub(crate) fn start() -> Self {
        Self { deadline: Instant::now() + TRY_FOR, next: FIRST_PAUSE }
    }

    /// Waits before the next try; `false` if there is no time left for one.
    pub(crate) fn pause(&mut self, at_least: Option<Duration>) -> bool {
        // Between half and all of it, so that clients that failed together do not come back together.
        let random = u32::from(uuid::Uuid::new_v4().as_bytes()[0]);
        let pause = self.next / 2 + self.next / 2 * random / 255;
        let pause = pause.max(at_least.unwrap_or_default());
        self.next = (self.next * 2).min(LONGEST_PAUSE);
        let has_time = Instant::now() + pause < self.deadline;
        if has_time {
            std::thread::sleep(pause);
        }
        has_time
    }
}
