//! What holds for every answer of this service, whichever route gives it.

use crate::routes::parameters::{Plus, decode};
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, HeaderValue,
};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError};
use backdrop_core::error::{ApiError, ErrorCode};
use backdrop_service::error_response::ErrorResponse;

/// The longest URL in bytes. The longest query of the original's dashboards has less than 1,000.
const URL_BYTES_MAX: usize = 16 * 1024;

/// The headers that pages of other origins may read, besides those that they always may.
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static("ETag, Link, X-Request-Id");

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
    match check_url(&request) {
        Ok(()) => next.call(request).await,
        Err(error) => Ok(request.into_response(ErrorResponse::new(error).error_response())),
    }
}

fn check_url(request: &ServiceRequest) -> Result<(), ApiError> {
    let uri = request.uri();
    let bytes = uri.path_and_query().map_or(0, |text| text.as_str().len());
    if bytes > URL_BYTES_MAX {
        let message =
            format!("The URL has {bytes} bytes; at most {URL_BYTES_MAX} are read. Shorten the query.");
        return Err(ApiError::new(ErrorCode::UriTooLong, message));
    }
    if decode(uri.path(), Plus::Itself).is_none() {
        let message =
            "The path is not percent-encoded UTF-8: after each % there must be two hexadecimal digits.";
        return Err(ApiError::new(ErrorCode::InvalidQuery, message));
    }
    Ok(())
}
