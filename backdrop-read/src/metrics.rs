//! What the query service counts, and what it looks up when it is asked.

use backdrop_core::time::Timestamp;
use backdrop_postgres::{Database, Lookups};
use backdrop_service::metrics::{self, HttpMetrics, within_bound};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long the number of stale data sets is told again before the store is asked anew: less than the interval of a
/// scrape, so that it is only who asks more often who gets an older one.
const STALE_KEPT: Duration = Duration::from_secs(5);

/// What is counted where queries are answered. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    not_modified: Counter,
}

impl Metrics {
    /// Adds the families to a registry.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self { not_modified: Counter::default() };
        let help = "Answers without a body, because the client had it already";
        registry.register("not_modified", help, metrics.not_modified.clone());
        metrics
    }

    /// A client had the answer already.
    pub(crate) fn not_modified(&self) {
        self.not_modified.inc();
    }
}

/// What `/metrics` is made of.
#[derive(Debug)]
pub(crate) struct Exposition {
    registry: Registry,
    database: Database,
    lookups: Arc<Lookups>,
    /// How many data sets were out of date when that was last asked.
    stale: Mutex<Option<(Instant, i64)>>,
}

impl Exposition {
    /// The registry of the service, with what counts requests and answers.
    pub(crate) fn new(database: Database, lookups: Arc<Lookups>) -> (Self, HttpMetrics, Metrics) {
        let mut registry = metrics::registry("backdrop-read");
        let (http, events) = (HttpMetrics::register(&mut registry), Metrics::register(&mut registry));
        (Self { registry, database, lookups, stale: Mutex::default() }, http, events)
    }

    pub(crate) const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What is only known when it is asked for.
    pub(crate) async fn gather(&self, now: Timestamp) -> Registry {
        let mut gathered = metrics::gathered();
        let connections = self.database.connections();
        let [idle, used, max] = [connections.idle, connections.used, connections.max].map(i64::from);
        metrics::database_connections(&mut gathered, idle, used, max);
        metrics::configuration_cache_hits(&mut gathered, self.lookups.hits(), self.lookups.misses());
        if let Some(stale) = within_bound(self.data_sets_stale(now)).await {
            let help = "Data sets whose newest record is older than expected";
            metrics::gauge(&mut gathered, "data_sets_stale", help, stale);
        }
        gathered
    }

    /// How many data sets are out of date; `None`: the store does not tell.
    async fn data_sets_stale(&self, now: Timestamp) -> Option<i64> {
        let mut stale = self.stale.lock().await;
        if let Some((asked, count)) = *stale
            && asked.elapsed() < STALE_KEPT
        {
            return Some(count);
        }
        let watched = self.database.freshness().await.ok()?;
        let count = watched.iter().filter(|one| one.seconds_out_of_date(now).is_some()).count();
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        *stale = Some((Instant::now(), count));
        Some(count)
    }
}
