//! The rules for data sets that do not allow raw queries: no single record may be told from an answer,
//! neither directly nor by the difference between two slightly different ranges.

use super::{Answer, Query, invalid};
use crate::data_set::DataSetSettings;
use crate::error::ApiError;
use crate::period::Period;
use crate::time::{self, Timestamp};
use chrono::TimeDelta;

/// The shortest range a protected data set answers for, unless by the hour.
const SPAN_MIN: TimeDelta = TimeDelta::days(7);

impl Query {
    /// Checks that a data set with these settings answers such a query.
    ///
    /// What is judged is what the client gave: `duration` counts whole periods by itself.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidQuery`](crate::error::ErrorCode::InvalidQuery), saying what this data set
    /// asks for.
    pub fn check_allowed(&self, settings: &DataSetSettings) -> Result<(), ApiError> {
        if settings.raw_queries_allowed {
            return Ok(());
        }
        let Answer::Groups(grouping) = &self.answer else {
            return Err(invalid(
                "querying for raw data is not allowed on this data set; add `group_by` or `period`",
            ));
        };
        let period = grouping.periods().map(|periods| periods.period());
        if period == Some(Period::Hour) {
            return Ok(());
        }
        for (name, end) in [("start_at", self.given.start_at), ("end_at", self.given.end_at)] {
            if let Some(end) = end {
                check_end(name, end, period)?;
            }
        }
        if let (Some(start), Some(end)) = (self.given.start_at, self.given.end_at)
            && end - start < SPAN_MIN
        {
            return Err(invalid(
                "end_at: the minimum time span for a query of this data set is 7 days; move the ends apart",
            ));
        }
        Ok(())
    }
}

fn check_end(name: &str, end: Timestamp, period: Option<Period>) -> Result<(), ApiError> {
    let (is_aligned, wanted) = match period {
        Some(Period::Week) => (Period::Week.floor(end) == end, "a Monday, midnight UTC, for period=week"),
        Some(Period::Month) => {
            (Period::Month.floor(end) == end, "the first of the month, midnight UTC, for period=month")
        }
        _ => (Period::Day.floor(end) == end, "midnight UTC"),
    };
    if is_aligned {
        return Ok(());
    }
    Err(invalid(format!(
        "{name} must be {wanted}, because this data set does not allow raw queries; found {}",
        time::format(end)
    )))
}
