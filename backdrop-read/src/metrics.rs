//! What the query service counts, and what it looks up when it is asked.

use crate::answers::Engine;
use crate::cache::AnswerCache;
use crate::frames::Frames;
use backdrop_core::time::Timestamp;
use backdrop_postgres::{Database, Lookups};
use backdrop_service::metrics::{self, HttpMetrics, within_bound};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
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
    /// In the order of [`Engine::ALL`].
    answers: [Counter; Engine::ALL.len()],
}

impl Metrics {
    /// Adds the families to a registry.
    pub fn register(registry: &mut Registry) -> Self {
        let answers = metrics::counters("engine", &Engine::ALL.map(Engine::as_str));
        let counter = |engine: Engine| answers.get_or_create_owned(&[("engine", engine.as_str())]);
        let metrics = Self { not_modified: Counter::default(), answers: Engine::ALL.map(counter) };
        let help = "Answers without a body, because the client had it already";
        registry.register("not_modified", help, metrics.not_modified.clone());
        registry.register("answers", "Answers with a body, by what they were made from", answers);
        metrics
    }

    /// A client had the answer already.
    pub(crate) fn not_modified(&self) {
        self.not_modified.inc();
    }

    /// A query was answered.
    pub(crate) fn answered(&self, engine: Engine) {
        self.answers[engine as usize].inc();
    }
}

/// What `/metrics` is made of.
#[derive(Debug)]
pub(crate) struct Exposition {
    registry: Registry,
    database: Database,
    lookups: Arc<Lookups>,
    cache: Arc<AnswerCache>,
    frames: Frames,
    /// How many data sets were out of date when that was last asked.
    stale: Mutex<Option<(Instant, i64)>>,
}

impl Exposition {
    /// The registry of the service, with what counts requests and answers.
    pub(crate) fn new(
        database: Database,
        lookups: Arc<Lookups>,
        cache: Arc<AnswerCache>,
        frames: Frames,
    ) -> (Self, HttpMetrics, Metrics) {
        let mut registry = metrics::registry("backdrop-read");
        let (http, events) = (HttpMetrics::register(&mut registry), Metrics::register(&mut registry));
        frames.register(&mut registry);
        (Self { registry, database, lookups, cache, frames, stale: Mutex::default() }, http, events)
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
        self.gather_cached(&mut gathered);
        self.gather_frames(&mut gathered);
        if let Some(stale) = within_bound(self.data_sets_stale(now)).await {
            let help = "Data sets whose newest record is older than expected";
            metrics::gauge(&mut gathered, "data_sets_stale", help, stale);
        }
        gathered
    }

    fn gather_cached(&self, gathered: &mut Registry) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let (bytes, entries) = (number(self.cache.bytes()), number(self.cache.entries()));
        metrics::gauge(gathered, "answer_cache_bytes", "Memory that the answers take that are kept", bytes);
        metrics::gauge(gathered, "answer_cache_entries", "Answers that are kept to be given again", entries);
        let versions = self.database.versions();
        let help = "Questions for the state of a data set, one for each query";
        gathered.register("version_questions", help, ConstCounter::new(versions.questions()));
        let help = "Statements that answered them, each all that had come since the one before";
        gathered.register("version_statements", help, ConstCounter::new(versions.statements()));
    }

    fn gather_frames(&self, gathered: &mut Registry) {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let totals = self.frames.totals();
        metrics::gauge(gathered, "frames", "Data sets that are held in memory", number(totals.frames));
        metrics::gauge(
            gathered,
            "frame_rows",
            "Records of the data sets that are held in memory",
            number(totals.rows),
        );
        let help = "Memory that the data sets take that are held there";
        metrics::gauge(gathered, "frame_bytes", help, number(totals.bytes));
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
