//! Periods that follow each other.
//!
//! **Invariant.** There are at most [`PERIODS_MAX`] of them, and each begins within the years 0001 to 9999
//! by the clock of its zone. Both are known before the first of them is made.

use super::{Calendar, Period};
use crate::query::Comparison;
use crate::time::Timestamp;
use chrono::Datelike;
use std::fmt;
use std::sync::Arc;

/// How many periods one range may have: 100,000 hours are eleven years, and nobody draws more.
pub const PERIODS_MAX: u32 = 100_000;

/// The last year of which there are times; the last period of it ends in the next.
const YEAR_MAX: i32 = 9_999;

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

/// Whether the end of a range is part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndCounts {
    /// The range is closed.
    Yes,
    /// The range is half-open.
    No,
}

/// Consecutive periods of one kind.
#[derive(Clone, PartialEq, Eq)]
pub struct Periods {
    calendar: Calendar,
    /// Where each begins, then where the last ends.
    boundaries: Arc<[Timestamp]>,
}

impl Periods {
    /// The periods from the one that holds `start` to the one that holds the last moment before
    /// `end`, or `end` itself if it counts.
    ///
    /// # Errors
    /// If they are too many, or reach beyond the years there are.
    pub fn covering(
        calendar: Calendar,
        start: Timestamp,
        end: Timestamp,
        end_counts: EndCounts,
    ) -> Result<Self, PeriodsError> {
        if end - start > calendar.period.longest() * PERIODS_MAX as i32 {
            return Err(PeriodsError::TooMany);
        }
        let periods = Self::between(calendar, start, end, end_counts)?;
        if periods.len() > PERIODS_MAX as usize { Err(PeriodsError::TooMany) } else { Ok(periods) }
    }

    /// As [`covering`](Self::covering), for ends that are known not to be too far apart.
    fn between(
        calendar: Calendar,
        start: Timestamp,
        end: Timestamp,
        end_counts: EndCounts,
    ) -> Result<Self, PeriodsError> {
        let is_complete = |boundary: Timestamp| match end_counts {
            EndCounts::Yes => boundary > end,
            EndCounts::No => boundary >= end,
        };
        let mut boundaries = vec![calendar.floor(start)];
        while !is_complete(boundaries[boundaries.len() - 1]) {
            push_next(calendar, &mut boundaries)?;
        }
        Self::checked(calendar, boundaries)
    }

    /// The given number of periods, the first of them the one that holds `start`.
    ///
    /// # Errors
    /// If they are too many, or reach beyond the years there are.
    pub fn starting_with(calendar: Calendar, start: Timestamp, count: u32) -> Result<Self, PeriodsError> {
        check_count(count)?;
        let mut boundaries = vec![calendar.floor(start)];
        for _ in 0..count {
            push_next(calendar, &mut boundaries)?;
        }
        Self::checked(calendar, boundaries)
    }

    /// The given number of periods before the one that holds `end`.
    ///
    /// # Errors
    /// If they are too many, or reach beyond the years there are.
    pub fn ending_before(calendar: Calendar, end: Timestamp, count: u32) -> Result<Self, PeriodsError> {
        check_count(count)?;
        let mut boundaries = vec![calendar.floor(end)];
        for _ in 0..count {
            push_previous(calendar, &mut boundaries)?;
        }
        boundaries.reverse();
        Self::checked(calendar, boundaries)
    }

    /// As many periods, that many places later.
    ///
    /// # Errors
    /// If they reach beyond the years there are.
    pub fn later(&self, places: usize) -> Result<Self, PeriodsError> {
        let mut boundaries = self.boundaries.to_vec();
        for _ in 0..places {
            push_next(self.calendar, &mut boundaries)?;
        }
        boundaries.drain(..places);
        Self::checked(self.calendar, boundaries)
    }

    /// As many periods, that many places earlier.
    ///
    /// # Errors
    /// If they reach beyond the years there are.
    pub fn earlier(&self, places: usize) -> Result<Self, PeriodsError> {
        let mut boundaries: Vec<Timestamp> = self.boundaries.iter().rev().copied().collect();
        for _ in 0..places {
            push_previous(self.calendar, &mut boundaries)?;
        }
        boundaries.drain(..places);
        boundaries.reverse();
        Self::checked(self.calendar, boundaries)
    }

    /// The earlier periods that these are compared with, and which of them goes with each of these.
    ///
    /// # Errors
    /// If they reach beyond the years there are.
    pub fn compared(&self, comparison: Comparison) -> Result<(Self, Vec<usize>), PeriodsError> {
        let counterpart = |start: &Timestamp| match comparison {
            Comparison::Previous => Ok(self.calendar.previous(*start)),
            Comparison::Year => self.calendar.year_before(*start).ok_or(PeriodsError::OutOfYears),
        };
        let counterparts = self.starts().iter().map(counterpart).collect::<Result<Vec<_>, _>>()?;
        // Not the first and the last: the hours of a 29 February go with those of the 28th, once more.
        let (Some(least), Some(greatest)) = (counterparts.iter().min(), counterparts.iter().max()) else {
            return Ok((self.clone(), Vec::new()));
        };
        let periods = Self::between(self.calendar, *least, *greatest, EndCounts::Yes)?;
        let position =
            |start: &Timestamp| periods.position(*start).expect("it is between least and greatest");
        let positions = counterparts.iter().map(position).collect();
        Ok((periods, positions))
    }

    /// Checks the years of the first and the last one; those between lie between.
    fn checked(calendar: Calendar, boundaries: Vec<Timestamp>) -> Result<Self, PeriodsError> {
        let is_within = |start: &Timestamp| (1..=YEAR_MAX).contains(&calendar.zone.local(*start).year());
        let starts = &boundaries[..boundaries.len().saturating_sub(1).max(1)];
        if starts.first().is_some_and(is_within) && starts.last().is_some_and(is_within) {
            return Ok(Self { calendar, boundaries: boundaries.into() });
        }
        Err(PeriodsError::OutOfYears)
    }

    /// Which kind of period, by whose clock.
    pub const fn calendar(&self) -> Calendar {
        self.calendar
    }

    /// Which kind of period.
    pub const fn period(&self) -> Period {
        self.calendar.period
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.boundaries.len() - 1
    }

    /// Whether there is none, as in a range of no length.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When each of them begins.
    pub fn starts(&self) -> &[Timestamp] {
        &self.boundaries[..self.len()]
    }

    /// When the first of them begins.
    pub fn start(&self) -> Timestamp {
        self.boundaries[0]
    }

    /// When the last of them ends.
    pub fn end(&self) -> Timestamp {
        self.boundaries[self.len()]
    }

    /// Start and end of each of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Timestamp, Timestamp)> {
        self.boundaries.windows(2).map(|ends| (ends[0], ends[1]))
    }

    /// Which of them holds the given time, counted from 0.
    pub fn position(&self, at: Timestamp) -> Option<usize> {
        let begun = self.boundaries.partition_point(|boundary| *boundary <= at);
        (1..self.boundaries.len()).contains(&begun).then(|| begun - 1)
    }
}

/// Without the boundaries: they follow from the rest.
impl fmt::Debug for Periods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Calendar { period, zone } = self.calendar;
        write!(f, "{} × {} in {zone:?} from {:?}", self.len(), period.as_str(), self.start())
    }
}

const fn check_count(count: u32) -> Result<(), PeriodsError> {
    if count > PERIODS_MAX { Err(PeriodsError::TooMany) } else { Ok(()) }
}

fn push_next(calendar: Calendar, boundaries: &mut Vec<Timestamp>) -> Result<(), PeriodsError> {
    let last = boundaries[boundaries.len() - 1];
    if calendar.zone.local(last).year() > YEAR_MAX {
        return Err(PeriodsError::OutOfYears);
    }
    boundaries.push(calendar.next(last).ok_or(PeriodsError::OutOfYears)?);
    Ok(())
}

fn push_previous(calendar: Calendar, boundaries: &mut Vec<Timestamp>) -> Result<(), PeriodsError> {
    let last = boundaries[boundaries.len() - 1];
    if calendar.zone.local(last).year() < 1 {
        return Err(PeriodsError::OutOfYears);
    }
    boundaries.push(calendar.previous(last));
    Ok(())
}
