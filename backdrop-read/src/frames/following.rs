//! Bringing a frame to the state that its data set is in.
//!
//! One at a time for each frame; who needs the same waits for it, for a little while.

use super::held::{Held, Loss, Standing};
use super::merging::merge_if_wanted;
use super::slot::Slot;
use super::{Checked, Shared};
use backdrop_core::error::chain;
use backdrop_core::query::FieldName;
use backdrop_postgres::{Changes, DataVersion, StoreError};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedRwLockWriteGuard, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::{debug, warn};

/// How long a request waits for a frame to be brought up to date, or merged. Mostly that takes a millisecond; what takes
/// longer than this goes on beside, and the request is answered from the records, which of so many takes longer still.
pub(super) const WAIT_MAX: Duration = Duration::from_millis(250);
/// The most changes that are followed. To load a frame anew costs less than twice as much for each record.
const CHANGES_MAX: usize = 50_000;
/// As many changes are followed in a small data set, too, at the least.
const CHANGES_MIN: usize = 1_000;
/// Up to how many changes are applied without another thread: about a millisecond.
const CHANGES_INLINE_MAX: usize = 1_000;

type Place = OwnedRwLockWriteGuard<Option<Held>>;

impl Shared {
    /// Sees to it that somebody brings the frame to the state that was checked, and waits for it; `None`: it cannot
    /// be, or not for so long.
    pub(super) async fn follow(self: &Arc<Self>, slot: &Arc<Slot>, checked: Checked) -> Option<()> {
        let (shared, slot) = (Arc::clone(self), Arc::clone(slot));
        let (done, is_done) = oneshot::channel();
        // A task of its own: it is not to end with a client that hangs up, or that cannot wait.
        self.runtime.spawn(async move {
            let turn = slot.turn().await;
            if shared.follow_in_turn(&slot, checked).await.is_some() {
                // Who asked may have gone.
                let _ = done.send(());
            }
            merge_if_wanted(&slot, &turn).await;
            // Not while others may wait for this one: it waits for turns itself.
            drop(turn);
            shared.keep_budget(&slot).await;
        });
        timeout(WAIT_MAX, is_done).await.ok()?.ok()
    }

    /// Takes a frame away that is of another history than what was seen.
    pub(super) async fn lose(&self, slot: &Slot, seen: Checked) {
        let turn = slot.turn().await;
        let is_lost = slot
            .held
            .read()
            .await
            .as_ref()
            .is_some_and(|held| matches!(held.standing(seen), Standing::Lost | Standing::Ahead));
        if is_lost {
            debug!(data_set = slot.data_set.0, "a frame is of another history than the store");
            self.figures.lost();
            slot.swap(&turn, None).await;
        }
    }

    /// Follows, unless somebody else has done so; `None`: it cannot.
    async fn follow_in_turn(&self, slot: &Slot, checked: Checked) -> Option<()> {
        let Some((since, fields, rows_max)) = behind(slot, checked).await else { return Some(()) };
        let began = Instant::now();
        let changes = self.reader.changes(slot.data_set, since, &fields, rows_max).await;
        // The frame stays: what keeps the store from answering says nothing about it.
        let not_told = |error: &StoreError| {
            warn!(data_set = slot.data_set.0, error = chain(error), "a frame cannot follow")
        };
        let changes = changes.inspect_err(not_told).ok()?;
        let place = Arc::clone(&slot.held).write_owned().await;
        let (place, applied) = apply(place, changes).await;
        slot.measure(&place);
        drop(place);
        if let Err(loss) = applied {
            self.figures.lost();
            let loss_chain = chain(&loss);
            match loss {
                Loss::TooFar | Loss::Full(_) => {
                    debug!(data_set = slot.data_set.0, loss = loss_chain, "a frame is dropped")
                }
                _ => warn!(data_set = slot.data_set.0, loss = loss_chain, "a frame is dropped"),
            }
            return None;
        }
        self.figures.followed(began.elapsed());
        Some(())
    }
}

/// From where the frame is to be followed, with which fields, and how far at most; `None`: it need not be.
async fn behind(slot: &Slot, checked: Checked) -> Option<(DataVersion, Vec<FieldName>, usize)> {
    let place = slot.held.read().await;
    let held = place.as_ref().filter(|held| held.standing(checked) == Standing::Behind)?;
    let rows_max = (held.frame.rows() / 10).clamp(CHANGES_MIN, CHANGES_MAX);
    Some((held.version, held.frame.fields().cloned().collect(), rows_max))
}

/// Applies changes, many of them on a thread that may be kept busy. A frame that cannot take them is dropped.
async fn apply(mut place: Place, changes: Changes) -> (Place, Result<(), Loss>) {
    if changes.len() <= CHANGES_INLINE_MAX {
        let applied = apply_now(&mut place, &changes);
        return (place, applied);
    }
    let applied = spawn_blocking(move || {
        let applied = apply_now(&mut place, &changes);
        (place, applied)
    });
    applied.await.expect("nothing there panics")
}

fn apply_now(place: &mut Option<Held>, changes: &Changes) -> Result<(), Loss> {
    // Taken out, so that whatever goes wrong in the middle leaves nothing half done behind.
    let Some(mut held) = place.take() else { return Ok(()) };
    held.apply(changes)?;
    *place = Some(held);
    Ok(())
}
