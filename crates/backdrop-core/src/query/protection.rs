//! The rules for data sets that do not allow raw queries: no single record may be told from an answer,
//! neither directly nor by the difference between two slightly different ranges. By the hour everything is
//! answered, as ever: who has records to protect should not write several figures an hour.

use super::{Answer, Filter, Query, invalid};
use crate::data_set::DataSetSettings;
use crate::error::ApiError;
use crate::period::{Calendar, Period};
use crate::time::{self, Timestamp};
use crate::zone::Zone;
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
        // Without periods, ends are held to days of UTC.
        let by_day = Calendar { period: Period::Day, zone: Zone::UTC };
        let calendar = grouping.periods().map_or(by_day, |periods| periods.calendar());
        if calendar.period == Period::Hour {
            return Ok(());
        }
        self.check_filters()?;
        for (name, end) in [("start_at", self.given.start_at), ("end_at", self.given.end_at)] {
            if let Some(end) = end {
                check_end(name, end, calendar)?;
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

impl Query {
    /// A filter on a time or on the id would pick single records, whatever the ends.
    fn check_filters(&self) -> Result<(), ApiError> {
        let fields = self.selection.filters.iter().map(Filter::field);
        match fields.into_iter().find(|field| field.is_internal()) {
            None => Ok(()),
            Some(field) => Err(invalid(format!(
                "filter_by and its kin cannot name `{field}`, because this data set does not allow raw queries: \
                 fields that begin with an underscore tell single records apart"
            ))),
        }
    }
}

fn check_end(name: &str, end: Timestamp, calendar: Calendar) -> Result<(), ApiError> {
    let (period, wanted) = match calendar.period {
        Period::Week => (Period::Week, ", on a Monday, for period=week"),
        Period::Month => (Period::Month, ", on the first of a month, for period=month"),
        Period::Hour | Period::Day | Period::Quarter | Period::Year => (Period::Day, ""),
    };
    let zone = calendar.zone;
    if (Calendar { period, zone }).begins_at(end) {
        return Ok(());
    }
    Err(invalid(format!(
        "{name} must be midnight ({}){wanted}, because this data set does not allow raw queries; found {}",
        zone.name(),
        time::format_in(zone, end)
    )))
}
