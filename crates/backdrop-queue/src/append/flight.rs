//! Flights: the appends of one partition that wait at the same time go to Redis together, in one call, and what comes
//! meanwhile goes with the next one. So Redis, which does one thing at a time, runs one script and writes one file for
//! all of them; and nobody waits longer for it, since a call that comes while Redis writes is taken up after that anyway.
//!
//! **Invariant.** Each partition has one flight at most, and one call at most under way. Whoever waits is told how their
//! append ended by the flight, or by its end: a flight that is lost takes the senders with it.

use super::script::{Answered, Call, Fence, Verdict};
use super::{Appender, PartitionState, Shared};
use crate::QueueError;
use crate::connection::Link;
use crate::primary::is_of_replica;
use backdrop_core::log::{EntryId, EpochLedger, Partition};
use redis::RedisError;
use std::sync::Arc;
use std::{fmt, mem};
use tokio::sync::oneshot;

/// The most entries of a call: Redis does nothing else for half a millisecond then.
const CALL_ENTRIES_MAX: usize = 64;
/// The most bytes of a call, unless its first entry alone has more: what is copied on its way is bounded by that.
const CALL_BYTES_MAX: usize = 1024 * 1024;
/// How often a fence may refuse in a row: each time a new epoch is opened, which can only fail to help
/// if the server restarts again and again.
const FENCED_MAX: usize = 5;

/// A batch, as it stands in the log.
#[derive(PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) envelope: String,
    pub(super) records: String,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Records are nobody's business.
        f.debug_struct("Entry").field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}

impl Entry {
    pub(super) const fn bytes(&self) -> usize {
        self.envelope.len() + self.records.len()
    }
}

/// Why an entry was not appended, as far as is known. It comes back to whoever wants to try again.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) entry: Entry,
    pub(super) failure: Failure,
}

#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// The partition holds as much as it may.
    Full,
    /// It was not sent, or Redis answered that it did not do it.
    NotSent(Arc<QueueError>),
    /// It was sent and not answered.
    AnswerLost(Arc<QueueError>),
}

type Ended = Result<EntryId, Failed>;
type Told = oneshot::Sender<Ended>;

/// An entry that waits for its flight, and who waits for it.
#[derive(Debug)]
pub(super) struct Waiting {
    entry: Entry,
    told: Told,
}

/// Waits for the end of a flight; when dropped before, the entry is let go of, unless it is on its way.
pub(super) struct Boarded {
    shared: Arc<Shared>,
    partition: Partition,
    ended: oneshot::Receiver<Ended>,
}

impl Boarded {
    /// How it ended; `None` if the flight was lost.
    pub(super) async fn ended(mut self) -> Option<Ended> {
        (&mut self.ended).await.ok()
    }
}

impl Drop for Boarded {
    fn drop(&mut self) {
        if !self.ended.is_terminated() {
            self.ended.close();
            self.shared.update(self.partition, |state| {
                state.waiting.retain(|waiting| !waiting.told.is_closed());
            });
        }
    }
}

impl PartitionState {
    /// Entries for one call.
    fn next_group(&mut self) -> (Vec<Entry>, Vec<Told>) {
        let (mut entries, mut told, mut bytes) = (Vec::new(), Vec::new(), 0);
        while let Some(next) = self.waiting.front()
            && entries.len() < CALL_ENTRIES_MAX
            && (entries.is_empty() || bytes + next.entry.bytes() <= CALL_BYTES_MAX)
            && let Some(next) = self.waiting.pop_front()
        {
            bytes += next.entry.bytes();
            entries.push(next.entry);
            told.push(next.told);
        }
        (entries, told)
    }
}

impl<L: EpochLedger> Appender<L> {
    /// Has an entry appended with those that wait at the same time.
    pub(super) fn board(&self, partition: Partition, entry: Entry) -> Boarded {
        let (told, ended) = oneshot::channel();
        let is_flying = self.update(partition, |state| {
            state.waiting.push_back(Waiting { entry, told });
            mem::replace(&mut state.is_flying, true)
        });
        if !is_flying {
            let flight = Flight { appender: self.clone(), partition, is_landed: false };
            // Not by who asks, who may hang up while others wait.
            self.shared.runtime.spawn(flight.run());
        }
        Boarded { shared: Arc::clone(&self.shared), partition, ended }
    }
}

struct Flight<L: EpochLedger> {
    appender: Appender<L>,
    partition: Partition,
    is_landed: bool,
}

impl<L: EpochLedger> Drop for Flight<L> {
    fn drop(&mut self) {
        if !self.is_landed {
            self.appender.update(self.partition, |state| {
                state.is_flying = false;
                state.waiting.clear();
            });
        }
    }
}

impl<L: EpochLedger> Flight<L> {
    async fn run(mut self) {
        loop {
            let (entries, told) = self.appender.update(self.partition, |state| {
                let group = state.next_group();
                state.is_flying = !group.0.is_empty();
                group
            });
            if entries.is_empty() {
                self.is_landed = true;
                return;
            }
            self.append(entries, told).await;
        }
    }

    /// Appends entries, and tells how that went.
    async fn append(&self, mut entries: Vec<Entry>, mut told: Vec<Told>) {
        let mut fenced = 0;
        while !entries.is_empty() {
            let (mut link, epoch) = match self.appender.ready(self.partition).await {
                Ok(ready) => ready,
                Err(error) => return self.refuse_all(entries, told, error),
            };
            let call = self.call(&link, epoch, entries);
            match call.send(&mut link.connection).await {
                Ok(Answered::Judged(verdicts)) if !verdicts.is_empty() => {
                    (entries, told) = self.tell(call, verdicts, told);
                }
                Ok(Answered::Judged(_)) => {
                    let corrupt = Arc::new(QueueError::Corrupt { what: "the answer to an append".into() });
                    return fail(call.into_entries(), told, &Failure::AnswerLost(corrupt));
                }
                Ok(Answered::Fenced) => {
                    self.appender.update(self.partition, |state| state.epoch = None);
                    // The connection may lead to an earlier life than the marker speaks of.
                    self.appender.drop_link(&link).await;
                    entries = call.into_entries();
                    fenced += 1;
                    if fenced > FENCED_MAX {
                        let corrupt = QueueError::Corrupt { what: "the marker".into() };
                        return fail(entries, told, &Failure::NotSent(Arc::new(corrupt)));
                    }
                }
                Err(error) => {
                    let failure = self.failure(&link, error).await;
                    return fail(call.into_entries(), told, &failure);
                }
            }
        }
    }

    fn call(&self, link: &Link, epoch: u64, entries: Vec<Entry>) -> Call<'_> {
        let acknowledged = self.appender.update(self.partition, |state| state.acknowledged_in(epoch));
        let bytes_max = self.appender.queue.partition_bytes_max;
        let fence = Fence { epoch, run_id: &link.run_id, acknowledged, bytes_max };
        Call::new(&self.appender.shared.script, self.partition, &fence, entries)
    }

    /// Tells who waits for the entries that were judged; gives the others, which were not appended.
    fn tell(&self, call: Call<'_>, verdicts: Vec<Verdict>, told: Vec<Told>) -> (Vec<Entry>, Vec<Told>) {
        let accepted = verdicts.iter().filter_map(|verdict| match verdict {
            Verdict::Accepted(entry) => Some(*entry),
            Verdict::Full => None,
        });
        if let Some(newest) = accepted.max() {
            self.appender.update(self.partition, |state| {
                state.acknowledged = state.acknowledged.max(Some(newest));
            });
        }
        let are_all_accepted = !verdicts.contains(&Verdict::Full) && verdicts.len() == told.len();
        // Only what was not accepted is needed once more.
        let mut entries = if are_all_accepted { Vec::new() } else { call.into_entries() }.into_iter();
        let mut told = told.into_iter();
        for (verdict, told) in verdicts.into_iter().zip(told.by_ref()) {
            let ended = match (verdict, entries.next()) {
                (Verdict::Full, Some(entry)) => Err(Failed { entry, failure: Failure::Full }),
                (Verdict::Accepted(id), _) => Ok(id),
                (Verdict::Full, None) => unreachable!("the entries are there unless all were accepted"),
            };
            // Who hung up need not be told.
            let _gone = told.send(ended);
        }
        (entries.collect(), told.collect())
    }

    /// What an error says of the entries of its call.
    async fn failure(&self, link: &Link, error: RedisError) -> Failure {
        let was_answered = error.code().is_some();
        if !was_answered || error.is_unrecoverable_error() || is_of_replica(&error) {
            self.appender.drop_link(link).await;
        }
        let failure = if was_answered { Failure::NotSent } else { Failure::AnswerLost };
        failure(Arc::new(error.into()))
    }

    /// Refuses also what came meanwhile: they have all waited for what has just failed.
    fn refuse_all(&self, entries: Vec<Entry>, told: Vec<Told>, error: QueueError) {
        let refused = Failure::NotSent(Arc::new(error));
        fail(entries, told, &refused);
        let waiting = self.appender.update(self.partition, |state| mem::take(&mut state.waiting));
        let (entries, told) = waiting.into_iter().map(|waiting| (waiting.entry, waiting.told)).unzip();
        fail(entries, told, &refused);
    }
}

fn fail(entries: Vec<Entry>, told: Vec<Told>, failure: &Failure) {
    for (entry, told) in entries.into_iter().zip(told) {
        // Who hung up need not be told.
        let _gone = told.send(Err(Failed { entry, failure: failure.clone() }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_bounded() {
        let mut state = PartitionState::default();
        let small = [0; CALL_ENTRIES_MAX];
        for bytes in [CALL_BYTES_MAX + 1, 1, CALL_BYTES_MAX - 1, 1].into_iter().chain(small) {
            let entry = Entry { envelope: String::new(), records: "x".repeat(bytes) };
            state.waiting.push_back(Waiting { entry, told: oneshot::channel().0 });
        }
        let mut sizes = || state.next_group().0.iter().map(Entry::bytes).collect::<Vec<_>>();
        assert_eq!(sizes(), [CALL_BYTES_MAX + 1], "a large one goes, and goes alone");
        assert_eq!(sizes(), [1, CALL_BYTES_MAX - 1]);
        let third = sizes();
        assert_eq!((third[..2].to_vec(), third.len()), (vec![1, 0], CALL_ENTRIES_MAX));
        assert_eq!((sizes().len(), sizes().len()), (1, 0));
    }
}
