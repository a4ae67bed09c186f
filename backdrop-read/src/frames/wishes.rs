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
/// After so many loads the pauses grow no longer: 64 times the time a load takes.
const DOUBLINGS_MAX: u32 = 6;
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
    /// Loads that followed each other soon.
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
        Self { fields: HashMap::new(), is_loading: false, not_before: now, last_asked: now, series: 0 }
    }

    /// Notes which fields a query asks for; whether a load may begin now.
    pub(super) fn note(&mut self, fields: &[FieldName], now: Instant) -> bool {
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
        !self.is_loading && now >= self.not_before
    }

    /// When a query last asked for anything.
    pub(super) const fn last_asked(&self) -> Instant {
        self.last_asked
    }

    /// Begins a load, unless somebody else has begun one.
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
        let is_series = now.duration_since(self.not_before) < SERIES_ENDS + took;
        self.series = if is_series { (self.series + 1).min(DOUBLINGS_MAX) } else { 0 };
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
