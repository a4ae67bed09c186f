//! The place of a data set's frame.

use super::held::Held;
use super::wishes::Wishes;
use backdrop_core::data_set::DataSetId;
use backdrop_core::query::FieldName;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::{OwnedMutexGuard, RwLock};

/// What is there of a data set.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) data_set: DataSetId,
    /// The frame, if there is one. Asynchronous, because the lock goes along to threads that compute.
    pub(super) held: Arc<RwLock<Option<Held>>>,
    /// Who changes the frame, or swaps it for another, has this first.
    turn: Arc<tokio::sync::Mutex<()>>,
    wishes: Mutex<Wishes>,
    /// What the frame takes, 0 if there is none; to be read without waiting for it.
    bytes: AtomicUsize,
    rows: AtomicUsize,
}

/// The right to change a frame.
pub(super) type Turn = OwnedMutexGuard<()>;

impl Slot {
    pub(super) fn new(data_set: DataSetId) -> Self {
        Self {
            data_set,
            held: Arc::default(),
            turn: Arc::default(),
            wishes: Mutex::new(Wishes::new(Instant::now())),
            bytes: AtomicUsize::default(),
            rows: AtomicUsize::default(),
        }
    }

    /// Waits for the turn.
    pub(super) async fn turn(&self) -> Turn {
        Arc::clone(&self.turn).lock_owned().await
    }

    /// Puts a frame into its place, or takes it away.
    pub(super) async fn swap(&self, _turn: &Turn, held: Option<Held>) {
        let mut place = self.held.write().await;
        *place = held;
        self.measure(&place);
    }

    /// Notes how large the frame is.
    pub(super) fn measure(&self, place: &Option<Held>) {
        let size = place.as_ref().map_or((0, 0), |held| (held.frame.rows(), held.frame.bytes().max(1)));
        self.rows.store(size.0, Ordering::Relaxed);
        self.bytes.store(size.1, Ordering::Relaxed);
    }

    /// How many records and how many bytes the frame has; `None`: there is none.
    pub(super) fn size(&self) -> Option<(usize, usize)> {
        let bytes = self.bytes.load(Ordering::Relaxed);
        (bytes > 0).then(|| (self.rows.load(Ordering::Relaxed), bytes))
    }

    /// Whether there is a frame with all of these fields. Not if it is being changed just now.
    pub(super) fn holds(&self, fields: &[FieldName]) -> bool {
        let held = self.held.try_read();
        held.is_ok_and(|held| held.as_ref().is_some_and(|held| held.has(fields)))
    }

    pub(super) fn wishes(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
