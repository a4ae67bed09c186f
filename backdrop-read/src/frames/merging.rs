//! Bringing the rows of a frame into order again, beside those who read it.

use super::held::Held;
use super::slot::{Slot, Turn};
use std::sync::Arc;
use tokio::sync::OwnedRwLockReadGuard;
use tokio::task::spawn_blocking;

/// Merges the frame, if it wants that. Meanwhile it is read, but follows nothing.
pub(super) async fn merge_if_wanted(slot: &Slot, turn: &Turn) {
    let place = Arc::clone(&slot.held).read_owned().await;
    let Ok(held) =
        OwnedRwLockReadGuard::try_map(place, |place| place.as_ref().filter(|held| held.frame.wants_merge()))
    else {
        return;
    };
    let merge = move || Held { frame: held.frame.merged(), version: held.version, life: held.life };
    // If it panics, there is nothing to rely on.
    let merged = spawn_blocking(merge).await.ok();
    slot.swap(turn, merged).await;
}
