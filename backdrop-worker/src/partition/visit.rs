//! One visit to a partition: from connecting to the queue until something fails or somebody else is to
//! look after it.

use super::ahead::LARGE_RECORDS;
use super::attempts::{Attempts, Care};
use super::run::{Room, Run, Sizes};
use super::{PartitionKeeper, VisitError};
use crate::batch_span::{self, BatchSpan};
use crate::decide::Place;
use crate::metrics::lag_seconds;
use crate::trimmer::Trimmer;
use backdrop_core::ingest::ReceivedEntry;
use backdrop_core::log::Cursor;
use backdrop_postgres::{Applied, Applier, ApplyResult};
use backdrop_queue::{Announcer, PartitionReader, ReadBounds, ReadResult};
use backdrop_service::clock;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// For how long after the last run the next is expected at any moment, so that everything is kept ready for it.
const LINGER: Duration = Duration::from_millis(20);
/// How long to wait for new entries before looking at everything else again.
const IDLE_WAIT: Duration = Duration::from_secs(1);
/// How long to leave a partition alone that somebody else holds.
const BUSY_WAIT: Duration = Duration::from_millis(100);
/// How often the queue is told how far its log is applied while there is work: to tell it is a write, and only counts
/// against the bound of the backlog, which is many times what comes in this time.
const REPORT_INTERVAL: Duration = Duration::from_millis(50);

struct Visit<'k> {
    keeper: &'k PartitionKeeper,
    reader: PartitionReader,
    announcer: Announcer,
    applier: Applier,
    cursor: Cursor,
    /// What was decided while the run before it was applied.
    ahead: Option<Run>,
    /// Whether everything is kept ready for the next run.
    is_at_hand: bool,
    report: Report,
}

/// What the queue knows of how far its log is applied.
struct Report {
    at: Instant,
    /// Whether more was applied since, and how many bytes the log had taken with the last entry of it.
    is_due: bool,
    log_bytes: Option<u64>,
}

impl PartitionKeeper {
    pub(super) async fn visit(
        &self,
        attempts: &mut Attempts,
        trimmer: &mut Trimmer,
    ) -> Result<(), VisitError> {
        let mut visit = Visit::begin(self, attempts).await?;
        while self.goes_on() {
            visit.round(attempts).await?;
            visit.trim(attempts, trimmer).await?;
        }
        visit.announcer.arrived().await?;
        visit.tell_queue().await
    }

    /// Tells operators what was committed.
    fn note(&self, applied: &Applied, cursor: Cursor, spans: &[BatchSpan]) {
        let (partition, now) = (self.partition.0, clock::now());
        self.metrics.applied(applied, &self.decider.catalogue, now);
        batch_span::tell(spans, &applied.batches, |batch| lag_seconds(batch, now));
        if applied.gaps > 0 {
            let (missing, gaps) = (applied.missing, applied.gaps);
            warn!(partition, missing, gaps, %cursor, "entries are missing from the log");
        }
        let (batches, records) = (applied.results.len(), applied.records);
        debug!(partition, batches, records, %cursor, "applied");
    }
}

impl<'k> Visit<'k> {
    async fn begin(keeper: &'k PartitionKeeper, attempts: &mut Attempts) -> Result<Self, VisitError> {
        let mut reader = keeper.queue.reader(keeper.partition).await?;
        let row = keeper.database.partition(keeper.partition).await?;
        attempts.seen(row.attempts + 1);
        let cursor = row.cursor;
        reader.report_anew(cursor).await?;
        Ok(Self {
            keeper,
            announcer: reader.announcer(),
            applier: Applier::new(keeper.database.clone(), keeper.partition),
            reader,
            cursor,
            ahead: None,
            is_at_hand: false,
            report: Report { at: Instant::now(), is_due: false, log_bytes: None },
        })
    }

    async fn round(&mut self, attempts: &mut Attempts) -> Result<(), VisitError> {
        if let Some(run) = self.ahead.take().filter(|run| run.read_after == self.cursor) {
            return self.carry_out(attempts, run).await;
        }
        let bounds = ReadBounds { entries: attempts.entries_at_once(), ..Room::WHOLE.read };
        match self.reader.read(self.cursor, bounds).await? {
            ReadResult::Entries(entries) => {
                self.keeper.metrics.partitions.behind(self.keeper.partition);
                self.work(attempts, entries).await
            }
            ReadResult::Drained(cursor) if cursor > self.cursor => {
                // Nothing of earlier epochs is left: what was promised of them and is not here is lost.
                let (ending, _unheard) = oneshot::channel();
                match self.applier.apply(self.cursor, Vec::new(), cursor, ending).await? {
                    ApplyResult::Applied(applied) => {
                        self.passed(attempts, cursor, None);
                        self.keeper.note(&applied, cursor, &[]);
                        Ok(())
                    }
                    ApplyResult::Moved | ApplyResult::Busy => self.moved(attempts).await,
                }
            }
            ReadResult::Drained(_) => {
                attempts.caught_up();
                self.wait().await
            }
            ReadResult::NotOpen => {
                self.keeper.queue.open_epoch(&self.keeper.database, self.keeper.partition, None).await?;
                *self = Self::begin(self.keeper, attempts).await?;
                Ok(())
            }
        }
    }

    /// Waits for entries, for a moment with everything at hand, and then for longer.
    async fn wait(&mut self) -> Result<(), VisitError> {
        self.keeper.metrics.partitions.caught_up(self.keeper.partition);
        self.announcer.arrived().await?;
        let at_most = if self.is_at_hand { LINGER } else { IDLE_WAIT };
        let has_come = tokio::select! {
            () = self.keeper.stop.cancelled() => return Ok(()),
            has_come = self.reader.wait(self.cursor, at_most) => has_come?,
        };
        if !has_come {
            self.applier.rest();
            self.is_at_hand = false;
            self.tell_queue().await?;
        }
        Ok(())
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
        let (partition, sizes) = (self.keeper.partition, Sizes::of(&entries));
        let decider = &self.keeper.decider;
        let decided = match care {
            Care::SetAside => entries.into_iter().map(|entry| decider.set_aside(partition, entry)).collect(),
            Care::Usual | Care::Alone => {
                decider.decide(partition, entries, Place::Head, Room::WHOLE.records).await?
            }
        };
        let mut run = Run::after(self.cursor, in_flight);
        run.add(decided, &sizes);
        if run.decided.is_empty() {
            return Ok(());
        }
        self.carry_out(attempts, run).await
    }

    /// Applies a run and tells who waits; looks ahead meanwhile, if work goes on without counting.
    async fn carry_out(&mut self, attempts: &mut Attempts, run: Run) -> Result<(), VisitError> {
        let (looks_ahead, is_large) = (attempts.is_in_flow(), run.records() >= LARGE_RECORDS);
        let Run { decided, spans, read_after, new_cursor, log_bytes, in_flight, .. } = run;
        let Self { keeper, reader, announcer, applier, .. } = self;
        let (tell_ending, ending) = oneshot::channel();
        let over = CancellationToken::new();
        let applying = async {
            let result = applier.apply(read_after, decided, new_cursor, tell_ending).await;
            drop(in_flight);
            over.cancel();
            let ApplyResult::Applied(applied) = result? else { return Ok(false) };
            let announced = announcer.announce(&applied.results).await;
            keeper.note(&applied, new_cursor, &spans);
            announced?;
            Ok::<_, VisitError>(true)
        };
        let looking = async {
            match (looks_ahead, is_large) {
                (false, _) => Ok(None),
                (true, true) => keeper.look_ahead(reader, new_cursor, &over).await,
                (true, false) => keeper.look_once(reader, new_cursor, ending).await,
            }
        };
        let (is_applied, ahead) = tokio::join!(applying, looking);
        if !is_applied? {
            return self.moved(attempts).await;
        }
        self.passed(attempts, new_cursor, log_bytes);
        self.ahead = ahead?;
        if self.report.at.elapsed() >= REPORT_INTERVAL {
            self.tell_queue().await?;
        }
        Ok(())
    }

    /// Goes on from a run that was applied.
    fn passed(&mut self, attempts: &mut Attempts, new_cursor: Cursor, log_bytes: Option<u64>) {
        attempts.progress();
        self.cursor = new_cursor;
        self.is_at_hand = true;
        self.report.is_due = true;
        self.report.log_bytes = log_bytes;
    }

    /// Tells the queue how far its log is applied, if it does not know.
    async fn tell_queue(&mut self) -> Result<(), VisitError> {
        if self.report.is_due {
            self.reader.report_applied(self.cursor, self.report.log_bytes).await?;
            self.report.is_due = false;
        }
        self.report.at = Instant::now();
        Ok(())
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
            // Whoever moved it may be gone before telling the queue. What is known of bytes is of another place.
            (self.report.is_due, self.report.log_bytes) = (true, None);
        }
        Ok(())
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
            self.reader.report_anew(cursor).await?;
            self.report.is_due = false;
        }
        trimmer.note(cursor, now);
        let is_short = self.reader.memory_use().await?.is_short();
        if let Some(committed) = trimmer.trim_to(now, is_short) {
            self.reader.trim(committed).await?;
        }
        Ok(())
    }
}
