//! Looking ahead: while a large run is being applied, which is Postgres' work, what comes after it is read and decided,
//! which is ours.
//!
//! **Invariant.** Nothing is decided ahead that depends on what is stored, and what was decided ahead is applied only if
//! the cursor is where the run before it was to end: so if that was not applied, nothing has happened. It is done in the
//! flow of work only, where nothing is counted (see `attempts`): an entry that is to be worked on alone has nobody behind it.

use super::PartitionKeeper;
use super::attempts::Care;
use super::run::{Run, Sizes};
use crate::decide::Place;
use backdrop_core::log::Cursor;
use backdrop_queue::{PartitionReader, QueueError, ReadResult};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// From so many records on a run is large: applying it takes several milliseconds. While a smaller one is, little comes,
/// and to read that at once would only make the next run small, too.
pub(super) const LARGE_RECORDS: usize = 500;
/// How long to wait for more where nothing has come yet: less than what applying a large run takes.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

impl PartitionKeeper {
    /// Reads and decides what lies above a cursor, until the run before it is over or there is enough for one.
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
            match reader.read(run.new_cursor, room.read).await? {
                ReadResult::Entries(entries) => {
                    let (count, sizes) = (entries.len(), Sizes::of(&entries));
                    let decided =
                        self.decider.decide(self.partition, entries, Place::Behind, room.records).await;
                    // What is wrong shows again when it is the turn of these entries.
                    let Ok(decided) = decided else { break };
                    let is_all = decided.len() == count;
                    run.add(decided, &sizes);
                    if !is_all {
                        break;
                    }
                }
                ReadResult::Drained(_) => {
                    let _more_time = tokio::time::timeout(LOOK_AGAIN, over.cancelled()).await;
                }
                ReadResult::NotOpen => break,
            }
        }
        Ok((!run.decided.is_empty()).then_some(run))
    }
}
