use super::*;
use crate::time;
use proptest::prelude::*;

fn at(text: &str) -> Timestamp {
    time::parse(text).expect("a time")
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
        assert_eq!(period.floor(at("2013-05-16T13:59:59.999Z")), at(expected), "{period:?}");
        assert_eq!(Period::parse(period.as_str()), Some(period));
    }
    assert_eq!(Period::parse("fortnight"), None);
}

#[test]
fn times_before_1970_are_floored_downwards_too() {
    assert_eq!(Period::Hour.floor(at("1969-12-31T23:30:00Z")), at("1969-12-31T23:00:00Z"));
    assert_eq!(Period::Week.floor(at("1969-12-31")), at("1969-12-29"));
    assert_eq!(Period::Week.floor(at("0001-01-01")), at("0001-01-01"));
    assert_eq!(Period::Year.floor(at("9999-12-31T23:59:59Z")), at("9999-01-01"));
}

#[test]
fn shifting_keeps_to_the_calendar_and_to_the_years_there_are() {
    assert_eq!(Period::Month.shift(at("2013-01-31"), 1), Some(at("2013-02-01")));
    assert_eq!(Period::Quarter.shift(at("2013-01-31"), -1), Some(at("2012-10-01")));
    assert_eq!(Period::Year.shift(at("2013-01-31"), -2013), None);
    assert_eq!(Period::Hour.shift(at("2013-01-31"), i64::MAX), None);
}

#[test]
fn a_range_covers_the_periods_that_hold_its_ends() {
    let count = |start, end, end_counts| {
        Periods::covering(Period::Week, at(start), at(end), end_counts).expect("few").count()
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
    let hours = Periods::covering(Period::Hour, start, end, EndCounts::No);
    assert_eq!(hours, Err(PeriodsError::TooMany));
    let years = Periods::covering(Period::Year, start, end, EndCounts::Yes).expect("few");
    assert_eq!(years.count(), 9999);
    assert_eq!(Periods::ending_before(Period::Year, at("2013-01-01"), u32::MAX), Err(PeriodsError::TooMany));
    assert_eq!(Periods::ending_before(Period::Year, at("2013-01-01"), 50_000), Err(PeriodsError::OutOfYears));
    assert_eq!(Periods::starting_with(Period::Day, end, 2), Err(PeriodsError::OutOfYears));
}

#[test]
fn the_periods_before_an_end_stop_at_its_own() {
    let weeks = Periods::ending_before(Period::Week, at("2013-03-27T10:00:00Z"), 2).expect("few");
    let listed: Vec<_> = weeks.iter().map(|(start, _)| start).collect();
    assert_eq!(listed, [at("2013-03-11"), at("2013-03-18")]);
    assert_eq!(weeks.end(), at("2013-03-25"));
}

fn any_period() -> impl Strategy<Value = Period> {
    prop::sample::select(Period::ALL.to_vec())
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    (at("0002-01-01").timestamp_micros()..at("9998-12-31").timestamp_micros())
        .prop_map(|micros| Timestamp::from_timestamp_micros(micros).expect("within range"))
}

proptest! {
    #[test]
    fn a_time_lies_in_its_period(period in any_period(), time in any_time()) {
        let start = period.floor(time);
        prop_assert!(start <= time);
        prop_assert!(time < period.shift(time, 1).expect("within range"));
        prop_assert_eq!(period.floor(start), start);
        prop_assert_eq!(period.shift(time, 0), Some(start));
    }

    #[test]
    fn shifting_back_and_forth_ends_where_it_began(period in any_period(), time in any_time(), n in 0..300_i64) {
        if let Some(there) = period.shift(time, n) {
            prop_assert_eq!(period.shift(there, -n), Some(period.floor(time)));
        }
    }

    #[test]
    fn periods_follow_each_other_without_gap(period in any_period(), start in any_time(), span in 0..400_000_000_i64) {
        let end = (start + chrono::TimeDelta::seconds(span)).min(at("9998-12-31"));
        if let Ok(periods) = Periods::covering(period, start, end.max(start), EndCounts::No) {
            let mut expected = period.floor(start);
            for (index, (from, to)) in periods.iter().enumerate() {
                prop_assert_eq!(from, expected);
                prop_assert_eq!(periods.position(from), Some(index));
                expected = to;
            }
            prop_assert_eq!(expected, periods.end());
            prop_assert!(periods.end() >= end || span == 0);
            prop_assert_eq!(periods.position(periods.end()), None);
        }
    }
}
