//! Ranges of time and periods. A period is what the clocks of a zone say it is: a day is from the first
//! moment at which they show its date to the first at which they show the next.

use super::query::Query;
use super::record::{moment, print_in};
use chrono::{DateTime, Datelike, Days, Duration, LocalResult, Months, NaiveDate, NaiveDateTime};
use chrono::{NaiveTime, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

/// A moment.
pub(crate) type Moment = DateTime<Utc>;

/// From start to end; without an end of it, all that is before or after.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    pub(crate) start: Option<Moment>,
    pub(crate) end: Option<Moment>,
    pub(crate) is_closed: bool,
}

/// A period, `end` not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) start: Moment,
    pub(crate) end: Moment,
}

/// One kind of period in one zone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calendar<'a> {
    kind: &'a str,
    zone: Tz,
}

impl Range {
    /// What `start_at`, `end_at` and `inclusive` say.
    pub(crate) fn asked(query: &Query) -> Self {
        let time = |name| query.one(name).map(|text| moment(text).expect("a time"));
        Self { start: time("start_at"), end: time("end_at"), is_closed: query.is_true("inclusive") }
    }

    pub(crate) fn holds(&self, moment: Moment) -> bool {
        let is_before_end = |end| moment < end || (self.is_closed && moment == end);
        self.start.is_none_or(|start| start <= moment) && self.end.is_none_or(is_before_end)
    }
}

impl Period {
    pub(crate) fn holds(&self, moment: Moment) -> bool {
        self.start <= moment && moment < self.end
    }
}

impl<'a> Calendar<'a> {
    /// What `period` and `timezone` say, if there is a period.
    pub(crate) fn asked(query: &'a Query) -> Option<Self> {
        let zone = query.one("timezone").unwrap_or("UTC").parse().expect("a zone");
        query.one("period").map(|kind| Self { kind, zone })
    }

    /// The period that holds a moment.
    pub(crate) fn holding(&self, moment: Moment) -> Period {
        let local = moment.with_timezone(&self.zone).naive_local();
        if self.kind == "hour" {
            // Clocks are changed at full hours, so that each hour has 60 minutes.
            let into = local - local.date().and_hms_opt(local.hour(), 0, 0).expect("a full hour");
            return Period { start: moment - into, end: moment - into + Duration::hours(1) };
        }
        let first = self.first_date(local.date());
        let next = match self.kind {
            "day" => first + Days::new(1),
            "week" => first + Days::new(7),
            "month" => first + Months::new(1),
            "quarter" => first + Months::new(3),
            _ => first + Months::new(12),
        };
        let midnight = |date: NaiveDate| self.first_showing(date.and_time(NaiveTime::MIN));
        Period { start: midnight(first), end: midnight(next) }
    }

    /// The first date of the period that holds a date.
    fn first_date(&self, date: NaiveDate) -> NaiveDate {
        let date_in = |month| NaiveDate::from_ymd_opt(date.year(), month, 1).expect("a date");
        match self.kind {
            "day" => date,
            "week" => date - Days::new(date.weekday().num_days_from_monday().into()),
            "month" => date_in(date.month()),
            "quarter" => date_in(date.month0() / 3 * 3 + 1),
            "year" => date_in(1),
            other => unreachable!("{other} is no period"),
        }
    }

    /// The first moment at which clocks show this, or what comes next if they skip it.
    fn first_showing(&self, mut local: NaiveDateTime) -> Moment {
        loop {
            match self.zone.from_local_datetime(&local) {
                LocalResult::Single(first) | LocalResult::Ambiguous(first, _) => return first.to_utc(),
                LocalResult::None => local += Duration::minutes(15),
            }
        }
    }

    pub(crate) fn after(&self, period: Period) -> Period {
        self.holding(period.end)
    }

    pub(crate) fn before(&self, period: Period) -> Period {
        self.holding(period.start - Duration::microseconds(1))
    }

    /// `compare`: the earlier period whose figures a period also carries.
    pub(crate) fn earlier(&self, period: Period, which: &str) -> Period {
        if which == "previous" {
            return self.before(period);
        }
        let local = period.start.with_timezone(&self.zone).naive_local();
        // From the 29th of February a year back is the 28th.
        let date = local.date();
        let (earlier, time) = match self.kind {
            "week" => (date - Days::new(52 * 7), NaiveTime::MIN),
            "hour" => (date - Months::new(12), local.time()),
            _ => (date - Months::new(12), NaiveTime::MIN),
        };
        self.holding(self.first_showing(earlier.and_time(time)))
    }

    /// The periods from the one that holds the start of a range to the one that holds its end.
    pub(crate) fn covering(&self, range: &Range) -> Vec<Period> {
        let (start, end) = range.start.zip(range.end).expect("a range with both ends");
        let mut periods = Vec::new();
        let mut period = self.holding(start);
        while period.start < end || (range.is_closed && period.start == end) {
            periods.push(period);
            period = self.after(period);
        }
        periods
    }

    /// How a moment is printed.
    pub(crate) fn print(&self, moment: Moment) -> String {
        print_in(moment, self.zone)
    }
}
