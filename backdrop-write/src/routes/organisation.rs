//! `/organisation/node`: departments, agencies, services and transactions.

use super::documents;
use actix_web::web::ServiceConfig;
use backdrop_core::document::DocumentKind;

pub(super) fn configure(config: &mut ServiceConfig) {
    documents::configure(config, "/organisation/node", DocumentKind::Node);
}
