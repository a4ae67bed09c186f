//! `/metrics`: what the process tells Prometheus.

use crate::metrics::Exposition;
use actix_web::HttpResponse;
use actix_web::web::{self, Data, ServiceConfig};
use backdrop_service::clock;
use backdrop_service::metrics::{ALLOW, PATH, answer};
use backdrop_service::routing::{get, only};

/// Adds the route of this module.
pub fn configure(config: &mut ServiceConfig) {
    config.service(web::resource(PATH).route(get().to(metrics)).default_service(only(ALLOW)));
}

/// What the process counts
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "health",
    responses((
        status = 200, description = "OpenMetrics", content_type = "application/openmetrics-text", body = String,
    )),
)]
pub(crate) async fn metrics(exposition: Data<Exposition>) -> HttpResponse {
    answer(&[exposition.registry(), &exposition.gather(clock::now()).await])
}
