//! What happens around every request: it gets an id, its errors their form, and the log one event.

use crate::error_response::{code_of, negotiate};
use crate::metrics::{self, HttpMetrics};
use actix_web::body::BoxBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest};
use std::future::{Ready, ready};
use std::time::Instant;
use uuid::Uuid;

/// Where an id is looked for, in this order: that of today, that of the original's clients, and the
/// trace of the W3C.
const ID_HEADERS: [&str; 3] = ["x-request-id", "govuk-request-id", "traceparent"];
/// The longest id that is taken over; a longer one is not an id.
const ID_BYTES_MAX: usize = 128;
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request: it goes into the answer, the log, and with a batch through the queue.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

impl RequestId {
    /// The id the client gave, if it gave one that can be repeated, or else a new one.
    fn of(headers: &HeaderMap) -> Self {
        let given = ID_HEADERS.iter().find_map(|name| {
            let id = headers.get(*name)?.to_str().ok()?;
            let is_id =
                (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
            is_id.then(|| id.to_owned())
        });
        Self(given.unwrap_or_else(|| Uuid::now_v7().to_string()))
    }
}

impl FromRequest for RequestId {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.extensions().get::<Self>().cloned();
        ready(Ok(id.unwrap_or_else(|| Self::of(request.headers()))))
    }
}

/// A path for the log. A token has no place in one, but may be put there by mistake; those that Backdrop makes are
/// known by how they begin.
fn without_tokens(path: &str) -> String {
    const TOKEN_PREFIX: &str = "backdrop_";
    /// A name of a data set may begin like that, and is shorter.
    const TOKEN_BYTES_MIN: usize = 64;
    let shown = path.split('/').map(|segment| match segment.strip_prefix(TOKEN_PREFIX) {
        Some(secret) if secret.len() >= TOKEN_BYTES_MIN => "backdrop_…",
        _ => segment,
    });
    shown.collect::<Vec<_>>().join("/")
}

/// The middleware: `App::new().wrap(from_fn(request::observe))`.
///
/// # Errors
/// Those of the service inside.
pub async fn observe(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let metrics = request.app_data::<HttpMetrics>().cloned();
    let _in_flight = metrics.as_ref().map(HttpMetrics::begin);
    let id = RequestId::of(request.headers());
    let method = request.method().clone();
    let path = without_tokens(request.path());
    request.extensions_mut().insert(id.clone());
    let mut response = match next.call(request).await {
        Ok(response) => negotiate(response),
        // Errors that actix raises before a route is found.
        Err(error) => return Err(error),
    };
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    let status = response.status().as_u16();
    let route = response.request().match_pattern();
    let took = began.elapsed();
    if let Some(metrics) = metrics {
        metrics.answered(&method, route.clone(), response.status(), took);
    }
    let route = route.unwrap_or_default();
    let duration_ms = took.as_secs_f64() * 1_000.0;
    let code = code_of(response.response());
    // Not the query: it may be long, and the path tells the data set.
    if route.starts_with("/_status") || route == metrics::PATH {
        tracing::debug!(request_id = id.0, %method, path, route, status, code, duration_ms, "request");
    } else {
        tracing::info!(request_id = id.0, %method, path, route, status, code, duration_ms, "request");
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_a_path_is_not_told() {
        let token = format!("backdrop_{}", "0".repeat(64));
        assert_eq!(without_tokens(&format!("/data-sets/a/tokens/{token}")), "/data-sets/a/tokens/backdrop_…");
        assert_eq!(without_tokens("/data-sets/backdrop_figures"), "/data-sets/backdrop_figures");
    }
}
