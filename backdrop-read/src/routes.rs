//! The paths of the service. Each module has its own `configure`.

pub mod data;
pub mod data_sets;
pub mod docs;
pub mod metrics;
pub mod status;

use actix_web::web::{self, ServiceConfig};
use backdrop_service::error_response::not_found;

/// Adds all routes. The data sets come last: the name of one could be any path.
pub fn configure(config: &mut ServiceConfig) {
    status::configure(config);
    data_sets::configure(config);
    docs::configure(config);
    metrics::configure(config);
    data::configure(config);
    config.default_service(web::to(not_found));
}
