//! Looking ahead: while a run is being applied, which is Postgres' work, what comes after it is read and decided, which is
//! ours.
//!
//! While a *large* run is applied there is time for that from the beginning. While a small one is, little has come at
//! first, and to read that would only make the next run small, too: so it is done at the end, while batches are written
//! and committed.
//!
//! **Invariant.** Nothing is decided ahead that depends on what is stored, and what was decided ahead is applied only if
//! the cursor is where the run before it was to end: so if that was not applied, nothing has happened. It is done in the
//! flow of work only, where nothing is counted (see `attempts`): an entry that is to be worked on alone has nobody behind it.

use super::PartitionKeeper;
use super::attempts::Care;
use super::run::{Room, Run, Sizes};
use crate::decide::Place;
use backdrop_core::log::Cursor;
use backdrop_queue::{PartitionReader, QueueError, ReadResult};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// From so many records on a run is large: applying it takes several milliseconds.
pub(super) const LARGE_RECORDS: usize = 500;
/// How long to wait for more where nothing has come yet: less than what applying a large run takes.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// What was added to a run.
enum Added {
    /// All that was read.
    All,
    /// Not all: nothing can be added behind it.
    NotAll,
    /// There was nothing.
    Nothing,
}

impl PartitionKeeper {
    /// Reads and decides what lies above a cursor, until the large run before it is over or there is enough for one.
    pub(super) async fn look_ahead(
        &self,
        reader: &mut PartitionReader,
        after: Cursor,
        over: &CancellationToken,
    ) -> Result<Option<Run>, QueueError> {
        let mut run = Run::after(after, self.alone.begin(Care::Usual).await);
        while let Some(room) = run.room()
            && !over.is_cancelled()
        {
            match self.add_next(reader, &mut run, room).await? {
                Added::All => {}
                Added::NotAll => break,
                Added::Nothing => {
                    let _more_time = tokio::time::timeout(LOOK_AGAIN, over.cancelled()).await;
                }
            }
        }
        Ok((!run.decided.is_empty()).then_some(run))
    }

    /// Reads and decides what lies above a cursor, once, as soon as the small run before it is about to end.
    pub(super) async fn look_once(
        &self,
        reader: &mut PartitionReader,
        after: Cursor,
        ending: oneshot::Receiver<()>,
    ) -> Result<Option<Run>, QueueError> {
        if ending.await.is_err() {
            return Ok(None);
        }
        let mut run = Run::after(after, self.alone.begin(Care::Usual).await);
        self.add_next(reader, &mut run, Room::WHOLE).await?;
        Ok((!run.decided.is_empty()).then_some(run))
    }

    /// Adds to a run what comes next, if there is anything, as far as it can be decided ahead.
    async fn add_next(
        &self,
        reader: &mut PartitionReader,
        run: &mut Run,
        room: Room,
    ) -> Result<Added, QueueError> {
        let entries = match reader.read(run.new_cursor, room.read).await? {
            ReadResult::Entries(entries) => entries,
            ReadResult::Drained(_) => return Ok(Added::Nothing),
            ReadResult::NotOpen => return Ok(Added::NotAll),
        };
        let (count, sizes) = (entries.len(), Sizes::of(&entries));
        // What is wrong shows again when it is the turn of these entries.
        let Ok(decided) = self.decider.decide(self.partition, entries, Place::Behind, room.records).await
        else {
            return Ok(Added::NotAll);
        };
        let is_all = decided.len() == count;
        run.add(decided, &sizes);
        Ok(if is_all { Added::All } else { Added::NotAll })
    }
}
