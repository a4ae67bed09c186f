//! `/_status` and `/_status/ready`.

use super::State;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use backdrop_service::health::{self, Check};
use backdrop_service::routing::{get, only};
use serde_json::json;
use std::collections::BTreeMap;

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(web::resource("/_status").route(get().to(alive)).default_service(only("GET, HEAD")))
        .service(web::resource("/_status/ready").route(get().to(ready)).default_service(only("GET, HEAD")));
}

/// Alive, and with which durability batches are queued, as far as is known.
async fn alive(state: Data<State>) -> impl Responder {
    let durability = state.ingest.known_durability();
    HttpResponse::Ok().insert_header((CACHE_CONTROL, HeaderValue::from_static("no-cache"))).json(json!({
        "status": "ok",
        "message": "app is up",
        "queue": {"appendfsync": durability.map(|durability| durability.appendfsync)},
    }))
}

/// Ready to take writes. The store is not asked: without it writes are queued all the same.
async fn ready(state: Data<State>) -> impl Responder {
    let checks = BTreeMap::from([("redis", Check::of(state.queue.ping()).await)]);
    health::ready(&checks, state.stop.is_cancelled())
}
