//! The worker's health over HTTP.

use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use backdrop_postgres::Database;
use backdrop_queue::Queue;
use backdrop_service::error_response::not_found;
use backdrop_service::health::{self, Check};
use backdrop_service::routing::{get, only};
use backdrop_service::serve::Stop;
use std::collections::BTreeMap;

/// What health depends on.
#[derive(Clone, Debug)]
pub(crate) struct Dependencies {
    pub(crate) database: Database,
    pub(crate) queue: Queue,
    pub(crate) stop: Stop,
}

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .service(
            web::resource("/_status")
                .route(get().to(async || health::alive()))
                .default_service(only("GET, HEAD")),
        )
        .service(web::resource("/_status/ready").route(get().to(ready)).default_service(only("GET, HEAD")))
        .default_service(web::to(not_found));
}

async fn ready(dependencies: Data<Dependencies>) -> impl Responder {
    let (postgres, redis) =
        futures_util::join!(Check::of(dependencies.database.ping()), Check::of(dependencies.queue.ping()));
    let checks = BTreeMap::from([("postgres", postgres), ("redis", redis)]);
    let response: HttpResponse = health::ready(&checks, dependencies.stop.is_draining());
    response
}
