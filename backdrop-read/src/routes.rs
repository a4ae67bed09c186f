//! The paths of the service. Each module has its own `configure`.

pub mod data;
pub mod data_sets;
pub mod docs;
pub mod metrics;
pub mod status;

use actix_web::web::{self, ServiceConfig};
use backdrop_service::error_response::not_found;

/// Adds all routes. They are tried in this order, so that which is asked for most comes first.
pub fn configure(config: &mut ServiceConfig) {
    data::configure(config);
    status::configure(config);
    data_sets::configure(config);
    docs::configure(config);
    metrics::configure(config);
    data::configure_by_name(config);
    config.default_service(web::to(not_found));
}
