//! What holds for every answer of this service, whichever route gives it.

use crate::routes::parameters::{Plus, decode};
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, HeaderValue,
};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError};
use backdrop_core::error::{ApiError, ErrorCode};
use backdrop_service::error_response::ErrorResponse;
use backdrop_service::listen::URL_BYTES_KEPT;

/// The longest URL in bytes. The longest query of the original's dashboards has less than 1,000.
const URL_BYTES_MAX: usize = 16 * 1024;
// Of a longer one only the beginning comes here: it must be seen that it is too long.
const _: () = assert!(URL_BYTES_MAX < URL_BYTES_KEPT);

/// The headers that pages of other origins may read, besides those that they always may.
const EXPOSED_HEADERS: HeaderValue =
    HeaderValue::from_static("Content-Disposition, Deprecation, ETag, Link, Retry-After, X-Request-Id");

/// Lets pages of any origin read any answer, errors too, and errors not be kept.
pub(crate) async fn set_headers(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let mut response = next.call(request).await?;
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
    if is_error && !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    Ok(response)
}

/// Refuses URLs that are too long, and paths that are encoded in a way nobody can decode.
pub(crate) async fn refuse_bad_urls(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Err(error) = check_url(&request) else { return next.call(request).await };
    let is_too_long = error.code == ErrorCode::UriTooLong;
    let mut response = ErrorResponse::new(error).error_response();
    if is_too_long {
        // Whoever sends such URLs is at fault; what follows on this connection is not worth reading.
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    Ok(request.into_response(response))
}

fn check_url(request: &ServiceRequest) -> Result<(), ApiError> {
    let uri = request.uri();
    let bytes = uri.path_and_query().map_or(0, |text| text.as_str().len());
    if bytes > URL_BYTES_MAX {
        let message = format!(
            "The URL is longer than {URL_BYTES_MAX} bytes. Shorten the query: ask for less at once, or give fewer filters."
        );
        return Err(ApiError::new(ErrorCode::UriTooLong, message));
    }
    if decode(uri.path(), Plus::Itself).is_none() {
        let message =
            "The path is not percent-encoded UTF-8: after each % there must be two hexadecimal digits.";
        return Err(ApiError::new(ErrorCode::InvalidQuery, message));
    }
    Ok(())
}
