//! What a process tells of itself at `/metrics`, in the text format of OpenMetrics.
//!
//! Each service makes a registry of its own, with families that it hands to where things happen: nothing is global, so
//! that several services can run in one process. What is only known when asked for (the pool, workers alive) is put
//! into a second registry that lives for one answer. What cannot be learnt in time is absent from it: a gauge that
//! stands still would be a lie.
//!
//! **Invariant.** The values of every label are bounded: routes are patterns, methods and outcomes are known, and names
//! of data sets end after a thousand.
//!
//! **Invariant.** `/metrics` answers whatever is broken: all it waits for is bounded by [`within_bound`].

mod data_sets;
mod http;

pub use data_sets::{DataSetCounter, DataSetNames};
pub use http::HttpMetrics;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

/// Where metrics are told.
pub const PATH: &str = "/metrics";
/// The methods of that path.
pub const ALLOW: &str = "GET, HEAD";

const PREFIX: &str = "backdrop";
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// How long the answer waits for what has to be asked for. Prometheus gives a scrape 10 s.
const GATHERED_WITHIN: Duration = Duration::from_secs(1);

/// One label with a value that the code names.
pub type Named = [(&'static str, &'static str); 1];

/// An empty registry for a service, but for what runs.
pub fn registry(service: &'static str) -> Registry {
    let mut registry = Registry::with_prefix(PREFIX);
    let build = Info::new([("service", service), ("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("build", "Which service runs, in which version", build);
    registry
}

/// An empty registry for what is gathered for one answer.
pub fn gathered() -> Registry {
    Registry::with_prefix(PREFIX)
}

/// What was asked for, if it comes in time. The future is dropped when it does not, so it must be safe to cancel.
pub async fn within_bound<T>(asked: impl Future<Output = Option<T>>) -> Option<T> {
    tokio::time::timeout(GATHERED_WITHIN, asked).await.ok().flatten()
}

/// The answer of `/metrics`.
pub fn answer(registries: &[&Registry]) -> HttpResponse {
    let mut text = String::new();
    let written = registries.iter().try_for_each(|registry| encode_registry(&mut text, registry));
    written.and_then(|()| encode_eof(&mut text)).expect("writing to a text does not fail");
    HttpResponse::Ok()
        .content_type(CONTENT_TYPE)
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-cache")))
        .body(text)
}

/// A counter for each of the values of a label, all of them from 0 on: a rate has no first value else.
pub fn counters(label: &'static str, values: &[&'static str]) -> Family<Named, Counter> {
    let family = Family::default();
    for value in values {
        let _from_zero = family.get_or_create(&[(label, *value)]);
    }
    family
}

/// A gauge with one value, as it is now.
pub fn gauge(registry: &mut Registry, name: &str, help: &str, value: i64) {
    registry.register(name, help, ConstGauge::new(value));
}

/// How the connections to Postgres are used.
pub fn database_connections(registry: &mut Registry, idle: i64, used: i64, max: i64) {
    let connections: Family<Named, Gauge> = Family::default();
    for (state, count) in [("idle", idle), ("used", used)] {
        connections.get_or_create(&[("state", state)]).set(count);
    }
    registry.register("database_connections", "Connections to Postgres that are open", connections);
    gauge(registry, "database_connections_max", "The most connections to Postgres that are opened", max);
}

/// How often configuration was at hand when it was needed, and how often it had to be looked for.
pub fn configuration_cache_hits(registry: &mut Registry, hits: u64, misses: u64) {
    let found: Family<Named, Counter> = Family::default();
    found.get_or_create(&[("result", "hit")]).inc_by(hits);
    found.get_or_create(&[("result", "miss")]).inc_by(misses);
    let help =
        "Data sets that were looked for in the configuration the process keeps, by whether they were there";
    registry.register("configuration_cache_hits", help, found);
}

/// Entries that the log has lost, as the store notes them.
pub fn log_gaps(registry: &mut Registry, gaps: u64, entries: u64) {
    let help = "Gaps of the log that are noted in the store; every worker tells the same number";
    registry.register("log_gaps", help, ConstCounter::new(gaps));
    let help = "Entries that are missing in the gaps of the log; every worker tells the same number";
    registry.register("log_gap_entries", help, ConstCounter::new(entries));
}

/// A gauge of seconds for each partition.
pub fn seconds_by_partition(
    registry: &mut Registry,
    name: &str,
    help: &str,
    values: impl Iterator<Item = (u16, f64)>,
) {
    let gauges: Family<[(&'static str, u16); 1], Gauge<f64, std::sync::atomic::AtomicU64>> =
        Family::default();
    for (partition, seconds) in values {
        gauges.get_or_create(&[("partition", partition)]).set(seconds);
    }
    registry.register_with_unit(name, help, Unit::Seconds, gauges);
}

/// A gauge for each partition.
pub fn by_partition(
    registry: &mut Registry,
    name: &str,
    help: &str,
    values: impl Iterator<Item = (u16, i64)>,
) {
    let gauges: Family<[(&'static str, u16); 1], Gauge> = Family::default();
    for (partition, value) in values {
        gauges.get_or_create(&[("partition", partition)]).set(value);
    }
    registry.register(name, help, gauges);
}
