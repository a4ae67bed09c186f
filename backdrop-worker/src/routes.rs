//! The worker's health over HTTP.

use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use backdrop_postgres::{Database, StoreError};
use backdrop_queue::{Queue, QueueError};
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

impl Dependencies {
    async fn postgres(&self) -> Check {
        Check::of(self.database.ping(), StoreError::explanation).await
    }

    async fn redis(&self) -> Check {
        Check::of(self.queue.ping(), QueueError::explanation).await
    }

    /// Says in the log when a dependency is not there, until the process closes.
    pub(crate) async fn watch(&self) {
        let closing = self.stop.closing();
        futures_util::join!(
            health::watch("postgres", || self.postgres(), closing),
            health::watch("redis", || self.redis(), closing),
        );
    }
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
    let (postgres, redis) = futures_util::join!(dependencies.postgres(), dependencies.redis());
    let needed = BTreeMap::from([("postgres", postgres), ("redis", redis)]);
    let response: HttpResponse = health::ready(
        &health::Dependencies { needed, ..health::Dependencies::default() },
        &dependencies.stop,
    );
    response
}
