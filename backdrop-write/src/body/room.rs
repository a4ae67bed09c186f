//! Room for bodies: how many bytes of them the process holds at once.
//!
//! **Invariant.** A body has its room before it is in memory, and keeps it until its records are in the queue. Nobody
//! waits for room for longer than a moment while they hold some, so those who wait for each other do not for long.
//!
//! **Invariant.** Small bodies have room of their own: large ones that come slowly keep none of them out.

use crate::error::WriteError;
use backdrop_core::error::ErrorCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What room is counted in. A small body takes one of these, so that their number is bounded, too.
const UNIT_BYTES: usize = 64 * 1024;
/// How much room there is besides for bodies of at most one unit: an eighth as much.
const SMALL_PART: usize = 8;
/// How long a body waits for room: most others are in the queue within a tenth of that.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// All the room there is.
#[derive(Clone, Debug)]
pub(crate) struct Rooms {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Rooms {
    /// Room for so many bytes, and for small bodies besides.
    pub(crate) fn new(bytes: usize) -> Self {
        let units = (bytes / UNIT_BYTES).min(Semaphore::MAX_PERMITS);
        let of = |units| Arc::new(Semaphore::new(units));
        Self { small: of((units / SMALL_PART).max(1)), large: of(units) }
    }

    /// The room of a body that has not begun.
    pub(super) fn none(&self) -> Room {
        Room { all: self.clone(), small: None, large: None }
    }
}

/// The room of one body; given back when dropped.
#[derive(Debug)]
pub(crate) struct Room {
    all: Rooms,
    small: Option<OwnedSemaphorePermit>,
    large: Option<OwnedSemaphorePermit>,
}

impl Room {
    /// Makes it as large as the body is to be.
    pub(super) async fn grow_to(&mut self, bytes: usize) -> Result<(), WriteError> {
        let held = self.large.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = bytes.div_ceil(UNIT_BYTES).saturating_sub(held);
        if missing == 0 || (bytes <= UNIT_BYTES && self.small.is_some()) {
            return Ok(());
        }
        if bytes <= UNIT_BYTES {
            self.small = Some(take(&self.all.small, 1).await?);
            return Ok(());
        }
        let more = take(&self.all.large, missing).await?;
        match &mut self.large {
            Some(held) => held.merge(more),
            None => self.large = Some(more),
        }
        self.small = None;
        Ok(())
    }
}

async fn take(room: &Arc<Semaphore>, units: usize) -> Result<OwnedSemaphorePermit, WriteError> {
    let units = u32::try_from(units).map_err(|_| overloaded())?;
    let taken = tokio::time::timeout(WAIT_MAX, Arc::clone(room).acquire_many_owned(units)).await;
    Ok(taken.map_err(|_| overloaded())?.expect("the semaphore is never closed"))
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
        let rooms = Rooms::new(7 * UNIT_BYTES);
        let (mut first, mut second) = (rooms.none(), rooms.none());
        first.grow_to(2 * UNIT_BYTES).await.expect("room");
        first.grow_to(5 * UNIT_BYTES).await.expect("room");
        second.grow_to(2 * UNIT_BYTES).await.expect("room");
        let refused = second.grow_to(2 * UNIT_BYTES + 1).await.expect_err("there is no more");
        assert_eq!(refused.status_code().as_u16(), 503);
        drop(first);
        second.grow_to(7 * UNIT_BYTES).await.expect("room again");
        let waiting = tokio::spawn(async move {
            let mut third = rooms.none();
            third.grow_to(2 * UNIT_BYTES).await.map(|()| third)
        });
        tokio::task::yield_now().await;
        drop(second);
        waiting.await.expect("no panic").expect("room for who waits a moment");
    }

    #[tokio::test]
    async fn large_bodies_keep_no_small_ones_out() {
        let rooms = Rooms::new(7 * UNIT_BYTES);
        let (mut large, mut small, mut growing) = (rooms.none(), rooms.none(), rooms.none());
        large.grow_to(7 * UNIT_BYTES).await.expect("room");
        small.grow_to(UNIT_BYTES).await.expect("room of its own");
        small.grow_to(1).await.expect("which it has");
        drop(small);
        growing.grow_to(UNIT_BYTES).await.expect("room");
        growing.grow_to(UNIT_BYTES + 1).await.expect_err("it is not small any more");
    }
}
