//! Spans: the rows of one period after the other.
//!
//! Both runs have an order of time, so the rows of a period are a range of each. Periods without rows are
//! skipped, at no cost, and no row is looked at.

use super::Unanswerable;
use crate::Frame;
use backdrop_core::period::{EndCounts, Periods};
use backdrop_core::query::{Grouping, Selection};
use std::ops::Range;

/// The rows of a period, or of the whole time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Which period, counted from 0.
    pub(super) period: Option<usize>,
    /// Rows of the base.
    pub(super) base: Range<usize>,
    /// Places in the order of the tail.
    pub(super) tail: Range<usize>,
}

/// The spans that have rows, in the order of time.
#[derive(Debug)]
pub(super) struct Spans<'f> {
    frame: &'f Frame,
    /// When each period begins, in microseconds; `None`: there are no periods.
    starts: Option<Vec<i64>>,
    /// How many periods have begun before the rest.
    begun: usize,
    /// What is left.
    base: Range<usize>,
    tail: Range<usize>,
}

impl<'f> Spans<'f> {
    /// The spans of a query.
    pub(super) fn of(
        frame: &'f Frame,
        selection: &Selection,
        grouping: &Grouping,
    ) -> Result<Self, Unanswerable> {
        let (start, end) = ends(selection);
        let starts = grouping.periods().map(|periods| starts(periods, start, end)).transpose()?;
        let base = frame.base_from(0, start)..frame.base_from(0, end);
        let tail = frame.tail_from(0, start)..frame.tail_from(0, end);
        Ok(Self { frame, starts, begun: 0, base, tail })
    }

    /// The rows of the base that are left.
    pub(super) const fn base(&self) -> &Range<usize> {
        &self.base
    }

    /// How many rows there are, those that are gone included.
    pub(super) fn rows(&self) -> usize {
        self.base.len() + self.tail.len()
    }
}

impl Iterator for Spans<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        let (frame, base, tail) = (self.frame, self.base.clone(), self.tail.clone());
        let base_time = base.clone().next().map(|row| frame.base.times[row]);
        let tail_time = tail.clone().next().map(|place| frame.tail_time(place));
        let first = base_time.into_iter().chain(tail_time).min()?;
        let Some(starts) = &self.starts else {
            (self.base.start, self.tail.start) = (base.end, tail.end);
            return Some(Span { period: None, base, tail });
        };
        self.begun = first_that(self.begun..starts.len(), |index| starts[index] > first);
        let end = starts.get(self.begun).copied();
        self.base.start = end.map_or(base.end, |end| frame.base_from(base.start, end).min(base.end));
        self.tail.start = end.map_or(tail.end, |end| frame.tail_from(tail.start, end).min(tail.end));
        let period = self.begun.checked_sub(1).expect("no row is from before the first period");
        Some(Span {
            period: Some(period),
            base: base.start..self.base.start,
            tail: tail.start..self.tail.start,
        })
    }
}

impl Frame {
    /// How many rows lie in the time of a selection: what a question about it looks at, at most.
    pub fn rows_in_time(&self, selection: &Selection) -> usize {
        let (start, end) = ends(selection);
        let base = self.base_from(0, end).saturating_sub(self.base_from(0, start));
        base + self.tail_from(0, end).saturating_sub(self.tail_from(0, start))
    }

    /// The first row of the base, from a row on, that is not before a time.
    fn base_from(&self, row: usize, time: i64) -> usize {
        first_that(row..self.base.times.len(), |row| self.base.times[row] >= time)
    }

    /// The first place in the order of the tail, from a place on, that is not before a time.
    fn tail_from(&self, place: usize, time: i64) -> usize {
        first_that(place..self.tail_order.len(), |place| self.tail_time(place) >= time)
    }

    fn tail_time(&self, place: usize) -> i64 {
        self.tail.times[self.tail_order[place] as usize]
    }
}

/// From when, and up to when, in microseconds.
fn ends(selection: &Selection) -> (i64, i64) {
    let Some(range) = selection.range() else { return (i64::MIN, i64::MAX) };
    let end = range.end().timestamp_micros();
    match range.end_counts() {
        EndCounts::Yes => (range.start().timestamp_micros(), end + 1),
        EndCounts::No => (range.start().timestamp_micros(), end),
    }
}

/// When the periods begin. They always cover the range of a query; the other engine says what a row outside of
/// them would come to.
fn starts(periods: &Periods, start: i64, end: i64) -> Result<Vec<i64>, Unanswerable> {
    let covers = periods.start().timestamp_micros() <= start && end <= periods.end().timestamp_micros();
    if !covers && start < end {
        return Err(Unanswerable::Unfit);
    }
    Ok(periods.starts().iter().map(|start| start.timestamp_micros()).collect())
}

/// The first of a range of indices that is of a kind, its end if none is; all after it must be, too. The search
/// goes from the beginning in steps that grow, because what is looked for is often near.
fn first_that(range: Range<usize>, is_it: impl Fn(usize) -> bool) -> usize {
    let (mut from, mut to, mut step) = (range.start, range.end, 1);
    while from < to && step < to - from {
        if is_it(from + step) {
            to = from + step;
            break;
        }
        from += step;
        step *= 2;
    }
    while from < to {
        let middle = from + (to - from) / 2;
        if is_it(middle) {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_found_wherever_it_is() {
        for len in 0..70 {
            for first in 0..=len {
                for from in 0..=first {
                    assert_eq!(first_that(from..len, |index| index >= first), first, "{from}..{len}");
                }
            }
        }
    }
}
