//! Answers that are being made, each once for all who wait for it.
//!
//! An answer is made in a task of its own, so that it does not depend on the request that was first; it is given up when
//! nobody waits for it any more. The task is one of the thread that asks first: to go elsewhere and back takes as long as
//! a small answer.

use super::Stored;
use crate::fault;
use crate::identity::Tag;
use backdrop_core::error::ApiError;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use tokio::sync::watch::error::RecvError;
use tracing::{Instrument, Span};

type Outcome = Result<Arc<Stored>, ApiError>;

/// An answer, and whose.
#[derive(Debug)]
pub(crate) enum Landed {
    /// It was made for this request.
    Made(Arc<Stored>),
    /// It was kept, or made for another request that asked the same.
    Shared(Arc<Stored>),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Flights {
    /// What is being made, and who is to be told.
    under_way: Arc<Mutex<HashMap<Tag, watch::Sender<Option<Outcome>>>>>,
}

impl Flights {
    /// Waits for the answer that is being made; else looks once more for the one that is kept; else makes it.
    pub(super) async fn share<F>(
        &self,
        tag: Tag,
        kept: impl Fn() -> Option<Arc<Stored>>,
        make: impl FnOnce() -> F,
    ) -> Result<Landed, ApiError>
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let mut was_lost = false;
        loop {
            match self.join(tag, &kept) {
                Joined::Kept(stored) => return Ok(Landed::Shared(stored)),
                Joined::First(flight, waiting) => {
                    tokio::spawn(flight.make(make()).instrument(Span::current()));
                    let outcome = outcome(waiting).await;
                    return outcome.unwrap_or_else(|lost| Err(fault::of_rendering(&lost))).map(Landed::Made);
                }
                Joined::Later(waiting) => match outcome(waiting).await {
                    Ok(outcome) => return outcome.map(Landed::Shared),
                    // If it got lost with the thread that made it, it is made again; if that is not why, that is no use.
                    Err(_) if !was_lost => was_lost = true,
                    Err(lost) => return Err(fault::of_rendering(&lost)),
                },
            }
        }
    }

    fn join(&self, tag: Tag, kept: impl FnOnce() -> Option<Arc<Stored>>) -> Joined {
        match self.under_way().entry(tag) {
            Entry::Occupied(flight) => Joined::Later(flight.get().subscribe()),
            Entry::Vacant(place) => {
                // It was kept before it was taken off the list, so one that has just been made is seen here.
                if let Some(stored) = kept() {
                    return Joined::Kept(stored);
                }
                let (sender, waiting) = watch::channel(None);
                place.insert(sender.clone());
                Joined::First(Flight { flights: self.clone(), tag, sender }, waiting)
            }
        }
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<Tag, watch::Sender<Option<Outcome>>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How an answer is come by.
enum Joined {
    Kept(Arc<Stored>),
    /// It is to be made for this request.
    First(Flight, watch::Receiver<Option<Outcome>>),
    /// It is being made already.
    Later(watch::Receiver<Option<Outcome>>),
}

/// What came of an answer that somebody makes, or was to make.
async fn outcome(mut waiting: watch::Receiver<Option<Outcome>>) -> Result<Outcome, RecvError> {
    Ok(waiting.wait_for(Option::is_some).await?.clone().expect("it was waited for"))
}

/// An answer that is being made. However that ends, it is not on the list any more.
struct Flight {
    flights: Flights,
    tag: Tag,
    sender: watch::Sender<Option<Outcome>>,
}

impl Flight {
    async fn make(self, make: impl Future<Output = Outcome>) {
        let mut make = pin!(make);
        loop {
            tokio::select! {
                biased;
                made = &mut make => {
                    self.sender.send_replace(Some(made));
                    return;
                }
                () = self.sender.closed() => {
                    let mut under_way = self.flights.under_way();
                    // Who came just now would wait in vain.
                    if self.sender.receiver_count() == 0 {
                        under_way.remove(&self.tag);
                        return;
                    }
                }
            }
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut under_way = self.flights.under_way();
        // It may be another one by now.
        if under_way.get(&self.tag).is_some_and(|sender| sender.same_channel(&self.sender)) {
            under_way.remove(&self.tag);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::Engine;
    use actix_web::web::Bytes;
    use backdrop_core::error::ErrorCode;
    use std::future::{pending, poll_fn};
    use std::pin::Pin;
    use std::task::Poll;
    use tokio::sync::oneshot;

    const TAG: Tag = Tag([7; 16]);

    fn stored() -> Arc<Stored> {
        Arc::new(Stored { tag: TAG, body: Bytes::new(), next: None, engine: Engine::Sql })
    }

    async fn is_empty(flights: &Flights) {
        while !flights.under_way().is_empty() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn who_was_first_may_leave() {
        let flights = Flights::default();
        let (make, made) = oneshot::channel();
        let asked = flights.clone();
        let first = tokio::spawn(async move {
            asked.share(TAG, || None, || async { made.await.expect("it is made") }).await.map(|_| ())
        });
        while flights.under_way().is_empty() {
            tokio::task::yield_now().await;
        }
        let mut second = pin!(flights.share(TAG, || None, || async { panic!("it is being made") }));
        assert!(poll_once(second.as_mut()).await.is_none());
        first.abort();
        assert!(first.await.is_err());
        make.send(Ok(stored())).expect("somebody makes it");
        assert!(matches!(second.await, Ok(Landed::Shared(_))));
        is_empty(&flights).await;
    }

    /// What comes of a future that is asked once.
    async fn poll_once<T>(future: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        let mut future = Some(future);
        poll_fn(move |context| {
            let polled = future.take().expect("it is asked once").poll(context);
            Poll::Ready(match polled {
                Poll::Ready(done) => Some(done),
                Poll::Pending => None,
            })
        })
        .await
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_given_up() {
        let flights = Flights::default();
        let (held, gone) = oneshot::channel::<()>();
        let asked = flights.clone();
        let only = tokio::spawn(async move {
            let make = || async move {
                let _held = held;
                pending::<Outcome>().await
            };
            asked.share(TAG, || None, make).await.map(|_| ())
        });
        while flights.under_way().is_empty() {
            tokio::task::yield_now().await;
        }
        only.abort();
        assert!(gone.await.is_err(), "the work is dropped");
        is_empty(&flights).await;
    }

    #[tokio::test]
    async fn an_error_is_told_and_forgotten() {
        let flights = Flights::default();
        let refusal = ApiError::new(ErrorCode::InvalidQuery, "no");
        let refused = flights
            .share(
                TAG,
                || None,
                || {
                    let refusal = refusal.clone();
                    async move { Err(refusal) }
                },
            )
            .await;
        assert_eq!(refused.map(|_| ()), Err(refusal));
        is_empty(&flights).await;
        let made = flights.share(TAG, || None, || async { Ok(stored()) }).await;
        assert!(matches!(made, Ok(Landed::Made(_))));
    }

    #[tokio::test]
    async fn a_panic_leaves_nobody_waiting() {
        let flights = Flights::default();
        let lost = flights.share(TAG, || None, || async { panic!("a fault") }).await;
        assert_eq!(lost.map(|_| ()).map_err(|error| error.code), Err(ErrorCode::Internal));
        is_empty(&flights).await;
    }
}
