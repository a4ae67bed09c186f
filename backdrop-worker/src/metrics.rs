//! What the worker counts, and what it looks up when it is asked.

mod partitions;

pub(crate) use partitions::Partitions;

use crate::routes::Dependencies;
use backdrop_core::batch::Outcome;
use backdrop_core::data_set::DataSetName;
use backdrop_core::time::Timestamp;
use backdrop_postgres::{Applied, AppliedBatch, Catalogue, Lookups};
use backdrop_service::metrics::{
    self, DataSetCounter, DataSetNames, HttpMetrics, Named, counters, within_bound,
};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::sync::{Arc, OnceLock};

/// Upper ends of the classes of ingest lag, in seconds: usually some milliseconds, minutes while something is away.
const LAGS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1_800.0];
/// Upper ends of the classes of batches in a run, which has at most 500.
const RUN_BATCHES: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0];
/// Upper ends of the classes of records stored by a run; a batch may have 30,000.
const RUN_RECORDS: [f64; 9] = [0.0, 1.0, 10.0, 100.0, 500.0, 1_000.0, 5_000.0, 10_000.0, 30_000.0];
/// How a batch can end; repeated: it had ended before.
const OUTCOMES: [&str; 4] = ["stored", "rejected", "dead", "repeated"];
/// Why a visit to a partition can fail.
const CAUSES: [&str; 5] = ["store", "queue", "newer_entry", "schema", "validation"];

/// What is counted where batches are applied. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    records_stored: DataSetCounter,
    records_rejected: DataSetCounter,
    batches: Family<Named, Counter>,
    ingest_lag: Histogram,
    run_batches: Histogram,
    run_records: Histogram,
    visit_failures: Family<Named, Counter>,
    pub(crate) partitions: Partitions,
    /// Known once the worker has found its partitions.
    lookups: Arc<OnceLock<Arc<Lookups>>>,
}

impl Metrics {
    fn register(registry: &mut Registry) -> Self {
        let names = DataSetNames::default();
        let metrics = Self {
            records_stored: DataSetCounter::new(names.clone()),
            records_rejected: DataSetCounter::new(names),
            batches: counters("outcome", &OUTCOMES),
            ingest_lag: Histogram::new(LAGS),
            run_batches: Histogram::new(RUN_BATCHES),
            run_records: Histogram::new(RUN_RECORDS),
            visit_failures: counters("cause", &CAUSES),
            partitions: Partitions::default(),
            lookups: Arc::default(),
        };
        registry.register("records_stored", "Records committed", metrics.records_stored.family());
        let help = "Records that were not stored, and are kept as rejected";
        registry.register("records_rejected", help, metrics.records_rejected.family());
        registry.register("batches", "Batches decided, by how they ended", metrics.batches.clone());
        let help = "From the acceptance of a batch, by the clock of Redis, to the commit of its effects";
        registry.register_with_unit("ingest_lag", help, Unit::Seconds, metrics.ingest_lag.clone());
        registry.register("run_batches", "Batches of a run", metrics.run_batches.clone());
        registry.register("run_records", "Records stored by a run", metrics.run_records.clone());
        let help = "Visits to a partition that ended with a fault, by what it was";
        registry.register("visit_failures", help, metrics.visit_failures.clone());
        metrics
    }

    /// A run is committed. `now` is by the clock of this process, which may be another one than that of Redis.
    pub(crate) fn applied(&self, applied: &Applied, catalogue: &Catalogue, now: Timestamp) {
        if applied.results.is_empty() {
            return;
        }
        self.run_batches.observe(applied.results.len() as f64);
        self.run_records.observe(applied.records as f64);
        self.ended("repeated", applied.repeated as u64);
        for batch in &applied.batches {
            self.ended(batch.outcome.as_str(), 1);
            let name = catalogue.name_of(batch.data_set_id);
            let name = name.as_ref().map(DataSetName::as_str);
            for (counter, count) in
                [(&self.records_stored, batch.stored), (&self.records_rejected, batch.rejected)]
            {
                if count > 0 {
                    counter.add(name, count as u64);
                }
            }
            // What was put aside may have no time at all.
            if batch.outcome != Outcome::Dead {
                self.ingest_lag.observe(lag_seconds(batch, now));
            }
        }
    }

    fn ended(&self, outcome: &'static str, count: u64) {
        self.batches.get_or_create(&[("outcome", outcome)]).inc_by(count);
    }

    /// A visit to a partition failed.
    pub(crate) fn visit_failed(&self, cause: &'static str) {
        self.visit_failures.get_or_create(&[("cause", cause)]).inc();
    }

    /// The catalogue of the process is there.
    pub(crate) fn know(&self, catalogue: &Catalogue) {
        self.lookups.get_or_init(|| catalogue.lookups());
    }
}

/// How long a batch took to be committed; 0 if the clocks say that it was so before it was accepted.
pub(crate) fn lag_seconds(batch: &AppliedBatch, now: Timestamp) -> f64 {
    (now - batch.accepted_at).to_std().unwrap_or_default().as_secs_f64()
}

/// The registry of the service, with what counts requests and batches.
pub(crate) fn register() -> (Registry, HttpMetrics, Metrics) {
    let mut registry = metrics::registry("backdrop-worker");
    let (http, events) = (HttpMetrics::register(&mut registry), Metrics::register(&mut registry));
    (registry, http, events)
}

/// What is only known when it is asked for.
pub(crate) async fn gather(dependencies: &Dependencies) -> Registry {
    let mut gathered = metrics::gathered();
    let connections = dependencies.database.connections();
    let [idle, used, max] = [connections.idle, connections.used, connections.max].map(i64::from);
    metrics::database_connections(&mut gathered, idle, used, max);
    if let Some(lookups) = dependencies.metrics.lookups.get() {
        metrics::configuration_cache_hits(&mut gathered, lookups.hits(), lookups.misses());
    }
    let partitions = dependencies.metrics.partitions.now();
    let help = "Since when a partition was not seen to have nothing to do; 0: it has nothing to do";
    let ages = partitions.iter().map(|now| (now.partition, now.behind_seconds));
    metrics::seconds_by_partition(&mut gathered, "cursor_age", help, ages);
    let help = "How often work on the next entry of a partition was begun without success so far, this time included";
    let attempts = partitions.iter().map(|now| (now.partition, i64::from(now.attempts)));
    metrics::by_partition(&mut gathered, "partition_attempts", help, attempts);
    if let Some(gaps) = within_bound(async { dependencies.database.log_gaps().await.ok() }).await {
        metrics::log_gaps(&mut gathered, gaps.gaps, gaps.missing);
    }
    gathered
}
