//! Why an attempt at a run failed, and whether another one may help.

use backdrop_core::error::ApiError;
use backdrop_postgres::{ReadError, RunEnd, StoreError};
use backdrop_queue::AppendError;
use std::time::Duration;

/// How long to wait before the second attempt; twice as long before each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);
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
                | Self::NameTaken(_)
                | Self::TooMuch { .. }
                | Self::Rejected { .. }
        )
    }

    /// What becomes of the run.
    pub(super) fn end(&self, attempt: i32, attempts_max: i32) -> RunEnd {
        let text: String = self.to_string().chars().take(TEXT_CHARACTERS_MAX).collect();
        if self.is_final() || attempt >= attempts_max {
            return RunEnd::Failed(text);
        }
        let doublings = u32::try_from(attempt - 1).unwrap_or(0);
        let wait = match self {
            Self::Stopped => Duration::ZERO,
            _ => FIRST_WAIT * 2_u32.saturating_pow(doublings),
        };
        RunEnd::Retry(text, wait)
    }
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

    #[test]
    fn waits_grow_and_come_to_an_end() {
        let waits: Vec<u64> = (1..=6)
            .filter_map(|attempt| match Failure::NotStored.end(attempt, 6) {
                RunEnd::Retry(_, wait) => Some(wait.as_secs()),
                RunEnd::Done(_) | RunEnd::Failed(_) => None,
            })
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16]);
        assert!(matches!(Failure::InputGone.end(1, 6), RunEnd::Failed(_)));
    }
}
