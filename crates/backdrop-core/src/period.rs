//! Periods: the hours, days, weeks, months, quarters and years by which figures are added up.
//!
//! A period is addressed by its ordinal, the number of periods since some origin, so that flooring,
//! shifting and counting are arithmetic and nothing ever walks from one end of a range to the other.
//! All of it is in UTC, and weeks begin on Monday, as `date_trunc` has it in Postgres.
//!
//! **Invariant.** [`Periods`] has at most [`PERIODS_MAX`] members, and each of them begins within the
//! years 0001 to 9999.

use crate::time::Timestamp;
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime};

/// How many periods one range may have: 100,000 hours are eleven years, and nobody draws more.
pub const PERIODS_MAX: u32 = 100_000;

/// The last year of which there are times; the last period of it ends in the next.
const YEAR_MAX: i32 = 9_999;
const SECONDS_PER_HOUR: i64 = 3_600;
const SECONDS_PER_DAY: i64 = 86_400;
/// 1 January 1970 was a Thursday: the Monday before it is three days back.
const DAYS_FROM_MONDAY_TO_EPOCH: i64 = 3;

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

    /// The period of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|period| period.as_str() == name)
    }

    /// The start of the period that holds the given time.
    pub fn floor(self, at: Timestamp) -> Timestamp {
        self.start_of(self.ordinal(at))
            .expect("a time of the years 1 to 9999 lies in a period that begins there")
    }

    /// The start of the period `count` after (or, if negative, before) the one that holds the given
    /// time; `None` outside of the years 0001 to 10000.
    pub fn shift(self, at: Timestamp, count: i64) -> Option<Timestamp> {
        self.start_of(self.ordinal(at).checked_add(count)?)
    }

    fn ordinal(self, at: Timestamp) -> i64 {
        let seconds = at.timestamp();
        match self {
            Self::Hour => seconds.div_euclid(SECONDS_PER_HOUR),
            Self::Day => seconds.div_euclid(SECONDS_PER_DAY),
            Self::Week => (seconds.div_euclid(SECONDS_PER_DAY) + DAYS_FROM_MONDAY_TO_EPOCH).div_euclid(7),
            Self::Month => i64::from(at.year()) * 12 + i64::from(at.month0()),
            Self::Quarter => i64::from(at.year()) * 4 + i64::from(at.month0() / 3),
            Self::Year => i64::from(at.year()),
        }
    }

    fn start_of(self, ordinal: i64) -> Option<Timestamp> {
        let from_seconds = |seconds: i64| DateTime::from_timestamp(seconds, 0);
        let start = match self {
            Self::Hour => from_seconds(ordinal.checked_mul(SECONDS_PER_HOUR)?)?,
            Self::Day => from_seconds(ordinal.checked_mul(SECONDS_PER_DAY)?)?,
            Self::Week => {
                let days = ordinal.checked_mul(7)?.checked_sub(DAYS_FROM_MONDAY_TO_EPOCH)?;
                from_seconds(days.checked_mul(SECONDS_PER_DAY)?)?
            }
            Self::Month => first_of_month(ordinal, 12)?,
            Self::Quarter => first_of_month(ordinal, 4)?,
            Self::Year => first_of_month(ordinal, 1)?,
        };
        (1..=YEAR_MAX + 1).contains(&start.year()).then_some(start)
    }
}

/// The start of a part of a year, all parts of which are equally many months long.
fn first_of_month(ordinal: i64, parts_per_year: i64) -> Option<Timestamp> {
    let year = i32::try_from(ordinal.div_euclid(parts_per_year)).ok()?;
    let month0 = ordinal.rem_euclid(parts_per_year) * (12 / parts_per_year);
    let date = NaiveDate::from_ymd_opt(year, u32::try_from(month0).ok()? + 1, 1)?;
    Some(date.and_time(NaiveTime::MIN).and_utc())
}

/// Why a range of periods cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeriodsError {
    /// The range has more periods than [`PERIODS_MAX`].
    #[error("that makes more than {PERIODS_MAX} periods; choose a longer period or a shorter range")]
    TooMany,
    /// The range leaves the years for which there are times.
    #[error("the range must lie within the years 0001 to 9999")]
    OutOfYears,
}

/// Consecutive periods of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periods {
    period: Period,
    first: i64,
    count: u32,
}

impl Periods {
    /// The periods from the one that holds `start` to the one that holds the last moment before
    /// `end`, or `end` itself if it is `end_counts`.
    ///
    /// # Errors
    /// If they are too many.
    pub fn covering(
        period: Period,
        start: Timestamp,
        end: Timestamp,
        end_counts: EndCounts,
    ) -> Result<Self, PeriodsError> {
        let first = period.ordinal(start);
        let last = period.ordinal(end);
        let holds_end = end_counts == EndCounts::Yes || period.floor(end) != end;
        let count = last - first + i64::from(holds_end);
        Self::counted(period, first, u32::try_from(count.max(0)).map_err(|_| PeriodsError::TooMany)?)
    }

    /// The given number of periods, the first of them the one that holds `start`.
    ///
    /// # Errors
    /// If they are too many, or reach beyond the year 9999.
    pub fn starting_with(period: Period, start: Timestamp, count: u32) -> Result<Self, PeriodsError> {
        Self::counted(period, period.ordinal(start), count)
    }

    /// The given number of periods before the one that holds `end`.
    ///
    /// # Errors
    /// If they are too many, or reach before the year 1.
    pub fn ending_before(period: Period, end: Timestamp, count: u32) -> Result<Self, PeriodsError> {
        Self::counted(period, period.ordinal(end) - i64::from(count), count)
    }

    fn counted(period: Period, first: i64, count: u32) -> Result<Self, PeriodsError> {
        if count > PERIODS_MAX {
            return Err(PeriodsError::TooMany);
        }
        let is_within = |ordinal: i64| period.start_of(ordinal).is_some_and(|start| start.year() <= YEAR_MAX);
        if !is_within(first) || !is_within(first + i64::from(count.saturating_sub(1))) {
            return Err(PeriodsError::OutOfYears);
        }
        Ok(Self { period, first, count })
    }

    /// Which kind of period.
    pub const fn period(&self) -> Period {
        self.period
    }

    /// How many there are.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// When the first of them begins.
    pub fn start(&self) -> Timestamp {
        self.boundary(0)
    }

    /// When the last of them ends.
    pub fn end(&self) -> Timestamp {
        self.boundary(self.count)
    }

    /// Start and end of each of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Timestamp, Timestamp)> {
        let mut start = self.start();
        let periods = *self;
        (0..self.count).map(move |index| {
            let end = periods.boundary(index + 1);
            (std::mem::replace(&mut start, end), end)
        })
    }

    /// Which of them holds the given time, counted from 0.
    pub fn position(&self, at: Timestamp) -> Option<usize> {
        let position = u32::try_from(self.period.ordinal(at) - self.first).ok()?;
        (position < self.count).then_some(position as usize)
    }

    fn boundary(&self, index: u32) -> Timestamp {
        self.period
            .start_of(self.first + i64::from(index))
            .expect("both ends were checked when this was made")
    }
}

/// Whether the end of a range is part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndCounts {
    /// The range is closed.
    Yes,
    /// The range is half-open.
    No,
}

#[cfg(test)]
mod tests;
