//! Faults of the store as errors for clients: what they can do about it, and no more. The details go to
//! the log, here and nowhere else.

use backdrop_core::error::{ApiError, ErrorCode, chain};
use backdrop_postgres::{ReadError, StoreError};
use tracing::{error, warn};

const OUR_FAULT: &str = "Something went wrong on our side. The request id helps us to find out what.";

/// What a client is told when the store failed.
pub(crate) fn of_store(failure: StoreError) -> ApiError {
    let (code, message) = match &failure {
        StoreError::Unavailable(_)
        | StoreError::NoAnswer
        | StoreError::NotMigrated(_)
        | StoreError::TaskLost => {
            (ErrorCode::StoreUnavailable, "The store cannot be reached at the moment; try again later.")
        }
        StoreError::Timeout(_) => (
            ErrorCode::QueryTimeout,
            "The query took too long and was given up; narrow it down with `start_at` and `end_at` or \
             `filter_by`, or try again later.",
        ),
        StoreError::Conflict { .. }
        | StoreError::Corrupt { .. }
        | StoreError::Migration(_)
        | StoreError::Panicked(_)
        | StoreError::Statement(_) => (ErrorCode::Internal, OUR_FAULT),
    };
    let failure_chain = chain(&failure);
    if code == ErrorCode::Internal {
        error!(error = failure_chain, "the store failed");
    } else {
        warn!(error = failure_chain, "the store did not answer");
    }
    ApiError::new(code, message)
}

/// What a client is told when a query has no answer.
pub(crate) fn of_query(failure: ReadError) -> ApiError {
    match failure {
        ReadError::Refused(refusal) => refusal,
        ReadError::Store(failure) => of_store(failure),
    }
}

/// What a client is told when an answer cannot be brought into its form.
pub(crate) fn of_rendering(failure: &dyn std::error::Error) -> ApiError {
    error!(error = chain(failure), "the answer cannot be written");
    ApiError::new(ErrorCode::Internal, OUR_FAULT)
}
