//! Which fields queries ask for, and when it is time to load them.
//!
//! **Invariant.** Loading cannot take the machine away from answering: after a load there is a pause as long as it
//! took, and longer with every load that follows soon after.

use backdrop_core::query::FieldName;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long a field is loaded again though no query asks for it: a dashboard that is looked at once a day keeps its own.
const FIELD_WANTED: Duration = Duration::from_secs(26 * 3_600);
/// The most fields of a frame; the ones that were asked for last. What a stranger can ask for is bounded so.
pub(super) const FIELDS_MAX: usize = 32;
/// Loads are one series as long as there is not so much time between them.
const SERIES_ENDS: Duration = Duration::from_secs(600);
/// After so many loads the pauses grow no longer: 8 times the time a load takes, so that a data set that changes too fast to
/// be followed costs a tenth of a core, and is held soon after it has come to rest.
const DOUBLINGS_MAX: u32 = 3;
/// The shortest pause after a failure, doubled with each that follows.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);
/// The pause after what will not be otherwise soon: the data set is too large.
const HOPELESS_PAUSE: Duration = Duration::from_secs(600);

/// What is wished of a data set.
#[derive(Debug)]
pub(super) struct Wishes {
    /// When a query last asked for a field.
    fields: HashMap<FieldName, Instant>,
    /// Whether a load is under way or waits for its turn.
    is_loading: bool,
    not_before: Instant,
    last_asked: Instant,
    /// When a load last ended, and how many had followed each other soon by then.
    ended: Option<Instant>,
    series: u32,
}

/// How a load ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// There is a frame.
    Loaded,
    /// Not this time.
    Failed,
    /// Nor the next.
    Hopeless,
}

impl Wishes {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            fields: HashMap::new(),
            is_loading: false,
            not_before: now,
            last_asked: now,
            ended: None,
            series: 0,
        }
    }

    /// Notes which fields a query asks for.
    pub(super) fn note(&mut self, fields: &[FieldName], now: Instant) {
        self.last_asked = now;
        for field in fields {
            match self.fields.get_mut(field) {
                Some(asked) => *asked = now,
                None => {
                    self.fields.insert(field.clone(), now);
                    self.forget(now);
                }
            }
        }
    }

    /// When a query last asked for anything.
    pub(super) const fn last_asked(&self) -> Instant {
        self.last_asked
    }

    /// Begins a load, if it is time for one.
    pub(super) fn begin(&mut self, now: Instant) -> bool {
        let begins = !self.is_loading && now >= self.not_before;
        self.is_loading |= begins;
        begins
    }

    /// The fields that are to be loaded.
    pub(super) fn wanted(&mut self, now: Instant) -> Vec<FieldName> {
        self.fields.retain(|_, asked| now.duration_since(*asked) < FIELD_WANTED);
        let mut fields: Vec<FieldName> = self.fields.keys().cloned().collect();
        fields.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        fields
    }

    /// Ends a load that took so long.
    pub(super) fn end(&mut self, ending: Ending, took: Duration, now: Instant) {
        let is_series = self.ended.is_some_and(|ended| now.duration_since(ended) < SERIES_ENDS + took);
        self.series = if is_series { (self.series + 1).min(DOUBLINGS_MAX) } else { 0 };
        self.ended = Some(now);
        let factor = 1 << self.series;
        let pause = match ending {
            Ending::Loaded => took * factor,
            Ending::Failed => (took + FAILURE_PAUSE) * factor,
            Ending::Hopeless => HOPELESS_PAUSE,
        };
        self.is_loading = false;
        self.not_before = now + pause;
    }

    /// Lets go of the field that was asked for longest ago, if there are too many.
    fn forget(&mut self, now: Instant) {
        if self.fields.len() <= FIELDS_MAX {
            return;
        }
        let oldest = self.fields.iter().max_by_key(|(_, asked)| now.duration_since(**asked));
        if let Some(oldest) = oldest.map(|(field, _)| field.clone()) {
            self.fields.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backdrop_core::query::{Answer, Query};

    const SECOND: Duration = Duration::from_secs(1);

    fn fields(names: impl IntoIterator<Item = String>) -> Vec<FieldName> {
        let read = |name: String| {
            let pairs = [("group_by".to_owned(), name)];
            let query = Query::parse(&pairs, backdrop_service::clock::now()).expect("a query");
            let Answer::Groups(grouping) = query.answer() else { panic!("it groups") };
            grouping.keys()[0].clone()
        };
        names.into_iter().map(read).collect()
    }

    fn names(fields: &[FieldName]) -> Vec<&str> {
        fields.iter().map(FieldName::as_str).collect()
    }

    #[test]
    fn what_was_asked_for_is_loaded_and_forgotten_after_a_day() {
        let began = Instant::now();
        let mut wishes = Wishes::new(began);
        wishes.note(&fields(["size", "area"].map(str::to_owned)), began);
        wishes.note(&fields(["area".to_owned()]), began + 3_600 * SECOND);
        assert_eq!(names(&wishes.wanted(began + 3_600 * SECOND)), ["area", "size"]);
        assert_eq!(names(&wishes.wanted(began + FIELD_WANTED)), ["area"]);
    }

    #[test]
    fn of_too_many_fields_the_latest_are_loaded() {
        let began = Instant::now();
        let mut wishes = Wishes::new(began);
        for (number, field) in (0..).zip(fields((10..60).map(|number| format!("f{number}")))) {
            wishes.note(&[field], began + number * SECOND);
        }
        let wanted = wishes.wanted(began);
        assert_eq!(names(&wanted), names(&fields((60 - FIELDS_MAX..60).map(|number| format!("f{number}")))));
    }

    #[test]
    fn one_load_at_a_time_and_growing_pauses_between_them() {
        let mut now = Instant::now();
        let mut wishes = Wishes::new(now);
        for pause in [1, 2, 4, 8, 8] {
            assert!(wishes.begin(now));
            assert!(!wishes.begin(now), "it has begun");
            now += SECOND;
            wishes.end(Ending::Loaded, SECOND, now);
            assert!(!wishes.begin(now + (pause - 1) * SECOND), "a pause of {pause}");
            now += pause * SECOND;
        }
        now += SERIES_ENDS;
        assert!(wishes.begin(now));
        wishes.end(Ending::Hopeless, SECOND, now);
        assert!(!wishes.begin(now + HOPELESS_PAUSE / 2));
        assert!(wishes.begin(now + HOPELESS_PAUSE));
    }
}
