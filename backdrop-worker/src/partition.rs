//! Looking after one partition.
//!
//! A run is read, decided, applied and announced; while it is applied the next may be read and decided, and while it is
//! announced that is applied. Everything that fails ends the visit, and after a while the next visit begins from the
//! store's cursor, so there is nothing to undo.

mod ahead;
mod attempts;
mod run;
mod visit;

pub(crate) use attempts::Alone;

use crate::decide::{DecideError, Decider};
use crate::fleet::{Living, prefers};
use crate::metrics::Metrics;
use crate::trimmer::Trimmer;
use attempts::Attempts;
use backdrop_core::backoff::Backoff;
use backdrop_core::error::chain;
use backdrop_core::log::Partition;
use backdrop_postgres::{Database, StoreError};
use backdrop_queue::{Queue, QueueError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use uuid::Uuid;

/// The shortest and the longest wait after a fault.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Why a visit ended before its time.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VisitError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Decide(#[from] DecideError),
}

impl VisitError {
    /// What it was, as metrics have it.
    const fn cause(&self) -> &'static str {
        match self {
            Self::Store(_) => "store",
            Self::Queue(_) => "queue",
            Self::Decide(error) => error.cause(),
        }
    }

    /// Whether the entry that was worked on has nothing to do with it.
    fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Queue(_) => true,
            Self::Decide(error) => error.is_transient(),
        }
    }
}

/// What a worker needs to look after a partition.
#[derive(Debug)]
pub(crate) struct PartitionKeeper {
    pub(crate) worker: Uuid,
    pub(crate) partition: Partition,
    pub(crate) database: Database,
    pub(crate) queue: Queue,
    pub(crate) decider: Decider,
    pub(crate) alone: Alone,
    pub(crate) living: watch::Receiver<Living>,
    pub(crate) log_keep: Duration,
    pub(crate) metrics: Metrics,
    pub(crate) stop: CancellationToken,
}

impl PartitionKeeper {
    /// Looks after the partition whenever this worker is the one to, until it is told to stop.
    pub(crate) async fn run(mut self) {
        let mut attempts =
            Attempts::new(self.database.clone(), self.partition, self.metrics.partitions.clone());
        let mut trimmer = Trimmer::new(self.log_keep, Instant::now());
        let mut backoff = Backoff::new(BACKOFF.0, BACKOFF.1, Uuid::new_v4().as_u64_pair().0);
        while self.until_preferred().await {
            self.metrics.partitions.entered(self.partition);
            match self.visit(&mut attempts, &mut trimmer).await {
                Ok(()) => {
                    attempts.left();
                    backoff.succeeded();
                }
                Err(error) => {
                    self.metrics.visit_failed(error.cause());
                    self.metrics.partitions.behind(self.partition);
                    attempts.failed(error.is_transient());
                    let wait = backoff.failed();
                    self.log_failure(&error, backoff.failures());
                    self.pause(wait).await;
                }
            }
        }
        attempts.stop().await;
    }

    /// Waits until this worker is to look after the partition; `false`: it is to stop.
    async fn until_preferred(&mut self) -> bool {
        loop {
            if self.stop.is_cancelled() {
                return false;
            }
            if self.is_preferred() {
                return true;
            }
            self.metrics.partitions.left(self.partition);
            tokio::select! {
                () = self.stop.cancelled() => return false,
                changed = self.living.changed() => if changed.is_err() { return false },
            }
        }
    }

    fn is_preferred(&self) -> bool {
        prefers(self.worker, self.partition, &self.living.borrow())
    }

    /// Whether the visit should go on.
    fn goes_on(&self) -> bool {
        !self.stop.is_cancelled() && self.is_preferred()
    }

    /// Warns once per outage and partition: the rest says nothing new.
    fn log_failure(&self, error: &VisitError, failures: u32) {
        let (partition, cause) = (self.partition.0, chain(error));
        if failures == 1 || !error.is_transient() {
            warn!(partition, error = cause, "visit to a partition failed");
        } else {
            debug!(partition, error = cause, "visit to a partition failed again");
        }
    }

    async fn pause(&self, duration: Duration) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(duration) => {}
        }
    }
}
