//! `/openapi.json`: this service described for programs; `/docs`: for people, by Swagger UI.
//!
//! All that the page loads is compiled in and comes from here.

use super::status::ALLOW;
use crate::openapi;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, X_CONTENT_TYPE_OPTIONS};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, HttpResponseBuilder};
use backdrop_core::error::{ApiError, ErrorCode};
use backdrop_service::error_response::{ErrorResponse, not_found};
use backdrop_service::routing::{get, only};
use std::sync::LazyLock;
use tracing::error;

const PAGE: &str = include_str!("docs/page.html");

/// The files of the page: name, type, content. The build unpacks those of Swagger UI.
const FILES: [(&str, &str, &str); 3] = [
    ("start.js", JAVASCRIPT, include_str!("docs/start.js")),
    ("swagger-ui-bundle.js", JAVASCRIPT, include_str!(concat!(env!("OUT_DIR"), "/swagger-ui-bundle.js"))),
    ("swagger-ui.css", "text/css; charset=utf-8", include_str!(concat!(env!("OUT_DIR"), "/swagger-ui.css"))),
];
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// The page may load and ask for what is here, and nothing else. Swagger UI sets styles on its elements,
/// and its pictures stand in its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// The same for as long as the process lives; `None` if it cannot be written.
static DOCUMENT: LazyLock<Option<String>> = LazyLock::new(|| {
    let written = openapi::json();
    written.inspect_err(|error| error!(%error, "the OpenAPI document cannot be written")).ok()
});

/// Adds the routes of this module.
pub fn configure(config: &mut ServiceConfig) {
    let resource = |path: &str| web::resource(path).default_service(only(ALLOW));
    config
        .service(resource("/openapi.json").route(get().to(document)))
        .service(resource("/docs").route(get().to(page)))
        .service(resource("/docs/{file}").route(get().to(file)));
}

/// This document
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "about",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json", body = Object)),
)]
pub(crate) async fn document() -> Result<HttpResponse, ErrorResponse> {
    let Some(document) = DOCUMENT.as_deref() else {
        return Err(ApiError::new(ErrorCode::Internal, "Something went wrong on our side.").into());
    };
    Ok(fresh().content_type(ContentType::json()).body(document))
}

/// This document as a page
#[utoipa::path(
    get,
    path = "/docs",
    tag = "about",
    responses((status = 200, description = "A page that needs JavaScript", content_type = "text/html", body = String)),
)]
pub(crate) async fn page() -> HttpResponse {
    fresh().content_type(ContentType::html()).insert_header((CONTENT_SECURITY_POLICY, POLICY)).body(PAGE)
}

async fn file(name: web::Path<String>) -> Result<HttpResponse, ErrorResponse> {
    let found = FILES.iter().find(|(file, _, _)| *file == name.as_str());
    let Some((_, content_type, content)) = found else { return not_found().await };
    Ok(fresh().content_type(*content_type).body(*content))
}

/// Kept by browsers, but not without asking: a new version of the service may bring other files.
fn fresh() -> HttpResponseBuilder {
    let mut builder = HttpResponse::Ok();
    builder.insert_header((CACHE_CONTROL, "no-cache")).insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"));
    builder
}
