//! Errors as HTTP answers: one envelope for all of them, or RFC 9457 for who asks for it.

use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use backdrop_core::error::{ApiError, ErrorCode};
use backdrop_core::record::Violation;
use serde::Serialize;
use std::fmt;

/// An [`ApiError`] on its way to the client, with the headers that go with it.
#[derive(Clone, Debug)]
pub struct ErrorResponse {
    error: ApiError,
    headers: Vec<(HeaderName, HeaderValue)>,
    messages: Option<Vec<String>>,
}

impl ErrorResponse {
    /// The answer to an error. 401 carries `WWW-Authenticate`, 503 `Retry-After`.
    pub fn new(error: ApiError) -> Self {
        let mut headers = Vec::new();
        match error.code.status() {
            401 => headers.push((header::WWW_AUTHENTICATE, HeaderValue::from_static("bearer"))),
            503 => headers.push((header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS))),
            _ => {}
        }
        Self { error, headers, messages: None }
    }

    /// Adds a header.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Adds `messages`, a list of texts, if the status is 400: older clients show them to people.
    pub fn with_messages(mut self) -> Self {
        if self.error.code.status() == 400 {
            let lines = self.error.violations.as_ref().map(|violations| violations.lines());
            self.messages = Some(lines.unwrap_or_else(|| vec![self.error.message.clone()]));
        }
        self
    }
}

/// How long a client is asked to wait after a 503: about as long as a restart of a dependency takes.
pub(crate) const RETRY_AFTER_SECONDS: &str = "5";

impl fmt::Display for ErrorResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl From<ApiError> for ErrorResponse {
    fn from(error: ApiError) -> Self {
        Self::new(error)
    }
}

/// The envelope that clients of the original know, with what is new beside it.
#[derive(Serialize)]
struct Envelope<'a> {
    status: &'static str,
    code: ErrorCode,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<&'a [Violation]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors_total: Option<usize>,
}

/// RFC 9457.
#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    code: ErrorCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<&'a [Violation]>,
}

impl ErrorResponse {
    fn listed(&self) -> Option<&[Violation]> {
        self.error.violations.as_ref().map(|violations| violations.listed.as_slice())
    }

    fn builder(&self) -> HttpResponseBuilder {
        let mut builder = HttpResponse::build(self.status_code());
        for (name, value) in &self.headers {
            builder.append_header((name.clone(), value.clone()));
        }
        builder
    }

    fn as_problem(&self, instance: &str) -> HttpResponse {
        let problem = Problem {
            // A name, not an address: what it means stands in docs/errors.md.
            r#type: format!("urn:backdrop:error:{}", self.error.code.as_str()),
            title: self.error.code.title(),
            status: self.error.code.status(),
            detail: &self.error.message,
            instance,
            code: self.error.code,
            errors: self.listed(),
        };
        let text = serde_json::to_string(&problem).expect("texts and numbers can be written");
        self.builder().content_type(PROBLEM_JSON).body(text)
    }
}

const PROBLEM_JSON: &str = "application/problem+json";

impl ResponseError for ErrorResponse {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let envelope = Envelope {
            status: "error",
            code: self.error.code,
            message: &self.error.message,
            messages: self.messages.as_deref(),
            errors: self.listed(),
            errors_total: self.error.violations.as_ref().map(|violations| violations.total),
        };
        let mut response = self.builder().json(envelope);
        // For the middleware that knows what the client accepts, and the one that logs.
        response.extensions_mut().insert(self.clone());
        response
    }
}

/// Answers in the form of RFC 9457 if the answer is one of our errors and the client asks for it.
pub(crate) fn negotiate(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let accept = response.request().headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if !accept.is_some_and(|accept| accept.contains(PROBLEM_JSON)) {
        return response;
    }
    let error = response.response().extensions().get::<ErrorResponse>().cloned();
    let Some(error) = error else { return response };
    let problem = error.as_problem(response.request().path());
    let (request, _) = response.into_parts();
    ServiceResponse::new(request, problem)
}

/// The code of the error an answer carries, if it is one.
pub(crate) fn code_of<B>(response: &HttpResponse<B>) -> Option<&'static str> {
    response.extensions().get::<ErrorResponse>().map(|error| error.error.code.as_str())
}

/// The answer to a path that does not exist.
///
/// # Errors
/// Always; the form is that of a handler.
pub async fn not_found() -> Result<HttpResponse, ErrorResponse> {
    Err(ApiError::new(ErrorCode::NotFound, "There is nothing at this path.").into())
}

/// The answer to a known path with another method; `allow` lists the ones it takes.
pub(crate) fn method_not_allowed(allow: &'static str) -> ErrorResponse {
    let message = format!("This path takes only: {allow}.");
    ErrorResponse::new(ApiError::new(ErrorCode::MethodNotAllowed, message))
        .with_header(header::ALLOW, HeaderValue::from_static(allow))
}
