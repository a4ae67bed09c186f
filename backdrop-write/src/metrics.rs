//! What the ingest service counts, and what it looks up when it is asked.

use crate::backlog::{Picture, Seen};
use crate::routes::State;
use backdrop_queue::AppendError;
use backdrop_service::metrics::{self, DataSetCounter, DataSetNames, HttpMetrics, Named, counters};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::time::Duration;

/// How old a part of the picture of the backlog may be; it is renewed every other second.
const PICTURE_AGE_MAX: Duration = Duration::from_secs(10);

/// What is counted where writes are taken. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    records_accepted: DataSetCounter,
    batches_accepted: DataSetCounter,
    appends: Family<Named, Counter>,
    outcomes_late: Counter,
}

/// How putting a change into the log ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Append {
    /// It stands there.
    Accepted,
    /// It repeats one that has ended: nothing had to be put there.
    Repeated,
    /// The backlog is at its bound.
    Full,
    /// The queue did not take it.
    Refused,
    /// The queue did not answer.
    Unknown,
}

impl Append {
    const ALL: [&str; 5] = ["accepted", "repeated", "full", "refused", "unknown"];

    const fn as_str(self) -> &'static str {
        Self::ALL[self as usize]
    }
}

impl From<&AppendError> for Append {
    fn from(error: &AppendError) -> Self {
        match error {
            AppendError::Full => Self::Full,
            AppendError::Refused(_) => Self::Refused,
            AppendError::Unknown(_) => Self::Unknown,
        }
    }
}

impl Metrics {
    /// Adds the families to a registry.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let names = DataSetNames::default();
        let metrics = Self {
            records_accepted: DataSetCounter::new(names.clone()),
            batches_accepted: DataSetCounter::new(names),
            appends: counters("result", &Append::ALL),
            outcomes_late: Counter::default(),
        };
        let help = "Records in batches that the queue took";
        registry.register("records_accepted", help, metrics.records_accepted.family());
        registry.register(
            "batches_accepted",
            "Batches that the queue took",
            metrics.batches_accepted.family(),
        );
        registry.register(
            "appends",
            "Changes that were to be queued, by how that ended",
            metrics.appends.clone(),
        );
        let help = "Writes answered with a receipt, because their outcome did not come in the time they wait";
        registry.register("outcomes_late", help, metrics.outcomes_late.clone());
        metrics
    }

    /// A batch stands in the log.
    pub(crate) fn accepted(&self, data_set: &str, records: usize) {
        self.appended(Append::Accepted);
        self.batches_accepted.add(Some(data_set), 1);
        self.records_accepted.add(Some(data_set), records as u64);
    }

    /// A change was to be put into the log.
    pub(crate) fn appended(&self, how: Append) {
        self.appends.get_or_create(&[("result", how.as_str())]).inc();
    }

    /// A write waited in vain for its outcome.
    pub(crate) fn outcome_late(&self) {
        self.outcomes_late.inc();
    }
}

/// The registry of the service, with what counts requests and writes.
pub(crate) fn register() -> (Registry, HttpMetrics, Metrics) {
    let mut registry = metrics::registry("backdrop-write");
    let (http, events) = (HttpMetrics::register(&mut registry), Metrics::register(&mut registry));
    (registry, http, events)
}

/// What is only known when it is asked for.
pub(crate) async fn gather(state: &State) -> Registry {
    let mut now = metrics::gathered();
    let connections = state.database.connections();
    let [idle, used, max] = [connections.idle, connections.used, connections.max].map(i64::from);
    metrics::database_connections(&mut now, idle, used, max);
    let lookups = state.catalogue.lookups();
    metrics::configuration_cache_hits(&mut now, lookups.hits(), lookups.misses());
    backlog(&mut now, state.backlog.picture());
    now
}

/// What was seen of the queue and the workers lately.
fn backlog(now: &mut Registry, picture: Picture) {
    if let Some(waiting) = lately(picture.waiting) {
        let entries = waiting.iter().filter_map(|(partition, waiting)| Some((partition.0, waiting.entries?)));
        let entries = entries.map(|(partition, entries)| (partition, signed(entries)));
        metrics::by_partition(now, "backlog_entries", "Batches that wait to be applied", entries);
        let bytes = waiting.iter().map(|(partition, waiting)| (partition.0, signed(waiting.bytes)));
        let help = "Bytes that wait to be applied, as counted against the bound of a partition";
        metrics::by_partition(now, "backlog_bytes", help, bytes);
        let oldest = waiting.iter().map(|(partition, waiting)| {
            (partition.0, waiting.oldest_age.map_or(0.0, |age| age.as_secs_f64()))
        });
        let help = "Since when the oldest batch waits to be applied; 0: none waits";
        metrics::seconds_by_partition(now, "backlog_oldest", help, oldest);
    }
    if let Some(alive) = lately(picture.workers_alive) {
        metrics::gauge(now, "workers_alive", "Workers that live, as the store has it", alive);
    }
    if let Some(durability) = lately(picture.durability) {
        let labels =
            [("appendfsync", durability.appendfsync), ("maxmemory_policy", durability.maxmemory_policy)];
        now.register("queue_durability", "How durable a queued batch is", Info::new(labels));
    }
}

/// A part of the picture that is still true; of one that could not be renewed nobody knows.
fn lately<T>(seen: Option<Seen<T>>) -> Option<T> {
    seen.filter(|seen| seen.at.elapsed() < PICTURE_AGE_MAX).map(|seen| seen.value)
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
