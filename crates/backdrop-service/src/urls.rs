//! Refusing URLs that no handler should see, with an error that says what is wrong with them.

use crate::error_response::ErrorResponse;
use crate::listen::URL_BYTES_KEPT;
use crate::parameters::{Plus, decode};
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError};
use backdrop_core::error::{ApiError, ErrorCode};

/// The longest URL in bytes. The longest query of the original's dashboards has less than 1,000.
const URL_BYTES_MAX: usize = 16 * 1024;
// Of a longer one only the beginning comes here: it must be seen that it is too long.
const _: () = assert!(URL_BYTES_MAX < URL_BYTES_KEPT);

/// Refuses URLs that are too long, and paths that are encoded in a way nobody can decode. A middleware for
/// [`from_fn`](actix_web::middleware::from_fn).
///
/// # Errors
/// Those of what comes after it.
pub async fn refuse_bad(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Err(error) = check(&request) else { return next.call(request).await };
    let is_too_long = error.code == ErrorCode::UriTooLong;
    let mut response = ErrorResponse::new(error).with_messages().error_response();
    if is_too_long {
        // Whoever sends such URLs is at fault; what follows on this connection is not worth reading.
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    Ok(request.into_response(response))
}

fn check(request: &ServiceRequest) -> Result<(), ApiError> {
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
