//! The worker's health and metrics over HTTP.

use crate::metrics::{Metrics, gather};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use backdrop_postgres::Database;
use backdrop_queue::Queue;
use backdrop_service::error_response::not_found;
use backdrop_service::health::{self, Check};
use backdrop_service::metrics;
use backdrop_service::routing::{get, only};
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

/// What health depends on.
#[derive(Debug)]
pub(crate) struct Dependencies {
    pub(crate) database: Database,
    pub(crate) queue: Queue,
    /// What `/metrics` tells of what was counted.
    pub(crate) registry: Registry,
    pub(crate) metrics: Metrics,
    pub(crate) stop: CancellationToken,
}

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .service(
            web::resource("/_status")
                .route(get().to(async || health::alive()))
                .default_service(only("GET, HEAD")),
        )
        .service(web::resource("/_status/ready").route(get().to(ready)).default_service(only("GET, HEAD")))
        .service(web::resource(metrics::PATH).route(get().to(metrics)).default_service(only(metrics::ALLOW)))
        .default_service(web::to(not_found));
}

async fn metrics(dependencies: Data<Dependencies>) -> HttpResponse {
    metrics::answer(&[&dependencies.registry, &gather(&dependencies).await])
}

async fn ready(dependencies: Data<Dependencies>) -> impl Responder {
    let (postgres, redis) =
        futures_util::join!(Check::of(dependencies.database.ping()), Check::of(dependencies.queue.ping()));
    let checks = BTreeMap::from([("postgres", postgres), ("redis", redis)]);
    let response: HttpResponse = health::ready(&checks, dependencies.stop.is_cancelled());
    response
}
