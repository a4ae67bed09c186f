//! When periods begin: at the full hour, at midnight, on Mondays, on the first of a month, by the clock
//! of a time zone.
//!
//! Around a change of the clock a day has 23 or 25 hours. An hour that the clock shows twice in full is
//! two periods. A part of an hour that is shown again (Lord Howe Island changes by half an hour) belongs
//! to the hour it repeats, and a day that a zone leaves out is no period at all.

use super::Period;
use crate::time::Timestamp;
use crate::zone::Zone;
use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};

/// Weeks have no place in a year: the 52nd week before is the one that has its weekdays nearest.
const DAYS_OF_52_WEEKS: u64 = 364;

/// A kind of period in a time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// Which kind.
    pub period: Period,
    /// By whose clock.
    pub zone: Zone,
}

impl Calendar {
    /// The start of the period that holds the given time.
    pub fn floor(self, at: Timestamp) -> Timestamp {
        let local = self.zone.local(at);
        if self.period == Period::Hour {
            return self.floor_to_hour(at, local);
        }
        let mut start = self.start_on(first_day(self.period, local.date()));
        // A clock that was set back over midnight shows the day before once more.
        while let Some(next) = self.next(start)
            && next <= at
        {
            start = next;
        }
        start
    }

    /// Whether a period begins at the given time.
    pub fn begins_at(self, at: Timestamp) -> bool {
        self.floor(at) == at
    }

    /// The start of the period after the one that begins at `start`; `None` beyond all years.
    pub(super) fn next(self, start: Timestamp) -> Option<Timestamp> {
        if self.period == Period::Hour {
            return Some(self.next_hour(start));
        }
        let mut day = first_day(self.period, self.zone.local(start).date());
        loop {
            day = self.day_after(day)?;
            let next = self.start_on(day);
            if next > start {
                return Some(next);
            }
        }
    }

    /// The start of the period before the one that begins at `start`.
    pub(super) fn previous(self, start: Timestamp) -> Timestamp {
        self.floor(start - TimeDelta::microseconds(1))
    }

    /// The start of the period that, a year before, has the place of the one that begins at `start`.
    pub(super) fn year_before(self, start: Timestamp) -> Option<Timestamp> {
        let local = self.zone.local(start);
        let before = match self.period {
            Period::Week => local.checked_sub_days(Days::new(DAYS_OF_52_WEEKS))?,
            _ => local.checked_sub_months(Months::new(12))?,
        };
        Some(self.floor(self.zone.first_instant(before)))
    }

    fn start_on(self, day: NaiveDate) -> Timestamp {
        self.zone.first_instant(day.and_time(NaiveTime::MIN))
    }

    fn day_after(self, first: NaiveDate) -> Option<NaiveDate> {
        match self.period {
            Period::Hour | Period::Day => first.checked_add_days(Days::new(1)),
            Period::Week => first.checked_add_days(Days::new(7)),
            Period::Month => first.checked_add_months(Months::new(1)),
            Period::Quarter => first.checked_add_months(Months::new(3)),
            Period::Year => first.checked_add_months(Months::new(12)),
        }
    }

    fn floor_to_hour(self, at: Timestamp, local: NaiveDateTime) -> Timestamp {
        let start = at - (local - full_hour(local));
        if self.zone.offset(start) == self.zone.offset(at) {
            return start;
        }
        // The clock was set since: a new hour began then, unless it showed the same one before.
        let set_at = self.zone.transition(start, at);
        let before = set_at - TimeDelta::microseconds(1);
        let local_before = self.zone.local(before);
        if full_hour(local_before) == full_hour(local) {
            self.floor_to_hour(before, local_before)
        } else {
            set_at
        }
    }

    fn next_hour(self, start: Timestamp) -> Timestamp {
        let local = self.zone.local(start);
        let end = start + (full_hour(local) + TimeDelta::hours(1) - local);
        if self.zone.offset(end) == self.zone.offset(start) {
            return end;
        }
        let set_at = self.zone.transition(start, end);
        let local_after = self.zone.local(set_at);
        let hour = full_hour(local_after);
        if hour == full_hour(local) && hour != local_after {
            set_at + (hour + TimeDelta::hours(1) - local_after)
        } else {
            set_at
        }
    }
}

/// The first day of the period that holds a day.
fn first_day(period: Period, day: NaiveDate) -> NaiveDate {
    let since = match period {
        Period::Hour | Period::Day => 0,
        Period::Week => u64::from(day.weekday().num_days_from_monday()),
        Period::Month => u64::from(day.day0()),
        Period::Quarter => days_since_month(day, day.month0() / 3 * 3),
        Period::Year => u64::from(day.ordinal0()),
    };
    day.checked_sub_days(Days::new(since)).expect("it is at most a year before a day of the years 0 to 10000")
}

/// How many days ago that month (counted from 0) of the same year began.
fn days_since_month(day: NaiveDate, month0: u32) -> u64 {
    let first = NaiveDate::from_ymd_opt(day.year(), month0 + 1, 1).expect("every month has a first day");
    day.signed_duration_since(first).num_days().unsigned_abs()
}

fn full_hour(local: NaiveDateTime) -> NaiveDateTime {
    let into = TimeDelta::seconds(i64::from(local.minute() * 60 + local.second()))
        + TimeDelta::nanoseconds(i64::from(local.nanosecond()));
    local - into
}
