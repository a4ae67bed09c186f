//! What operators see of the whole stack: metrics, logs, and no secrets in either.

mod documents;
mod exposition;
mod logs;
mod metrics;
mod secrets;

use backdrop_testing::{Stack, eventually};
use std::time::Duration;

/// How long what follows from an answer may take to show.
const SOON: Duration = Duration::from_secs(30);

/// Runs what blocks on a test's thread.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

/// Waits until the workers have stored that many batches.
fn decided(stack: &Stack, batches: f64) {
    eventually("all batches are decided", SOON, || {
        let worker = exposition::of(stack.workers[0].address());
        let ended = ["stored", "rejected", "dead"];
        let ended =
            ended.map(|outcome| worker.value(&format!("backdrop_batches_total{{outcome=\"{outcome}\"}}")));
        ended.into_iter().flatten().sum::<f64>() >= batches
    });
}
