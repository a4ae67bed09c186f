//! `GET /metrics`.

use super::State;
use crate::metrics::gather;
use actix_web::HttpResponse;
use actix_web::web::{self, Data, ServiceConfig};
use backdrop_service::metrics::{ALLOW, PATH, answer};
use backdrop_service::routing::{get, only};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(web::resource(PATH).route(get().to(metrics)).default_service(only(ALLOW)));
}

async fn metrics(state: Data<State>) -> HttpResponse {
    answer(&[&state.registry, &gather(&state).await])
}
