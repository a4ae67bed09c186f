//! What holds for every answer of every service, whichever route gives it.
//!
//! `Strict-Transport-Security` is not among the headers: the services speak plain HTTP, and who puts TLS in front of
//! them also knows whether all of its name is served so.

use crate::serve::Stop;
use actix_web::Error;
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::web::Data;

/// Answers are data: a browser that is led to show one as a page loads nothing, runs nothing and frames nothing.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Sets the headers of security, and closes connections while the process drains, which it learns from
/// `Data<Stop>`. The outermost middleware: also what others refuse passes here.
///
/// # Errors
/// Those of the service inside.
pub async fn guard(request: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse<BoxBody>, Error> {
    let stop = request.app_data::<Data<Stop>>().cloned();
    let has_credentials = request.headers().contains_key(AUTHORIZATION);
    let mut response = next.call(request).await?;
    if stop.is_some_and(|stop| stop.is_draining()) {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    }
    // What only the holder of a token may see, a new token at times, is kept by nobody on the way.
    if has_credentials && !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}
