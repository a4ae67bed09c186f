//! What happens around every request: it gets an id, its errors their form, and the log one event.

use crate::error_response::{code_of, negotiate};
use crate::metrics::{self, HttpMetrics};
use crate::trace::{self, TraceParent};
use actix_web::body::BoxBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest};
use backdrop_core::data_set::DataSetName;
use std::borrow::Cow;
use std::future::{Ready, ready};
use std::time::Instant;
use tracing::field::{Empty, display};
use tracing::{Instrument, Span, debug_span, info_span, record_all};
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
            let is_id = (1..=ID_BYTES_MAX).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_graphic())
                && !is_token(id);
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

/// Whether a text is a token that Backdrop has made: they are known by how they begin.
fn is_token(text: &str) -> bool {
    const TOKEN_PREFIX: &str = "backdrop_";
    /// A name of a data set may begin like that, and is shorter.
    const TOKEN_BYTES_MIN: usize = 64;
    text.strip_prefix(TOKEN_PREFIX).is_some_and(|secret| secret.len() >= TOKEN_BYTES_MIN)
}

/// A path for the log. A token has no place in one, but may be put there by mistake.
fn without_tokens(path: &str) -> Cow<'_, str> {
    if !path.split('/').any(is_token) {
        return path.into();
    }
    let shown = path.split('/').map(|segment| if is_token(segment) { "backdrop_…" } else { segment });
    shown.collect::<Vec<_>>().join("/").into()
}

/// The span of a request. What happens in it carries its fields, and goes on to who collects traces; those of health and
/// metrics are asked for all the time, and say nothing.
fn span(request: &ServiceRequest, id: &RequestId, is_quiet: bool) -> Span {
    let (method, path) = (request.method(), without_tokens(request.path()));
    let parent = TraceParent::of(request.headers());
    let path = path.as_ref();
    let span = if is_quiet {
        debug_span!("request", request_id = id.0, trace_id = Empty, %method, path, route = Empty, status = Empty)
    } else {
        info_span!(
            "request", request_id = id.0, trace_id = Empty, %method, path, data_set = Empty, batch = Empty,
            engine = Empty, route = Empty, status = Empty
        )
    };
    trace::join(&span, parent.as_ref());
    span
}

/// Notes which data set the current request is about.
pub fn note_data_set(name: &DataSetName) {
    Span::current().record("data_set", name.as_str());
}

/// Notes which batch the current request has made.
pub fn note_batch(batch: Uuid) {
    Span::current().record("batch", display(batch));
}

/// Notes what the answer to the current request was made from.
pub fn note_engine(engine: &'static str) {
    Span::current().record("engine", engine);
}

/// The middleware: `App::new().wrap(from_fn(request::observe))`. If there are [`HttpMetrics`] in the data of the app, the
/// request is counted there.
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
    let is_quiet = request.path().starts_with("/_status") || request.path() == metrics::PATH;
    let span = span(&request, &id, is_quiet);
    request.extensions_mut().insert(id.clone());
    let mut response = match next.call(request).instrument(span.clone()).await {
        Ok(response) => negotiate(response),
        // Errors that actix raises before a route is found.
        Err(error) => {
            if let Some(metrics) = metrics {
                metrics.answered(&method, None, error.as_response_error().status_code(), began.elapsed());
            }
            return Err(error);
        }
    };
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    let (route, status, took) = (response.request().match_pattern(), response.status(), began.elapsed());
    record_all!(span, route = route.as_deref().unwrap_or_default(), status = status.as_u16());
    if let Some(metrics) = metrics {
        metrics.answered(&method, route, status, took);
    }
    let (code, duration_ms) = (code_of(response.response()), took.as_secs_f64() * 1_000.0);
    // Not the query: it may be long, and the path tells the data set.
    span.in_scope(|| match is_quiet {
        true => tracing::debug!(code, duration_ms, "request"),
        false => tracing::info!(code, duration_ms, "request"),
    });
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
