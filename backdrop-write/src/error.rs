//! The errors of the ingest service, and what clients are told of them.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use backdrop_core::error::{ApiError, ErrorCode, chain};
use backdrop_postgres::{SaveError, StoreError};
use backdrop_service::error_response::ErrorResponse;
use std::fmt;
use tracing::error;

/// An error on its way to the client. On a 400 it carries `messages`, which older clients show.
#[derive(Debug)]
pub(crate) struct WriteError(ErrorResponse);

impl WriteError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        ApiError::new(code, message).into()
    }

    /// Adds a header.
    pub(crate) fn with_header(self, name: HeaderName, value: HeaderValue) -> Self {
        Self(self.0.with_header(name, value))
    }
}

impl From<ApiError> for WriteError {
    fn from(error: ApiError) -> Self {
        Self(ErrorResponse::new(error).with_messages())
    }
}

impl From<ErrorResponse> for WriteError {
    fn from(response: ErrorResponse) -> Self {
        Self(response)
    }
}

impl From<StoreError> for WriteError {
    fn from(error: StoreError) -> Self {
        let cause = chain(&error);
        if error.is_transient() {
            error!(error = cause, "store not available");
            Self::new(ErrorCode::StoreUnavailable, "The store is not available just now. Try again.")
        } else {
            error!(error = cause, "store failed");
            Self::new(ErrorCode::Internal, "Something went wrong on our side; it was logged.")
        }
    }
}

impl From<SaveError> for WriteError {
    fn from(error: SaveError) -> Self {
        match error {
            SaveError::Refused(error) => error.into(),
            SaveError::Store(error) => error.into(),
        }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for WriteError {
    fn status_code(&self) -> StatusCode {
        self.0.status_code()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        self.0.error_response()
    }
}
