//! One visit to a partition: from connecting to the queue until something fails or somebody else is to
//! look after it.

use super::attempts::{Attempts, Care};
use super::{PartitionKeeper, VisitError};
use crate::batch_span::{self, BatchSpan};
use crate::metrics::lag_seconds;
use crate::trimmer::Trimmer;
use backdrop_core::ingest::{DecidedEntry, ReceivedEntry};
use backdrop_core::log::Cursor;
use backdrop_postgres::{Applied, ApplyResult};
use backdrop_queue::{PartitionReader, ReadBounds, ReadResult};
use backdrop_service::clock;
use std::time::{Duration, Instant};
use tracing::{debug, warn};

/// The most entries of a run: one row of `batch` each, and one waiter to tell.
const RUN_ENTRIES_MAX: usize = 100;
/// The most bytes of a run, but for its last entry.
const RUN_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long to wait for new entries before looking at everything else again.
const IDLE_WAIT: Duration = Duration::from_secs(1);
/// How long to leave a partition alone that somebody else holds.
const BUSY_WAIT: Duration = Duration::from_millis(100);

struct Visit<'k> {
    keeper: &'k PartitionKeeper,
    reader: PartitionReader,
    cursor: Cursor,
}

impl PartitionKeeper {
    pub(super) async fn visit(
        &self,
        attempts: &mut Attempts,
        trimmer: &mut Trimmer,
    ) -> Result<(), VisitError> {
        let mut visit = Visit::begin(self).await?;
        while self.goes_on() {
            visit.round(attempts).await?;
            visit.trim(attempts, trimmer).await?;
        }
        Ok(())
    }
}

impl<'k> Visit<'k> {
    async fn begin(keeper: &'k PartitionKeeper) -> Result<Self, VisitError> {
        let mut reader = keeper.queue.reader(keeper.partition).await?;
        let cursor = keeper.database.partition(keeper.partition).await?.cursor;
        reader.tell_applied(cursor, None, &[]).await?;
        Ok(Self { keeper, reader, cursor })
    }

    async fn round(&mut self, attempts: &mut Attempts) -> Result<(), VisitError> {
        let bounds = ReadBounds { entries: RUN_ENTRIES_MAX, bytes: RUN_BYTES_MAX };
        match self.reader.read(self.cursor, bounds).await? {
            ReadResult::Entries(entries) => {
                self.keeper.metrics.partitions.behind(self.keeper.partition);
                self.work(attempts, entries).await
            }
            ReadResult::Drained(cursor) if cursor > self.cursor => {
                // Nothing of earlier epochs is left: what was promised of them and is not here is lost.
                let applied = self.apply(Vec::new(), cursor).await?;
                self.passed(attempts, applied, cursor, None, &[]).await
            }
            ReadResult::Drained(_) => {
                self.keeper.metrics.partitions.caught_up(self.keeper.partition);
                let stop = &self.keeper.stop;
                tokio::select! {
                    () = stop.cancelled() => Ok(()),
                    waited = self.reader.wait(self.cursor, IDLE_WAIT) => Ok(waited?),
                }
            }
            ReadResult::NotOpen => {
                self.keeper.queue.open_epoch(&self.keeper.database, self.keeper.partition, None).await?;
                *self = Self::begin(self.keeper).await?;
                Ok(())
            }
        }
    }

    /// Works on entries that lie above the cursor.
    async fn work(
        &mut self,
        attempts: &mut Attempts,
        mut entries: Vec<ReceivedEntry>,
    ) -> Result<(), VisitError> {
        let Some((care, in_flight)) = attempts.begin(self.cursor, &self.keeper.alone).await? else {
            return self.moved(attempts).await;
        };
        if care != Care::Usual {
            entries.truncate(1);
        }
        let log_bytes: Vec<_> = entries.iter().map(|entry| entry.log_bytes).collect();
        let partition = self.keeper.partition;
        let decided = match care {
            Care::SetAside => {
                entries.into_iter().map(|entry| self.keeper.decider.set_aside(partition, entry)).collect()
            }
            Care::Usual | Care::Alone => self.keeper.decider.decide(partition, entries).await?,
        };
        let (decided, spans): (Vec<_>, Vec<_>) = decided.into_iter().unzip();
        let Some(last) = decided.last() else { return Ok(()) };
        let new_cursor = Cursor::at(last.entry.id);
        let log_bytes = log_bytes.get(decided.len() - 1).copied().flatten();
        let applied = self.apply(decided, new_cursor).await?;
        drop(in_flight);
        self.passed(attempts, applied, new_cursor, log_bytes, &spans).await
    }

    async fn apply(&self, run: Vec<DecidedEntry>, new_cursor: Cursor) -> Result<ApplyResult, VisitError> {
        let keeper = self.keeper;
        Ok(keeper.database.apply(keeper.partition, self.cursor, run, new_cursor).await?)
    }

    /// Goes on from what became of a run.
    async fn passed(
        &mut self,
        attempts: &mut Attempts,
        applied: ApplyResult,
        new_cursor: Cursor,
        log_bytes: Option<u64>,
        spans: &[BatchSpan],
    ) -> Result<(), VisitError> {
        match applied {
            ApplyResult::Applied(applied) => {
                attempts.progress();
                self.cursor = new_cursor;
                self.tell(&applied, log_bytes, spans).await
            }
            ApplyResult::Moved | ApplyResult::Busy => self.moved(attempts).await,
        }
    }

    /// Somebody else has applied entries, or is about to.
    async fn moved(&mut self, attempts: &mut Attempts) -> Result<(), VisitError> {
        let cursor = self.keeper.database.partition(self.keeper.partition).await?.cursor;
        if cursor == self.cursor {
            // What is counted stays counted: it is still the same attempt.
            self.keeper.pause(BUSY_WAIT).await;
        } else {
            attempts.forget();
            self.cursor = cursor;
        }
        Ok(())
    }

    /// Tells who waits and the queue what was committed. Both are hints: if they get lost, the store
    /// still answers who asks.
    async fn tell(
        &mut self,
        applied: &Applied,
        log_bytes: Option<u64>,
        spans: &[BatchSpan],
    ) -> Result<(), VisitError> {
        let (partition, now) = (self.keeper.partition, clock::now());
        self.keeper.metrics.applied(applied, &self.keeper.decider.catalogue, now);
        batch_span::tell(spans, &applied.batches, |batch| lag_seconds(batch, now));
        if applied.gaps > 0 {
            let (missing, gaps) = (applied.missing, applied.gaps);
            warn!(partition = partition.0, missing, gaps, cursor = %self.cursor, "entries are missing from the log");
        }
        if !applied.results.is_empty() {
            let (batches, records) = (applied.results.len(), applied.records);
            debug!(partition = partition.0, batches, records, cursor = %self.cursor, "applied");
        }
        Ok(self.reader.tell_applied(self.cursor, log_bytes, &applied.results).await?)
    }

    /// Trims the log from time to time, and looks before whether the cursor is still where it was: a
    /// store that was restored from a backup needs what it has forgotten once more, and on a partition
    /// without writes nothing else would tell.
    async fn trim(&mut self, attempts: &mut Attempts, trimmer: &mut Trimmer) -> Result<(), VisitError> {
        let now = Instant::now();
        if !trimmer.is_time(now) {
            return Ok(());
        }
        let cursor = self.keeper.database.partition(self.keeper.partition).await?.cursor;
        if cursor != self.cursor {
            warn!(partition = self.keeper.partition.0, from = %self.cursor, to = %cursor, "the cursor was moved");
            attempts.forget();
            self.cursor = cursor;
        }
        trimmer.note(cursor, now);
        let is_short = self.reader.memory_use().await?.is_short();
        if let Some(committed) = trimmer.trim_to(now, is_short) {
            self.reader.trim(committed).await?;
        }
        Ok(())
    }
}
