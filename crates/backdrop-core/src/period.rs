//! Periods: the hours, days, weeks, months, quarters and years by which figures are added up.
//!
//! A [`Calendar`] says when the periods of a kind begin in a time zone; [`Periods`] are some that follow
//! each other, each as its two ends. Weeks begin on Monday.

mod calendar;
mod periods;

pub use calendar::Calendar;
pub use periods::{EndCounts, PERIODS_MAX, Periods, PeriodsError};

use chrono::TimeDelta;

/// A length of calendar time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Period {
    /// From minute 0 on.
    Hour,
    /// From midnight on.
    Day,
    /// From Monday on.
    Week,
    /// From the first of a month on.
    Month,
    /// From the first of January, April, July or October on.
    Quarter,
    /// From the first of January on.
    Year,
}

impl Period {
    /// All periods, the shortest first.
    pub const ALL: [Self; 6] = [Self::Hour, Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];

    /// The name, as queries have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// Longer than any period of this kind, whatever is done to clocks.
    fn longest(self) -> TimeDelta {
        TimeDelta::days(match self {
            Self::Hour => return TimeDelta::hours(2),
            Self::Day => 2,
            Self::Week => 8,
            Self::Month => 32,
            Self::Quarter => 93,
            Self::Year => 367,
        })
    }

    /// The period of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|period| period.as_str() == name)
    }
}

#[cfg(test)]
mod tests;
