//! Room for bodies: how many bytes of them the process holds at once.
//!
//! **Invariant.** A body has its room before it is in memory, and keeps it until its records are in the queue. Nobody
//! waits for room for longer than a moment while they hold some, so those who wait for each other do not for long.

use crate::error::WriteError;
use backdrop_core::error::ErrorCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What room is counted in. A small body takes one of these, so that their number is bounded, too.
const UNIT_BYTES: usize = 64 * 1024;
/// How long a body waits for room: most others are in the queue within a tenth of that.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// All the room there is.
#[derive(Clone, Debug)]
pub(crate) struct Rooms(Arc<Semaphore>);

impl Rooms {
    /// Room for so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes / UNIT_BYTES).min(Semaphore::MAX_PERMITS))))
    }

    /// The room of a body that has not begun.
    pub(super) fn none(&self) -> Room {
        Room { all: Arc::clone(&self.0), held: None }
    }
}

/// The room of one body; given back when dropped.
#[derive(Debug)]
pub(crate) struct Room {
    all: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

impl Room {
    /// Makes it as large as the body is to be.
    pub(super) async fn grow_to(&mut self, bytes: usize) -> Result<(), WriteError> {
        let held = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = bytes.div_ceil(UNIT_BYTES).saturating_sub(held);
        if missing == 0 {
            return Ok(());
        }
        let missing = u32::try_from(missing).map_err(|_| overloaded())?;
        let more = Arc::clone(&self.all).acquire_many_owned(missing);
        let more = tokio::time::timeout(WAIT_MAX, more).await.map_err(|_| overloaded())?;
        let more = more.expect("the semaphore is never closed");
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        Ok(())
    }
}

fn overloaded() -> WriteError {
    let message = "Too many large bodies are being received just now, nothing was accepted. Try again.";
    WriteError::new(ErrorCode::Overloaded, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::ResponseError;

    #[tokio::test]
    async fn who_finds_no_room_is_told_and_who_leaves_makes_some() {
        let rooms = Rooms::new(4 * UNIT_BYTES);
        let (mut first, mut second) = (rooms.none(), rooms.none());
        first.grow_to(1).await.expect("room");
        first.grow_to(3 * UNIT_BYTES).await.expect("room");
        second.grow_to(UNIT_BYTES).await.expect("room");
        let refused = second.grow_to(UNIT_BYTES + 1).await.expect_err("there is no more");
        assert_eq!(refused.status_code().as_u16(), 503);
        drop(first);
        second.grow_to(4 * UNIT_BYTES).await.expect("room again");
        let waiting = tokio::spawn(async move {
            let mut third = rooms.none();
            third.grow_to(1).await.map(|()| third)
        });
        tokio::task::yield_now().await;
        drop(second);
        waiting.await.expect("no panic").expect("room for who waits a moment");
    }
}
