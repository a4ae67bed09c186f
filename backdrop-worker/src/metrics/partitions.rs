//! What this worker knows of the partitions it looks after.

use backdrop_core::log::Partition;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// The partitions that this worker looks after. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Partitions(Arc<Mutex<BTreeMap<u16, State>>>);

/// A partition just now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PartitionNow {
    pub(crate) partition: u16,
    /// For how long it was not seen to have nothing to do; 0: it has nothing to do.
    pub(crate) behind_seconds: f64,
    /// How often work on its next entry was begun without success so far.
    pub(crate) attempts: u32,
}

#[derive(Clone, Copy, Debug)]
struct State {
    progress: Progress,
    attempts: u32,
}

#[derive(Clone, Copy, Debug)]
enum Progress {
    /// There is nothing above the cursor.
    CaughtUp,
    /// There is, or it cannot be seen, since then.
    Behind(Instant),
}

impl Partitions {
    /// This worker begins to look after the partition; what is above the cursor is not seen yet.
    pub(crate) fn entered(&self, partition: Partition) {
        self.change(partition, |_| {});
    }

    /// There is nothing above the cursor.
    pub(crate) fn caught_up(&self, partition: Partition) {
        self.change(partition, |state| state.progress = Progress::CaughtUp);
    }

    /// There are entries above the cursor, or it cannot be seen whether there are.
    pub(crate) fn behind(&self, partition: Partition) {
        self.change(partition, |state| {
            if matches!(state.progress, Progress::CaughtUp) {
                state.progress = Progress::Behind(Instant::now());
            }
        });
    }

    /// Work on the next entry is begun for so many times.
    pub(crate) fn attempted(&self, partition: Partition, attempts: u32) {
        self.change(partition, |state| state.attempts = attempts);
    }

    /// Another worker looks after the partition.
    pub(crate) fn left(&self, partition: Partition) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&partition.0);
    }

    fn change(&self, partition: Partition, change: impl FnOnce(&mut State)) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = State { progress: Progress::Behind(Instant::now()), attempts: 0 };
        change(known.entry(partition.0).or_insert(new));
    }

    /// How the partitions are just now, in their order.
    pub(crate) fn now(&self) -> Vec<PartitionNow> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = known.iter().map(|(partition, state)| PartitionNow {
            partition: *partition,
            behind_seconds: state.progress.age_seconds(),
            attempts: state.attempts,
        });
        now.collect()
    }
}

impl Progress {
    fn age_seconds(self) -> f64 {
        match self {
            Self::CaughtUp => 0.0,
            Self::Behind(since) => since.elapsed().as_secs_f64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_ages_from_when_it_was_last_caught_up_and_is_forgotten_when_it_is_left() {
        let partitions = Partitions::default();
        let (one, two) = (Partition(1), Partition(2));
        partitions.entered(one);
        partitions.caught_up(two);
        partitions.attempted(two, 3);
        let now = partitions.now();
        let caught_up = |partition, attempts| PartitionNow { partition, behind_seconds: 0.0, attempts };
        assert!(now[0].behind_seconds > 0.0, "{now:?}");
        assert_eq!(now[1..], [caught_up(2, 3)]);
        partitions.behind(one);
        assert!(partitions.now()[0].behind_seconds > now[0].behind_seconds, "behind since the same time");
        partitions.left(two);
        partitions.caught_up(one);
        assert_eq!(partitions.now(), [caught_up(1, 0)]);
    }
}
