//! `/organisation/node`: departments, agencies, services and transactions.

use super::documents::OfKind;
use super::resources;
use actix_web::web::ServiceConfig;
use backdrop_core::document::DocumentKind;

enum Nodes {}

impl OfKind for Nodes {
    const KIND: DocumentKind = DocumentKind::Node;
}

pub(super) fn configure(config: &mut ServiceConfig) {
    resources::configure::<Nodes>(config, "/organisation/node");
}
