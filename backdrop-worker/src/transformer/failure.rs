//! Why an attempt at a run failed, and whether another one may help.

use backdrop_core::error::ApiError;
use backdrop_postgres::{ReadError, RunEnd, StoreError, TakenRun};
use backdrop_queue::AppendError;
use std::time::Duration;

/// How long to wait before the second attempt; twice as long before each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait, in an outage.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// The longest text that is kept of a failure, in characters.
const TEXT_CHARACTERS_MAX: usize = 2_000;

/// Why an attempt failed. The texts are shown to administrators.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("The data set that it reads was deleted.")]
    InputGone,
    #[error("The transform cannot be run: {0}")]
    Definition(ApiError),
    #[error("The query cannot be answered: {0}")]
    Query(ApiError),
    #[error("The data set for the results cannot be made: the name \"{0}\" is taken by another one.")]
    NameTaken(String),
    #[error(
        "It makes {found} {unit}; at most {most} are stored at once. Choose a longer period, or run it over less time."
    )]
    TooMuch { found: usize, most: usize, unit: &'static str },
    #[error(
        "The results break the rules of {data_set}, where they are kept as rejected batch {batch}: {lines}"
    )]
    Rejected { data_set: String, batch: uuid::Uuid, lines: String },
    #[error("The data set for the results was deleted meanwhile.")]
    OutputGone,
    #[error("The results were not stored in time.")]
    NotStored,
    #[error("It took too long.")]
    TookTooLong,
    #[error("The worker was stopped.")]
    Stopped,
    #[error("Another worker has taken it over.")]
    TakenOver,
    #[error("The store is not available just now.")]
    Store(#[source] StoreError),
    #[error("The queue is not available just now.")]
    Queue(#[source] AppendError),
    #[error("Something went wrong on our side; it was logged.")]
    Lost(#[source] tokio::task::JoinError),
    #[error("Something went wrong on our side; it was logged.")]
    Unreadable(#[source] serde_json::Error),
}

impl Failure {
    /// Whether the same will happen again, whatever else does.
    const fn is_final(&self) -> bool {
        matches!(
            self,
            Self::InputGone
                | Self::Definition(_)
                // The store's own failures are not among these; what the records do not allow stays so until they
                // change, which makes another run.
                | Self::Query(_)
                | Self::NameTaken(_)
                | Self::TooMuch { .. }
                | Self::Rejected { .. }
        )
    }

    /// Whether it is nobody's fault, least of all the run's: it will go through as soon as everything is there.
    const fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Queue(_) | Self::NotStored | Self::Stopped | Self::TakenOver => true,
            _ => false,
        }
    }

    /// What becomes of the run.
    pub(super) fn end(&self, run: &TakenRun, failures_max: i32) -> RunEnd {
        let text: String = self.to_string().chars().take(TEXT_CHARACTERS_MAX).collect();
        if matches!(self, Self::Stopped) {
            return RunEnd::Postponed(text, Duration::ZERO);
        }
        if self.is_transient() {
            return RunEnd::Postponed(text, wait_after(run.attempt));
        }
        if self.is_final() || run.failures >= failures_max {
            return RunEnd::Failed(text);
        }
        RunEnd::Retry(text, wait_after(run.failures))
    }
}

/// How long to wait after so many attempts.
fn wait_after(attempts: i32) -> Duration {
    let doublings = u32::try_from(attempts - 1).unwrap_or(0);
    FIRST_WAIT.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_WAIT)
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Refused(error) => Self::Query(error),
            ReadError::Store(error) => Self::Store(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backdrop_core::error::ErrorCode;

    #[test]
    fn what_the_query_does_not_allow_is_not_tried_again() {
        let refused = || ApiError::new(ErrorCode::InvalidQuery, "sum: count is a text");
        assert!(Failure::Query(refused()).is_final());
        assert!(Failure::from(ReadError::Refused(refused())).is_final());
        assert!(!Failure::TookTooLong.is_final());
    }

    #[test]
    fn waits_grow_and_have_a_bound() {
        let waits: Vec<u64> = (1..=7).map(|attempt| wait_after(attempt).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(wait_after(i32::MAX), LONGEST_WAIT);
    }
}
