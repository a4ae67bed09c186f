//! `/module-type`: of which types the modules of dashboards are.

use super::documents::OfKind;
use super::resources;
use actix_web::web::ServiceConfig;
use backdrop_core::document::DocumentKind;

enum ModuleTypes {}

impl OfKind for ModuleTypes {
    const KIND: DocumentKind = DocumentKind::ModuleType;
}

pub(super) fn configure(config: &mut ServiceConfig) {
    resources::configure::<ModuleTypes>(config, "/module-type");
}
