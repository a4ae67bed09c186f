//! Bringing the rows of a frame into order again, beside those who read it.

use super::Shared;
use super::held::Held;
use super::slot::{Slot, Turn};
use std::sync::Arc;
use tokio::sync::OwnedRwLockReadGuard;
use tokio::task::spawn_blocking;

impl Shared {
    /// Merges the frame, if it wants that. Meanwhile it is read, but follows nothing.
    pub(super) async fn merge_if_wanted(&self, slot: &Arc<Slot>, turn: &Turn) {
        let place = Arc::clone(&slot.held).read_owned().await;
        let wanted = OwnedRwLockReadGuard::try_map(place, |held| {
            held.as_ref().filter(|held| held.frame.wants_merge())
        });
        let Ok(held) = wanted else { return };
        let _merging = slot.begin_merging();
        let merged = spawn_blocking(move || Held {
            frame: held.frame.merged(),
            version: held.version,
            life: held.life,
        });
        // If it panics, there is nothing to rely on.
        slot.swap(turn, merged.await.ok()).await;
        self.keep_budget(slot).await;
    }
}
