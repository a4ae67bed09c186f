//! The transformer: runs transforms, which the transactions that stored their records have asked for.
//!
//! A run is read back by the query engine, computed in memory, and its results go into the log of their data set
//! like any write, so that they are validated, ordered and stored exactly once, and other transforms can follow.
//!
//! **Invariant.** The batch of a run's results has an id that follows from the run. So whatever dies, and however
//! often a run is repeated, its results are stored once.

mod failure;
mod output;
mod readback;

use backdrop_core::backoff::Backoff;
use backdrop_core::error::chain;
use backdrop_core::shape::Row;
use backdrop_core::transform::{Computation, Function, Surroundings};
use backdrop_postgres::{Catalogue, Database, RecordReader, RunEnd, TakenRun};
use backdrop_queue::{Appender, Queue};
use backdrop_service::clock;
use failure::Failure;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

/// How many runs a worker has at once: one may be a long query, and the others must not wait for it.
const RUNS_AT_ONCE: usize = 2;
/// How long to wait when nothing is due. What is written meanwhile is computed together.
const IDLE: Duration = Duration::from_millis(500);
/// The longest wait while none can be taken.
const FAILING_WAIT_MAX: Duration = Duration::from_secs(2);
/// How long a run is this worker's.
const LEASE: Duration = Duration::from_secs(60);
/// How long an attempt may take: it ends before the lease does.
const ATTEMPT_MAX: Duration = Duration::from_secs(50);
/// After how many failures of its own a run is given up. With the waits between, that takes half a minute.
const FAILURES_MAX: i32 = 6;
/// How long a run may go on when the worker is told to stop; most end within a moment.
const WAIT_WHEN_STOPPING: Duration = Duration::from_secs(3);
/// How many idle rounds go by between looks at runs that ended long ago.
const ROUNDS_BETWEEN_SWEEPS: u32 = 7_200;

/// Runs transforms.
#[derive(Debug)]
pub(crate) struct Transformer {
    database: Database,
    catalogue: Arc<Catalogue>,
    reader: RecordReader,
    appender: Appender<Database>,
    stop: CancellationToken,
}

impl Transformer {
    pub(crate) fn new(
        database: Database,
        catalogue: Arc<Catalogue>,
        queue: Queue,
        stop: CancellationToken,
    ) -> Self {
        let reader = RecordReader::new(database.clone());
        let appender = Appender::new(queue, database.clone());
        Self { database, catalogue, reader, appender, stop }
    }

    /// Takes runs until it is told to stop, and ends those it has. Several workers do so at once.
    pub(crate) async fn run(self) {
        let transformer = Arc::new(self);
        let places = Arc::new(Semaphore::new(RUNS_AT_ONCE));
        let mut runs = JoinSet::new();
        let mut idle_rounds: u32 = 0;
        let mut backoff = Backoff::new(IDLE, FAILING_WAIT_MAX, Uuid::new_v4().as_u64_pair().0);
        while let Some(place) = transformer.free_place(&places).await {
            while let Some(ended) = runs.try_join_next() {
                report(ended);
            }
            let wait = match transformer.database.take_run(LEASE, FAILURES_MAX).await {
                Ok(Some(run)) => {
                    let transformer = Arc::clone(&transformer);
                    runs.spawn(async move {
                        transformer.work(&run).await;
                        drop(place);
                    });
                    continue;
                }
                Ok(None) => {
                    backoff.succeeded();
                    IDLE
                }
                Err(error) => {
                    let wait = backoff.failed();
                    // Once per outage.
                    if backoff.failures() == 1 {
                        warn!(error = chain(&error), "no transform can be taken");
                    }
                    wait
                }
            };
            drop(place);
            idle_rounds = (idle_rounds + 1) % ROUNDS_BETWEEN_SWEEPS;
            if idle_rounds == 0 {
                transformer.sweep().await;
            }
            tokio::select! {
                () = transformer.stop.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        while let Some(ended) = runs.join_next().await {
            report(ended);
        }
    }

    /// Waits until a further run can be begun; `None`: told to stop.
    async fn free_place(&self, places: &Arc<Semaphore>) -> Option<tokio::sync::OwnedSemaphorePermit> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            place = Arc::clone(places).acquire_owned() => place.ok(),
        }
    }

    async fn sweep(&self) {
        loop {
            match self.database.sweep_runs().await {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => return warn!(error = chain(&error), "old runs of transforms not removed"),
            }
        }
    }

    async fn work(&self, run: &TakenRun) {
        let stopping = async {
            self.stop.cancelled().await;
            tokio::time::sleep(WAIT_WHEN_STOPPING).await;
        };
        let ended = tokio::select! {
            ended = self.attempt(run) => ended,
            () = tokio::time::sleep(ATTEMPT_MAX) => Err(Failure::TookTooLong),
            () = stopping => Err(Failure::Stopped),
        };
        let (transform, attempt) = (run.transform.id, run.attempt);
        let end = match ended {
            Ok(records) => {
                info!(run = %run.id, %transform, attempt, records, "transform done");
                RunEnd::Done(i32::try_from(records).unwrap_or(i32::MAX))
            }
            Err(failure) => {
                warn!(run = %run.id, %transform, attempt, error = chain(&failure), "transform failed");
                failure.end(run, FAILURES_MAX)
            }
        };
        if let Err(error) = self.database.end_run(run.id, attempt, end).await {
            // It is taken up again when its lease has run out.
            warn!(run = %run.id, error = chain(&error), "end of a transform not noted");
        }
    }

    /// Gives how many records were stored.
    async fn attempt(&self, run: &TakenRun) -> Result<usize, Failure> {
        let transform = &run.transform;
        let (function, definition) = (transform.function, &transform.definition);
        let input = self.catalogue.by_id(run.data_set).await?.ok_or(Failure::InputGone)?;
        let computation = Computation::new(function, &definition.input, &definition.options)
            .map_err(Failure::Definition)?;
        let query = backdrop_core::transform::readback::query(
            function,
            &definition.query_parameters,
            run.written,
            clock::now(),
        );
        let rows = self.rows(&input.data_set, &query.map_err(Failure::Query)?).await?;
        if function == Function::Nothing {
            info!(run = %run.id, data_set = input.data_set.name.as_str(), rows = rows.len(), "transform logged");
        }
        let surroundings = if function.is_latest() {
            self.database.surroundings(run.data_set).await?
        } else {
            Surroundings::default()
        };
        let records = compute(computation, rows, surroundings).await?;
        if records.is_empty() {
            return Ok(0);
        }
        let output = self.output(run, definition, &input.data_set).await?;
        self.store(run, &output.data_set, records).await
    }
}

/// On a thread of its own: it may take a while.
async fn compute(
    computation: Computation,
    rows: Vec<Row>,
    surroundings: Surroundings,
) -> Result<Vec<Row>, Failure> {
    let computed = tokio::task::spawn_blocking(move || computation.records(&rows, &surroundings));
    computed.await.map_err(Failure::Lost)
}

/// A run whose task broke is taken up again when its lease has run out, and given up if that goes on.
fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        warn!(error = chain(&error), "the task of a transform broke");
    }
}
