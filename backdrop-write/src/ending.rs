//! How a write ended, and what its client is told if nothing was stored.

use backdrop_core::batch::Outcome;
use backdrop_core::error::{ApiError, ErrorCode};
use backdrop_core::record::Violations;
use backdrop_postgres::BatchRow;

/// How a batch ended.
#[derive(Clone, Debug)]
pub(crate) enum Ended {
    /// It is committed; with its row, if who waits needs more than that.
    Stored(Option<Box<BatchRow>>),
    /// It was not stored; its row tells why, if that is still known.
    NotStored(Box<BatchRow>),
}

impl Ended {
    /// Its row, if it was looked at.
    pub(crate) fn row(&self) -> Option<&BatchRow> {
        match self {
            Self::Stored(row) => row.as_deref(),
            Self::NotStored(row) => Some(row),
        }
    }
}

impl From<BatchRow> for Ended {
    fn from(row: BatchRow) -> Self {
        match row.outcome {
            Outcome::Stored => Self::Stored(Some(Box::new(row))),
            Outcome::Rejected | Outcome::Dead => Self::NotStored(Box::new(row)),
        }
    }
}

/// What a client is told of a batch that was not stored.
pub(crate) fn not_stored(outcome: Outcome, violations: Option<Violations>) -> ApiError {
    let (code, message) = match (outcome, &violations) {
        (Outcome::Dead, _) => (ErrorCode::DeadLetter, "The batch could not be processed; it is kept."),
        (_, Some(_)) => {
            (ErrorCode::InvalidRecords, "Nothing was stored: the batch breaks rules, see messages.")
        }
        (_, None) => (
            ErrorCode::InvalidRecords,
            "Nothing was stored: the batch broke rules, and what was wrong with it is no longer kept.",
        ),
    };
    let refusal = violations.as_ref().filter(|violations| !violations.blame_records());
    match refusal.and_then(|refusal| refusal.listed.first()) {
        // No record is to blame, so that is all there is to say.
        Some(refusal) => ApiError::new(refusal.code, refusal.message.clone()),
        None => ApiError { violations: violations.map(Box::new), ..ApiError::new(code, message) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_the_request_decides_the_status_and_faults_of_records_do_not() {
        for (code, status) in [
            (ErrorCode::IdempotencyMismatch, 422),
            (ErrorCode::AlreadyReplayed, 409),
            (ErrorCode::RejectedNotFound, 404),
            (ErrorCode::RecordNotFound, 400),
            (ErrorCode::DataSetNotFound, 404),
        ] {
            let error = not_stored(Outcome::Rejected, Some(Violations::blame(code, "why")));
            assert_eq!((error.code.status(), &*error.message, error.violations), (status, "why", None));
        }
        let mut faulty = Violations::blame(ErrorCode::InvalidKey, "why");
        faulty.listed[0].record = 1;
        let error = not_stored(Outcome::Rejected, Some(faulty));
        assert_eq!(error.code, ErrorCode::InvalidRecords);
        assert!(error.violations.is_some());
        assert!(not_stored(Outcome::Rejected, None).message.contains("no longer kept"));
    }
}
