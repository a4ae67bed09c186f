//! Which periods an answer has: those of a range, or a number of them, which may move to where the data is.

use super::calendar::{Calendar, Moment, Period, Range};
use super::query::Query;
use super::record::{Record, moment};

/// The periods of an answer, and which records of them count.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    pub(crate) periods: Vec<Period>,
    pub(crate) range: Range,
}

/// The window of a query over the records it selects.
pub(crate) fn window(calendar: &Calendar, query: &Query, records: &[&Record], now: Moment) -> Window {
    let Some(count) = query.number("duration") else {
        let range = Range::asked(query);
        return Window { periods: calendar.covering(&range), range };
    };
    let start = query.one("start_at").map(|text| moment(text).expect("a time"));
    let end = query.one("end_at").map_or(now, |text| moment(text).expect("a time"));
    let periods = match start {
        Some(start) => following(calendar, calendar.holding(start), count),
        None => preceding(calendar, calendar.holding(end), count),
    };
    if query.is_true("flatten") {
        return whole(periods);
    }
    let is_empty = |period: &&Period| !records.iter().any(|record| period.holds(record.time));
    let empty = match start {
        Some(_) => periods.iter().take_while(is_empty).count(),
        None => periods.iter().rev().take_while(is_empty).count(),
    };
    if empty == 0 || empty == count {
        return whole(periods);
    }
    // It loses the empty ones and is filled from the other end.
    whole(match start {
        Some(_) => following(calendar, periods[empty], count),
        None => preceding(calendar, periods[count - empty], count),
    })
}

/// So many periods, of which the given one is the first.
fn following(calendar: &Calendar, first: Period, count: usize) -> Vec<Period> {
    std::iter::successors(Some(first), |period| Some(calendar.after(*period))).take(count).collect()
}

/// So many periods before the given one, which is not one of them, in the order of time.
fn preceding(calendar: &Calendar, end: Period, count: usize) -> Vec<Period> {
    let before = calendar.before(end);
    let mut periods: Vec<Period> =
        std::iter::successors(Some(before), |period| Some(calendar.before(*period))).take(count).collect();
    periods.reverse();
    periods
}

/// All that is in these periods counts.
fn whole(periods: Vec<Period>) -> Window {
    let (start, end) = (periods.first().map(|first| first.start), periods.last().map(|last| last.end));
    Window { range: Range { start, end, is_closed: false }, periods }
}
