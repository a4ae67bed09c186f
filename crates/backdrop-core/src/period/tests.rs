use super::*;
use crate::query::Comparison;
use crate::time::{self, Timestamp};
use crate::zone::Zone;
use proptest::prelude::*;

fn at(text: &str) -> Timestamp {
    time::parse(text).expect("a time")
}

const fn utc(period: Period) -> Calendar {
    Calendar { period, zone: Zone::UTC }
}

fn local(period: Period, zone: &str) -> Calendar {
    Calendar { period, zone: Zone::parse(zone).expect("a zone") }
}

/// The starts of periods, as the clock of their zone shows them, and the end of the last.
fn shown(periods: &Periods) -> Vec<String> {
    let boundaries = periods.starts().iter().copied().chain([periods.end()]);
    boundaries.map(|boundary| time::format_in(periods.calendar().zone, boundary)).collect()
}

/// The periods that hold two times in a zone.
fn covering(period: Period, zone: &str, start: &str, end: &str) -> Vec<String> {
    shown(&Periods::covering(local(period, zone), at(start), at(end), EndCounts::Yes).expect("few"))
}

#[test]
fn each_period_begins_where_the_calendar_says() {
    for (period, expected) in [
        (Period::Hour, "2013-05-16T13:00:00Z"),
        (Period::Day, "2013-05-16"),
        (Period::Week, "2013-05-13"),
        (Period::Month, "2013-05-01"),
        (Period::Quarter, "2013-04-01"),
        (Period::Year, "2013-01-01"),
    ] {
        assert_eq!(utc(period).floor(at("2013-05-16T13:59:59.999Z")), at(expected), "{period:?}");
        assert_eq!(Period::parse(period.as_str()), Some(period));
    }
    assert_eq!(Period::parse("fortnight"), None);
}

#[test]
fn times_before_1970_are_floored_downwards_too() {
    assert_eq!(utc(Period::Hour).floor(at("1969-12-31T23:30:00Z")), at("1969-12-31T23:00:00Z"));
    assert_eq!(utc(Period::Week).floor(at("1969-12-31")), at("1969-12-29"));
    assert_eq!(utc(Period::Week).floor(at("0001-01-01")), at("0001-01-01"));
    assert_eq!(utc(Period::Year).floor(at("9999-12-31T23:59:59Z")), at("9999-01-01"));
}

#[test]
fn days_begin_at_midnight_of_the_zone_also_where_the_clock_is_set() {
    assert_eq!(
        covering(Period::Day, "Europe/London", "2013-03-30T12:00:00Z", "2013-03-31T12:00:00Z"),
        ["2013-03-30T00:00:00+00:00", "2013-03-31T00:00:00+00:00", "2013-04-01T00:00:00+01:00"]
    );
    assert_eq!(
        covering(Period::Day, "Europe/London", "2013-10-27T00:30:00Z", "2013-10-27T23:59:00Z"),
        ["2013-10-27T00:00:00+01:00", "2013-10-28T00:00:00+00:00"]
    );
    assert_eq!(
        covering(Period::Month, "Europe/London", "2013-06-30T23:30:00Z", "2013-07-31T22:59:00Z"),
        ["2013-07-01T00:00:00+01:00", "2013-08-01T00:00:00+01:00"]
    );
}

#[test]
fn hours_follow_the_clock() {
    // The hour from one to two came twice.
    assert_eq!(
        covering(Period::Hour, "Europe/London", "2013-10-27T00:30:00Z", "2013-10-27T02:30:00Z"),
        [
            "2013-10-27T01:00:00+01:00",
            "2013-10-27T01:00:00+00:00",
            "2013-10-27T02:00:00+00:00",
            "2013-10-27T03:00:00+00:00"
        ]
    );
    assert_eq!(
        covering(Period::Hour, "Asia/Kolkata", "2013-10-27T00:15:00Z", "2013-10-27T00:45:00Z"),
        ["2013-10-27T05:00:00+05:30", "2013-10-27T06:00:00+05:30", "2013-10-27T07:00:00+05:30"]
    );
    // Half an hour is shown twice, and left out.
    assert_eq!(
        covering(Period::Hour, "Australia/Lord_Howe", "2013-04-06T14:10:00Z", "2013-04-06T15:40:00Z"),
        ["2013-04-07T01:00:00+11:00", "2013-04-07T02:00:00+10:30", "2013-04-07T03:00:00+10:30"]
    );
    assert_eq!(
        covering(Period::Hour, "Australia/Lord_Howe", "2013-10-05T15:10:00Z", "2013-10-05T16:10:00Z"),
        [
            "2013-10-06T01:00:00+10:30",
            "2013-10-06T02:30:00+11:00",
            "2013-10-06T03:00:00+11:00",
            "2013-10-06T04:00:00+11:00"
        ]
    );
}

#[test]
fn a_day_that_a_zone_leaves_out_is_no_period() {
    assert_eq!(
        covering(Period::Day, "Pacific/Apia", "2011-12-30T09:00:00Z", "2011-12-30T11:00:00Z"),
        ["2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00"]
    );
}

#[test]
fn a_window_can_be_moved_either_way() {
    let months = Periods::starting_with(utc(Period::Month), at("2013-01-31"), 2).expect("few");
    let starts = |periods: Periods| shown(&periods)[0].clone();
    assert_eq!(starts(months.later(2).expect("within range")), "2013-03-01T00:00:00+00:00");
    assert_eq!(starts(months.earlier(1).expect("within range")), "2012-12-01T00:00:00+00:00");
    assert_eq!(months.later(3).and_then(|later| later.earlier(3)), Ok(months));
    let last = Periods::starting_with(utc(Period::Year), at("9999-01-01"), 1).expect("one");
    assert_eq!(last.later(1), Err(PeriodsError::OutOfYears));
}

#[test]
fn each_period_has_an_earlier_one_to_be_compared_with() {
    let compared = |calendar, start, count, comparison| {
        let periods = Periods::starting_with(calendar, at(start), count).expect("few");
        let (earlier, positions) = periods.compared(comparison).expect("within range");
        positions.iter().map(|position| shown(&earlier)[*position][..13].to_owned()).collect::<Vec<_>>()
    };
    let (previous, year) = (Comparison::Previous, Comparison::Year);
    assert_eq!(compared(utc(Period::Month), "2013-01-31", 2, previous), ["2012-12-01T00", "2013-01-01T00"]);
    assert_eq!(compared(utc(Period::Quarter), "2013-01-31", 2, year), ["2012-01-01T00", "2012-04-01T00"]);
    assert_eq!(compared(utc(Period::Week), "2013-03-11", 2, year), ["2012-03-12T00", "2012-03-19T00"]);
    assert_eq!(
        compared(utc(Period::Day), "2016-02-28", 3, year),
        ["2015-02-28T00", "2015-02-28T00", "2015-03-01T00"]
    );
    assert_eq!(compared(utc(Period::Day), "2017-02-28", 2, year), ["2016-02-28T00", "2016-03-01T00"]);
    assert_eq!(
        compared(utc(Period::Hour), "2016-02-28T23:00:00Z", 2, year),
        ["2015-02-28T23", "2015-02-28T00"]
    );
    let london = local(Period::Hour, "Europe/London");
    // By the clock: summer time had not begun on that date a year before.
    assert_eq!(compared(london, "2014-03-30T10:00:00Z", 1, year), ["2013-03-30T11"]);
    let first = Periods::starting_with(utc(Period::Year), at("0001-01-01"), 1).expect("one");
    assert_eq!(first.compared(previous), Err(PeriodsError::OutOfYears));
}

#[test]
fn a_range_covers_the_periods_that_hold_its_ends() {
    let count = |start, end, end_counts| {
        Periods::covering(utc(Period::Week), at(start), at(end), end_counts).expect("few").len()
    };
    assert_eq!(count("2013-03-11", "2013-03-25", EndCounts::No), 2);
    assert_eq!(count("2013-03-11", "2013-03-25", EndCounts::Yes), 3);
    assert_eq!(count("2013-03-13", "2013-03-26", EndCounts::No), 3);
    assert_eq!(count("2013-03-11", "2013-03-11", EndCounts::No), 0);
    assert_eq!(count("2013-03-13", "2013-03-13", EndCounts::No), 1);
}

#[test]
fn too_many_periods_are_refused_without_walking_them() {
    let (start, end) = (at("0001-01-01"), at("9999-12-31"));
    let hours = Periods::covering(utc(Period::Hour), start, end, EndCounts::No);
    assert_eq!(hours, Err(PeriodsError::TooMany));
    let years = Periods::covering(utc(Period::Year), start, end, EndCounts::Yes).expect("few");
    assert_eq!(years.len(), 9999);
    let before = |count| Periods::ending_before(utc(Period::Year), at("2013-01-01"), count);
    assert_eq!(before(u32::MAX), Err(PeriodsError::TooMany));
    assert_eq!(before(50_000), Err(PeriodsError::OutOfYears));
    assert_eq!(Periods::starting_with(utc(Period::Day), end, 2), Err(PeriodsError::OutOfYears));
    let days = |end| Periods::covering(utc(Period::Day), at("2000-01-01"), end, EndCounts::No);
    let last = at("2000-01-01") + TimeDelta::days(i64::from(PERIODS_MAX));
    assert_eq!(days(last).map(|days| days.len()), Ok(PERIODS_MAX as usize));
    assert_eq!(days(last + TimeDelta::seconds(1)), Err(PeriodsError::TooMany));
    let west = local(Period::Year, "America/New_York");
    assert_eq!(Periods::covering(west, start, end, EndCounts::No), Err(PeriodsError::OutOfYears));
}

#[test]
fn the_periods_before_an_end_stop_at_its_own() {
    let weeks = Periods::ending_before(utc(Period::Week), at("2013-03-27T10:00:00Z"), 2).expect("few");
    assert_eq!(weeks.starts(), [at("2013-03-11"), at("2013-03-18")]);
    assert_eq!(weeks.end(), at("2013-03-25"));
}

fn any_calendar() -> impl Strategy<Value = Calendar> {
    let zones = [
        "UTC",
        "Europe/London",
        "America/Sao_Paulo",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "America/St_Johns",
    ];
    (prop::sample::select(Period::ALL.to_vec()), prop::sample::select(zones.to_vec()))
        .prop_map(|(period, zone)| local(period, zone))
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    (at("1900-01-01").timestamp_micros()..at("2100-12-31").timestamp_micros())
        .prop_map(|micros| Timestamp::from_timestamp_micros(micros).expect("within range"))
}

proptest! {
    #[test]
    fn a_time_lies_in_its_period(calendar in any_calendar(), time in any_time()) {
        let start = calendar.floor(time);
        prop_assert!(start <= time);
        prop_assert_eq!(calendar.floor(start), start);
        let next = calendar.next(start).expect("within range");
        prop_assert!(time < next);
        prop_assert_eq!(calendar.floor(next), next);
        prop_assert_eq!(calendar.previous(next), start);
    }

    #[test]
    fn each_period_goes_with_one_that_is_earlier(
        calendar in any_calendar(), start in any_time(), count in 0..300_u32, is_year in any::<bool>(),
    ) {
        let periods = Periods::starting_with(calendar, start, count).expect("within range");
        let comparison = if is_year { Comparison::Year } else { Comparison::Previous };
        let (earlier, positions) = periods.compared(comparison).expect("within range");
        prop_assert_eq!(positions.len(), periods.len());
        prop_assert!(positions.is_sorted() || (calendar.period == Period::Hour && is_year));
        for (position, period) in positions.iter().zip(periods.starts()) {
            prop_assert!(earlier.starts()[*position] < *period);
        }
    }

    #[test]
    fn periods_follow_each_other_without_gap(calendar in any_calendar(), start in any_time(), count in 0..300_u32) {
        let periods = Periods::starting_with(calendar, start, count).expect("within range");
        prop_assert_eq!(periods.len(), count as usize);
        let mut expected = calendar.floor(start);
        for (index, (from, to)) in periods.iter().enumerate() {
            prop_assert_eq!(from, expected);
            prop_assert!(to > from && to - from <= calendar.period.longest());
            prop_assert_eq!(periods.position(from), Some(index));
            prop_assert_eq!(periods.position(to - TimeDelta::microseconds(1)), Some(index));
            expected = to;
        }
        prop_assert_eq!(expected, periods.end());
        prop_assert_eq!(periods.position(periods.end()), None);
        prop_assert_eq!(Periods::covering(calendar, periods.start(), periods.end(), EndCounts::No), Ok(periods.clone()));
        prop_assert_eq!(Periods::ending_before(calendar, periods.end(), count), Ok(periods.clone()));
        prop_assert_eq!(periods.later(3).and_then(|later| later.earlier(3)), Ok(periods));
    }
}
