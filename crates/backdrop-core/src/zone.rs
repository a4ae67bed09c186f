//! Time zones: what the clock on a wall shows at some moment, and when it shows what.
//!
//! The zones are those of the IANA database, compiled in, so that every process has the same ones and
//! a query means the same on every machine. The store's own copy is never asked.

use crate::time::Timestamp;
use chrono::{FixedOffset, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;
use std::fmt;

/// A time zone.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Zone(Tz);

impl Zone {
    /// Coordinated universal time, whose clock is never changed.
    pub const UTC: Self = Self(Tz::UTC);

    /// The zone of that name, such as `Europe/London`.
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok().map(Self)
    }

    /// The name, as the database has it.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// How far the clock is ahead of UTC.
    pub fn offset(self, at: Timestamp) -> FixedOffset {
        self.0.offset_from_utc_datetime(&at.naive_utc()).fix()
    }

    /// What the clock shows.
    pub fn local(self, at: Timestamp) -> NaiveDateTime {
        at.naive_utc() + self.offset(at)
    }

    /// When the clock shows that for the first time; if it never does, because it is set forward over
    /// it, when it is set.
    pub fn first_instant(self, local: NaiveDateTime) -> Timestamp {
        if let Some(found) = self.0.from_local_datetime(&local).earliest() {
            return found.to_utc();
        }
        let day = TimeDelta::days(1);
        let (before, after) = (self.offset((local - day).and_utc()), self.offset((local + day).and_utc()));
        self.transition((local - after).and_utc(), (local - before).and_utc())
    }

    /// When the clock is set, given a moment before and one after (or at) that; to the second.
    pub(crate) fn transition(self, before: Timestamp, after: Timestamp) -> Timestamp {
        let offset = self.offset(after);
        let (mut before, mut after) = (before.timestamp(), after.timestamp());
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            let at = Timestamp::from_timestamp(middle, 0).expect("it lies between two moments");
            if self.offset(at) == offset {
                after = middle;
            } else {
                before = middle;
            }
        }
        Timestamp::from_timestamp(after, 0).expect("it lies between two moments")
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{self, parse};

    fn zone(name: &str) -> Zone {
        Zone::parse(name).expect("a zone")
    }

    /// The first moment of a day, or another time of day, in a zone.
    fn first(name: &str, local: &str) -> String {
        time::format(zone(name).first_instant(parse(local).expect("a time").naive_utc()))
    }

    #[test]
    fn zones_are_known_by_their_names() {
        assert_eq!(zone("Europe/London").name(), "Europe/London");
        assert_eq!(Zone::parse("UTC"), Some(Zone::UTC));
        for unknown in ["", "Europe/Londinium", "BST", "+01:00", "europe/london "] {
            assert_eq!(Zone::parse(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn midnights_follow_the_clock() {
        assert_eq!(first("Europe/London", "2013-01-10"), "2013-01-10T00:00:00+00:00");
        assert_eq!(first("Europe/London", "2013-07-10"), "2013-07-09T23:00:00+00:00");
        assert_eq!(first("Asia/Kathmandu", "2013-07-10"), "2013-07-09T18:15:00+00:00");
    }

    #[test]
    fn what_is_shown_twice_counts_the_first_time_and_what_never_is_when_the_clock_is_set() {
        // 01:30 came twice when summer time ended, and not at all when it began.
        assert_eq!(first("Europe/London", "2013-10-27T01:30"), "2013-10-27T00:30:00+00:00");
        assert_eq!(first("Europe/London", "2013-03-31T01:30"), "2013-03-31T01:00:00+00:00");
        // Brazil set its clocks at midnight, Samoa left out a day.
        assert_eq!(first("America/Sao_Paulo", "2013-10-20"), "2013-10-20T03:00:00+00:00");
        assert_eq!(first("Pacific/Apia", "2011-12-30"), "2011-12-30T10:00:00+00:00");
        assert_eq!(first("Pacific/Apia", "2011-12-31"), "2011-12-30T10:00:00+00:00");
    }
}
