//! `/_status` and `/_status/ready`.

use super::State;
use crate::backlog::{Picture, Seen};
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use backdrop_core::log::Partition;
use backdrop_postgres::StoreError;
use backdrop_queue::{QueueError, Waiting};
use backdrop_service::health::{self, Check, Dependencies};
use backdrop_service::routing::{get, only};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(web::resource("/_status").route(get().to(alive)).default_service(only("GET, HEAD")))
        .service(web::resource("/_status/ready").route(get().to(ready)).default_service(only("GET, HEAD")));
}

/// Alive, and what waits in the queue, as far as is known without asking anybody.
async fn alive(state: Data<State>) -> impl Responder {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, HeaderValue::from_static("no-cache"))).json(json!({
        "status": "ok",
        "message": "app is up",
        "queue": queue(&state.backlog.picture()),
    }))
}

/// What operators are told of the queue. What is not known is absent; ages are in seconds.
fn queue(picture: &Picture) -> Value {
    let mut told = json!({});
    if let Some(durability) = &picture.durability {
        told["appendfsync"] = json!(durability.value.appendfsync);
        told["maxmemory_policy"] = json!(durability.value.maxmemory_policy);
        told["durability_age_s"] = age(durability);
    }
    if let Some(workers) = &picture.workers_alive {
        told["workers_alive"] = json!(workers.value);
        told["workers_age_s"] = age(workers);
    }
    if let Some(waiting) = &picture.waiting {
        told["backlog"] = backlog(&waiting.value);
        told["backlog_age_s"] = age(waiting);
    }
    told
}

fn age<T>(seen: &Seen<T>) -> Value {
    json!(seconds(seen.at.elapsed()))
}

/// To the millisecond.
fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000.0).round() / 1_000.0
}

/// All that waits, and where.
fn backlog(partitions: &[(Partition, Waiting)]) -> Value {
    let is_known = partitions.iter().all(|(_, waiting)| waiting.entries.is_some());
    let entries: u64 = partitions.iter().filter_map(|(_, waiting)| waiting.entries).sum();
    let bytes: u64 = partitions.iter().map(|(_, waiting)| waiting.bytes).sum();
    let oldest = partitions.iter().filter_map(|(_, waiting)| waiting.oldest_age).max();
    let listed =
        partitions.iter().filter(|(_, waiting)| waiting.entries != Some(0)).map(|(partition, waiting)| {
            json!({
                "partition": partition.0,
                "entries": waiting.entries,
                "bytes": waiting.bytes,
                "oldest_s": waiting.oldest_age.map(seconds),
            })
        });
    json!({
        "entries": is_known.then_some(entries),
        "bytes": bytes,
        "oldest_s": oldest.map(seconds),
        "partitions": listed.collect::<Vec<_>>(),
    })
}

/// Ready to take writes, which takes Redis, and an open epoch of each partition: to open one takes the store, but once
/// all are open, writes are queued without it.
async fn ready(state: Data<State>) -> impl Responder {
    let (redis, postgres) = futures_util::join!(state.redis(), state.postgres());
    let dependencies = Dependencies {
        needed: BTreeMap::from([("redis", redis), ("log", state.log())]),
        helpful: BTreeMap::from([("postgres", postgres)]),
    };
    health::ready(&dependencies, &state.stop)
}

impl State {
    async fn redis(&self) -> Check {
        Check::of(self.queue.ping(), QueueError::explanation).await
    }

    fn log(&self) -> Check {
        let message =
            "the log of writes is not open in this life of Redis; to open it takes Redis and Postgres";
        Check::known(self.ingest.is_prepared().then_some(()).ok_or(message))
    }

    async fn postgres(&self) -> Check {
        Check::of(self.database.ping(), StoreError::explanation).await
    }

    /// Says in the log when a dependency is not there, until the process closes.
    pub(crate) async fn watch(&self) {
        let closing = self.stop.closing();
        futures_util::join!(
            health::watch("redis", || self.redis(), closing),
            health::watch("postgres", || self.postgres(), closing),
        );
    }
}
