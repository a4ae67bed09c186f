//! `/module-type`: of which types the modules of dashboards are.

use super::documents;
use actix_web::web::ServiceConfig;
use backdrop_core::document::DocumentKind;

pub(super) fn configure(config: &mut ServiceConfig) {
    documents::configure(config, "/module-type", DocumentKind::ModuleType);
}
