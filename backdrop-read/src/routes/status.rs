//! `/_status`: whether the process lives; `/_status/ready`: whether it can answer queries.

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};
use backdrop_postgres::{Database, StoreError};
use backdrop_service::health::{self, Check, Dependencies};
use backdrop_service::routing::{get, only};
use backdrop_service::serve::Stop;
use std::collections::BTreeMap;

pub(super) const ALLOW: &str = "GET, HEAD";

/// What readiness depends on.
#[derive(Debug)]
pub struct Health {
    pub(super) database: Database,
    stop: Stop,
}

impl Health {
    /// Ready as long as the store answers and the process is not stopping.
    pub const fn new(database: Database, stop: Stop) -> Self {
        Self { database, stop }
    }

    /// Whether the store is there.
    pub async fn postgres(&self) -> Check {
        Check::of(self.database.ping(), StoreError::explanation).await
    }

    /// Says in the log when it is not, until the process closes.
    pub async fn watch(&self) {
        health::watch("postgres", || self.postgres(), self.stop.closing()).await;
    }
}

/// Adds the routes of this module.
pub fn configure(config: &mut ServiceConfig) {
    let other = || only(ALLOW);
    config
        .service(web::resource("/_status").route(get().to(alive)).default_service(other()))
        .service(web::resource("/_status/ready").route(get().to(ready)).default_service(other()));
}

/// Whether the process lives
#[utoipa::path(
    get,
    path = "/_status",
    tag = "health",
    responses((
        status = 200, description = "As long as the process answers.", content_type = "application/json",
        body = Object, example = json!({"status": "ok", "message": "app is up"}),
    )),
)]
pub(crate) async fn alive() -> HttpResponse {
    health::alive()
}

/// Whether queries can be answered
#[utoipa::path(
    get,
    path = "/_status/ready",
    tag = "health",
    responses(
        (
            status = 200, description = "They can.", content_type = "application/json", body = Object,
            example = json!({
                "status": "ok", "message": "ready", "dependencies": {"postgres": {"ok": true, "latency_ms": 0.4, "needed": true}}
            }),
        ),
        (
            status = 503, description = "A dependency is not available, or the process is stopping.",
            content_type = "application/json", body = Object,
        ),
    ),
)]
pub(crate) async fn ready(health: web::Data<Health>) -> HttpResponse {
    let needed = BTreeMap::from([("postgres", health.postgres().await)]);
    health::ready(&Dependencies { needed, ..Dependencies::default() }, &health.stop)
}
