//! Telling work that takes long from work that will never end.
//!
//! Work waits for answers of Postgres, for locks of this process, or for time to pass; each wakes it. Between two
//! of these it is not longer than the longest of them may take. So work that nobody wakes for longer waits for
//! something that does not come.

use crate::StoreError;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long work may go on once its time is over: in a process that stood still itself, the answer has come, too.
const ONCE_MORE: Duration = Duration::from_millis(500);

/// Does the work, unless nothing happens to it for so long. `given_up` is called before what the work holds is let go.
///
/// # Errors
/// Those of the work; [`StoreError::NoAnswer`] if it is given up.
pub(crate) async fn give_up_after<T>(
    silence: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
    given_up: impl Fn(),
) -> Result<T, StoreError> {
    let mut work = pin!(work);
    let mut quiet = pin!(sleep(silence));
    let mut is_over = false;
    poll_fn(|context| {
        loop {
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(done);
            }
            if is_over && quiet.is_elapsed() {
                given_up();
                return Poll::Ready(Err(StoreError::NoAnswer));
            }
            // Unless something else than the time has woken us.
            is_over = quiet.is_elapsed();
            quiet.as_mut().reset(Instant::now() + if is_over { ONCE_MORE } else { silence });
            if quiet.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::future::pending;

    const SILENCE: Duration = Duration::from_millis(500);

    #[tokio::test]
    async fn work_may_take_as_long_as_something_happens() {
        let began = Instant::now();
        let busy = async {
            while began.elapsed() < 2 * SILENCE {
                sleep(SILENCE / 5).await;
            }
            Ok(())
        };
        assert!(give_up_after(SILENCE, busy, || panic!("it was given up")).await.is_ok());
    }

    #[tokio::test]
    async fn work_that_nobody_wakes_is_given_up() {
        let began = Instant::now();
        let silent = async {
            sleep(SILENCE / 5).await;
            pending::<Result<(), StoreError>>().await
        };
        let is_told = Cell::new(false);
        let given_up = give_up_after(SILENCE, silent, || is_told.set(true)).await;
        assert!(is_told.get());
        assert!(matches!(given_up, Err(StoreError::NoAnswer)));
        assert!(began.elapsed() >= SILENCE + SILENCE / 5, "not before");
    }
}
