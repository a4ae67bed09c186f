//! Moments: around changes of the clock, leap days and the turns of years, rarely at the ends of time; and the
//! ways to write them.

use super::draw::Draw;
use crate::reference::{Moment, moment};
use chrono::{Duration, FixedOffset, SubsecRound, Timelike};

const PLACES: [&str; 9] = [
    // Clocks go forward and back in London.
    "2013-03-31",
    "2013-10-27",
    "2013-03-28",
    "2013-10-25T22:00:00",
    // A leap day; a year that begins in the last week of another.
    "2012-02-29",
    "2015-12-28",
    "2014-12-31T21:00:00",
    // Clocks skip midnight in São Paulo.
    "2013-10-19",
    "2013-03-11",
];
const FAR: [&str; 5] = [
    "0001-01-01T00:00:00",
    "0001-07-04T12:00:00",
    "9998-12-31T23:00:00",
    "9999-12-30T00:00:00",
    "9999-12-31T23:59:59.999999",
];
/// Hours between moments.
const STEPS: [i64; 5] = [1, 7, 24, 24 * 7, 24 * 30];

/// A place in time with its records around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene {
    place: Moment,
    step: i64,
}

impl Scene {
    pub(crate) fn draw(draw: &mut Draw, now: Moment) -> Self {
        let step = draw.one(&STEPS);
        let recently = now.trunc_subsecs(0) - Duration::hours(step * 8);
        let place = if draw.chance(15) {
            recently.with_minute(0).and_then(|time| time.with_second(0)).expect("a full hour")
        } else {
            moment(draw.one(&PLACES)).expect("a time")
        };
        Self { place, step }
    }

    /// A moment of the scene; often the same one again, and often at the very start of a period.
    pub(crate) fn moment(&self, draw: &mut Draw) -> Moment {
        if draw.chance(2) {
            return moment(draw.one(&FAR)).expect("a time");
        }
        let steps = draw.of(-6..14_i64);
        let seconds = draw.one(&[0, 0, 0, 1, -1, 1800, 4321]);
        let micros = draw.one(&[0, 0, 0, 0, 0, 1, 500_000, 999_999, 120]);
        self.place
            + Duration::hours(steps * self.step)
            + Duration::seconds(seconds)
            + Duration::microseconds(micros)
    }
}

/// A way to write a moment as records and filters may.
pub(crate) fn written(draw: &mut Draw, time: Moment) -> String {
    let ways: &[&str] = match (time.nanosecond(), time.num_seconds_from_midnight()) {
        (0, 0) => &["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%z"],
        (0, _) => &["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%:z"],
        _ => &["%Y-%m-%dT%H:%M:%S%.6f", "%Y-%m-%dT%H:%M:%S%.6f%:z", "%Y-%m-%d %H:%M:%S%.fZ"],
    };
    let way = draw.one(&ways.iter().map(|way| (*way).to_owned()).collect::<Vec<_>>());
    write_in_some_zone(draw, time, &way)
}

/// A way to write a moment as `start_at` and `end_at` take it: without fraction.
pub(crate) fn written_as_end(draw: &mut Draw, time: Moment) -> String {
    let way = draw.one(&["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S%:z"]);
    write_in_some_zone(draw, time, way)
}

fn write_in_some_zone(draw: &mut Draw, time: Moment, way: &str) -> String {
    // Elsewhere it may be another year, which is none at the ends of time.
    let is_near = is_near(time) && way.ends_with('z');
    let minutes = if is_near { draw.one(&[0, 60, -300, 330]) } else { 0 };
    let offset = FixedOffset::east_opt(minutes * 60).expect("an offset");
    time.with_timezone(&offset).format(way).to_string()
}

/// Whether the clocks of that time were set by rules of today's kind, and not yet by the sun.
pub(crate) fn is_near(time: Moment) -> bool {
    use chrono::Datelike;
    (1975..2037).contains(&time.year())
}
