//! Loading the frame of a data set in the background.

use super::Shared;
use super::held::{Held, row_ref};
use super::slot::Slot;
use super::wishes::Ending;
use backdrop_core::query::FieldName;
use backdrop_frames::{FrameBuilder, FrameError, FrameFull};
use backdrop_postgres::{ColumnRow, ColumnSink, StoreError};
use std::hash::{BuildHasher, RandomState};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

/// How long a load waits for further wishes: who draws one chart mostly draws others next to it.
const WISHES_WITHIN: Duration = Duration::from_millis(50);
/// How long it waits after that until no query is being answered from the records, which it would slow down.
const QUIET_WITHIN: Duration = Duration::from_secs(2);

/// Why there is no frame.
#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error("the records cannot be read")]
    Store(#[from] StoreError),
    #[error("they take too much memory")]
    Full(#[from] FrameFull),
    #[error("they cannot be held")]
    Unfit(#[from] FrameError),
    #[error("the frame has {rows} records, the data set {records}")]
    Miscounted { rows: usize, records: u64 },
    #[error("the build did not end")]
    Lost(#[from] JoinError),
}

impl LoadError {
    /// Whether the next load will end like this one.
    const fn ending(&self) -> Ending {
        match self {
            Self::Store(_) | Self::Lost(_) | Self::Unfit(FrameError::SameHash) => Ending::Failed,
            Self::Full(_) | Self::Unfit(_) | Self::Miscounted { .. } => Ending::Hopeless,
        }
    }
}

/// A load that was begun; it ends when this is dropped, whatever happens.
struct Load {
    slot: Arc<Slot>,
    began: Instant,
    ending: Ending,
}

impl Drop for Load {
    fn drop(&mut self) {
        self.slot.wishes().end(self.ending, self.began.elapsed(), Instant::now());
    }
}

impl Shared {
    /// Begins to load the fields that are wanted, unless that was begun before.
    pub(super) fn load(self: &Arc<Self>, slot: Arc<Slot>) {
        if !slot.wishes().begin(Instant::now()) {
            return;
        }
        let shared = Arc::clone(self);
        let mut load = Load { slot, began: Instant::now(), ending: Ending::Failed };
        self.runtime.spawn(async move {
            sleep(WISHES_WITHIN).await;
            let _permit = shared.loads.acquire().await.expect("it is never closed");
            let mut beside = shared.beside.subscribe();
            // If it does not get quiet, the load is what makes it so.
            let _ = timeout(QUIET_WITHIN, beside.wait_for(|queries| *queries == 0)).await;
            load.began = Instant::now();
            let fields = load.slot.wishes().wanted(load.began);
            load.ending = match shared.try_load(&load.slot, fields).await {
                Ok(()) => Ending::Loaded,
                Err(error) => {
                    let ending = error.ending();
                    let error = backdrop_core::error::chain(&error);
                    warn!(data_set = load.slot.data_set.0, error, "a data set cannot be held in memory");
                    ending
                }
            };
            shared.figures.loaded(load.ending, load.began.elapsed());
        });
    }

    async fn try_load(&self, slot: &Slot, fields: Vec<FieldName>) -> Result<(), LoadError> {
        // Before the records: so they are of this life, or a later one shows at the next check.
        let (_, life) = self.versions.current(slot.data_set).await?;
        let hash_key = [0, 1].map(|half| RandomState::new().hash_one(half));
        let builder = FrameBuilder::new(fields.clone(), hash_key, self.budget.frame_bytes_max());
        let sink = Sink { builder, full: None };
        let (state, sink) = self.reader.load(slot.data_set, fields, sink).await?;
        if let Some(full) = sink.full {
            return Err(full.into());
        }
        let frame = spawn_blocking(|| sink.builder.build()).await??;
        let (rows, records) = (frame.rows(), state.records);
        if rows as u64 != records {
            return Err(LoadError::Miscounted { rows, records });
        }
        let version = state.version;
        debug!(
            data_set = slot.data_set.0,
            version = version.version,
            rows,
            bytes = frame.bytes(),
            "a frame is loaded"
        );
        let turn = slot.turn().await;
        slot.swap(&turn, Some(Held { frame, version, life })).await;
        drop(turn);
        self.keep_budget(slot).await;
        Ok(())
    }
}

/// Takes the rows of a load into a builder.
struct Sink {
    builder: FrameBuilder,
    full: Option<FrameFull>,
}

impl ColumnSink for Sink {
    fn take(&mut self, row: ColumnRow<'_>) -> ControlFlow<()> {
        match self.builder.push(row_ref(row)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(full) => {
                self.full = Some(full);
                ControlFlow::Break(())
            }
        }
    }
}
