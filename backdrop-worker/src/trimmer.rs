//! When to trim the log, and how far: only what has been committed for as long as it is to be kept.

use backdrop_core::log::Cursor;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How often the log is looked at.
const INTERVAL: Duration = Duration::from_secs(10);

/// Remembers where the cursor was. A new process begins to remember anew, so that entries stay rather
/// longer than asked for, never shorter.
#[derive(Debug)]
pub(crate) struct Trimmer {
    keep: Duration,
    /// Where the cursor was committed, and when, oldest first.
    seen: VecDeque<(Instant, Cursor)>,
    looked: Instant,
}

impl Trimmer {
    pub(crate) fn new(keep: Duration, now: Instant) -> Self {
        Self { keep, seen: VecDeque::new(), looked: now }
    }

    /// Whether it is time to look at the log.
    pub(crate) fn is_time(&self, now: Instant) -> bool {
        now.duration_since(self.looked) >= INTERVAL.min(self.keep)
    }

    /// Notes where the cursor is, as the store has it.
    pub(crate) fn note(&mut self, cursor: Cursor, now: Instant) {
        self.looked = now;
        // After the store was restored from a backup, what was committed above the cursor is not any more.
        self.seen.retain(|(_, seen)| *seen <= cursor);
        if self.seen.back().is_none_or(|(_, last)| *last < cursor) {
            self.seen.push_back((now, cursor));
        }
    }

    /// How far the log may be trimmed now; `None`: not at all. If memory is short, whatever is
    /// committed may go.
    pub(crate) fn trim_to(&mut self, now: Instant, memory_is_short: bool) -> Option<Cursor> {
        let mut trim_to = None;
        while let Some((committed, cursor)) = self.seen.front() {
            if !memory_is_short && now.duration_since(*committed) < self.keep {
                break;
            }
            trim_to = Some(*cursor);
            self.seen.pop_front();
        }
        trim_to
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backdrop_core::log::EntryId;

    fn cursor(n: u64) -> Cursor {
        Cursor::at(EntryId { epoch: 1, n })
    }

    #[test]
    fn what_a_restored_store_has_forgotten_is_not_trimmed() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut trimmer = Trimmer::new(Duration::from_secs(60), start);
        trimmer.note(cursor(2), at(10));
        trimmer.note(cursor(9), at(20));
        // The cursor went back.
        trimmer.note(cursor(5), at(500));
        assert_eq!(trimmer.trim_to(at(501), true), Some(cursor(5)));
        assert_eq!(trimmer.trim_to(at(900), true), None);
    }

    #[test]
    fn what_was_committed_long_ago_is_trimmed() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut trimmer = Trimmer::new(Duration::from_secs(600), start);
        assert!(!trimmer.is_time(at(1)), "not so soon");
        assert!(trimmer.is_time(at(10)));
        trimmer.note(cursor(2), at(10));
        trimmer.note(cursor(9), at(20));
        assert_eq!(trimmer.trim_to(at(609), false), None);
        assert_eq!(trimmer.trim_to(at(610), false), Some(cursor(2)));
        assert_eq!(trimmer.trim_to(at(611), false), None, "done already");
        assert_eq!(trimmer.trim_to(at(612), true), Some(cursor(9)), "memory is short");
    }
}
