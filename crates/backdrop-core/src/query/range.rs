//! The time a query is about: from `start_at`, `end_at`, `inclusive`, `period` and `duration` to two
//! ends and the periods between them.

use super::parameters::{Parameters, read_count, read_flag};
use super::{GivenEnds, invalid};
use crate::error::ApiError;
use crate::period::{Calendar, EndCounts, PERIODS_MAX, Period, Periods, PeriodsError};
use crate::time::{self, Timestamp};
use crate::zone::Zone;

/// From when to when; never the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    start: Timestamp,
    end: Timestamp,
    end_counts: EndCounts,
}

impl TimeRange {
    /// All the time of these periods.
    pub(super) fn of(periods: &Periods) -> Self {
        Self { start: periods.start(), end: periods.end(), end_counts: EndCounts::No }
    }

    /// The first moment.
    pub const fn start(&self) -> Timestamp {
        self.start
    }

    /// The last moment, or the first one after it; see [`end_counts`](Self::end_counts).
    pub const fn end(&self) -> Timestamp {
        self.end
    }

    /// Whether the end belongs to the range.
    pub const fn end_counts(&self) -> EndCounts {
        self.end_counts
    }
}

/// From which end periods are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// From the first on.
    Forward,
    /// From the last back.
    Back,
}

/// What the parameters came to.
pub(super) struct Ends {
    pub(super) range: Option<TimeRange>,
    pub(super) periods: Option<Periods>,
    /// How they were counted, if there was a `duration`.
    pub(super) counted: Option<Counted>,
    pub(super) given: GivenEnds,
    /// Whether they are other ones at another time.
    pub(super) follow_the_clock: bool,
}

pub(super) fn read(parameters: &Parameters<'_>, now: Timestamp) -> Result<Ends, ApiError> {
    let given = GivenEnds {
        start_at: parameters.start_at.map(|text| read_end("start_at", text)).transpose()?,
        end_at: parameters.end_at.map(|text| read_end("end_at", text)).transpose()?,
    };
    let inclusive = read_flag("inclusive", parameters.inclusive)?;
    let calendar = read_calendar(parameters)?;
    let duration = parameters.duration.map(read_duration).transpose()?;
    let counted = duration.map(|_| if given.start_at.is_some() { Counted::Forward } else { Counted::Back });
    let (range, periods) = match (calendar, duration) {
        (None, Some(_)) => {
            return Err(invalid(
                "duration needs `period`: it counts periods. Add one of hour, day, week, \
                                month, quarter, year",
            ));
        }
        (Some(calendar), Some(duration)) => {
            let periods = count(calendar, duration, given, now)?;
            (Some(TimeRange::of(&periods)), Some(periods))
        }
        (calendar, None) => {
            let range = between(given, if inclusive { EndCounts::Yes } else { EndCounts::No })?;
            (range, calendar.map(|calendar| covering(calendar, range)).transpose()?)
        }
    };
    let follow_the_clock = duration.is_some() && given.start_at.is_none() && given.end_at.is_none();
    Ok(Ends { range, periods, counted, given, follow_the_clock })
}

fn read_calendar(parameters: &Parameters<'_>) -> Result<Option<Calendar>, ApiError> {
    let zone = parameters.timezone.map(read_zone).transpose()?;
    match (parameters.period, zone) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(invalid(
            "timezone needs `period`: it says by whose clock periods begin. Add one of hour, day, week, \
             month, quarter, year",
        )),
        (Some(period), zone) => {
            Ok(Some(Calendar { period: read_period(period)?, zone: zone.unwrap_or(Zone::UTC) }))
        }
    }
}

fn read_zone(name: &str) -> Result<Zone, ApiError> {
    Zone::parse(name).ok_or_else(|| {
        invalid(format!(
            "timezone must be the name of a zone in the IANA database, such as Europe/London or UTC, not {name:?}"
        ))
    })
}

/// The periods of a query with `duration`: whole ones, so that `inclusive` has nothing left to close.
fn count(calendar: Calendar, duration: u32, given: GivenEnds, now: Timestamp) -> Result<Periods, ApiError> {
    let periods = match (given.start_at, given.end_at) {
        (Some(_), Some(_)) => {
            return Err(invalid("duration cannot be used with both `start_at` and `end_at`: leave one out"));
        }
        (Some(start), None) => Periods::starting_with(calendar, start, duration),
        (None, end) => Periods::ending_before(calendar, end.unwrap_or(now), duration),
    };
    periods.map_err(|error| invalid(format!("duration={duration}: {error}")))
}

fn between(given: GivenEnds, end_counts: EndCounts) -> Result<Option<TimeRange>, ApiError> {
    match (given.start_at, given.end_at) {
        (None, None) => Ok(None),
        (Some(start), Some(end)) if start > end => Err(invalid(format!(
            "start_at ({}) is after end_at ({}); exchange them",
            time::format(start),
            time::format(end)
        ))),
        (Some(start), Some(end)) => Ok(Some(TimeRange { start, end, end_counts })),
        (Some(_), None) => Err(invalid("start_at needs `end_at`, or `period` and `duration`")),
        (None, Some(_)) => Err(invalid("end_at needs `start_at`, or `period` and `duration`")),
    }
}

fn covering(calendar: Calendar, range: Option<TimeRange>) -> Result<Periods, ApiError> {
    let Some(range) = range else {
        return Err(invalid("period needs both `start_at` and `end_at`, or a `duration`"));
    };
    Periods::covering(calendar, range.start, range.end, range.end_counts).map_err(|error| {
        let parameter = match error {
            PeriodsError::TooMany => "period",
            PeriodsError::OutOfYears => "start_at and end_at",
        };
        invalid(format!("{parameter}: {error}"))
    })
}

fn read_period(text: &str) -> Result<Period, ApiError> {
    let wrong =
        || invalid(format!("period must be one of hour, day, week, month, quarter, year, not {text:?}"));
    Period::parse(text).ok_or_else(wrong)
}

fn read_duration(text: &str) -> Result<u32, ApiError> {
    let wrong = || {
        invalid(format!("duration must be a whole number from 1 to {PERIODS_MAX} (periods), not {text:?}"))
    };
    let duration = read_count("duration", text).map_err(|_| wrong())?;
    if (1..=PERIODS_MAX).contains(&duration) { Ok(duration) } else { Err(wrong()) }
}

/// Reads an end. Records may leave out the offset or the time of day, a query may not: a range that
/// silently meant another zone, or a day more or less, would give wrong figures.
fn read_end(name: &str, text: &str) -> Result<Timestamp, ApiError> {
    let wrong = |reason: String| {
        invalid(format!(
            "{name} is not a valid datetime: {reason}, found {text:?}. Expected a time like \
             2013-03-11T00:00:00Z or 2013-03-11T00:00:00%2B01:00 (in a URL `+` is written %2B)"
        ))
    };
    let bytes = text.as_bytes();
    let has_time_of_day = bytes.get(10) == Some(&b'T') && bytes.get(16) == Some(&b':');
    if !has_time_of_day {
        return Err(wrong("it must be a date and a time of day with seconds".into()));
    }
    let has_offset = bytes[17..].iter().any(|byte| matches!(byte, b'Z' | b'z' | b'+' | b'-'));
    if !has_offset {
        return Err(wrong("it must end with its offset from UTC".into()));
    }
    time::parse(text).map_err(|error| wrong(error.to_string()))
}
