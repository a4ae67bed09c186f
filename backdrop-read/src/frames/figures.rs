//! What is counted of frames.

use super::answering::Pass;
use super::wishes::Ending;
use backdrop_service::metrics::{Named, counters};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

/// Upper ends of the classes of how long loads take, in seconds: a million records take some.
const LOADS: [f64; 10] = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0];
/// Likewise of following, which a request waits for.
const FOLLOWS: [f64; 9] = [0.000_25, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.05, 0.25, 1.0];

/// Counts what becomes of frames.
#[derive(Debug)]
pub(super) struct FrameFigures {
    loads: Family<Named, Counter>,
    losses: Family<Named, Counter>,
    passes: Family<Named, Counter>,
    load_duration: Histogram,
    follow_duration: Histogram,
}

impl FrameFigures {
    /// Nothing is counted yet.
    pub(super) fn new() -> Self {
        Self {
            loads: counters("outcome", &["loaded", "failed", "unfit"]),
            losses: counters("cause", &["memory", "store"]),
            passes: counters("cause", &["absent", "busy", "unfit"]),
            load_duration: Histogram::new(LOADS),
            follow_duration: Histogram::new(FOLLOWS),
        }
    }

    /// Adds the families to a registry.
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Loads of data sets into memory";
        registry.register("frame_loads", help, self.loads.clone());
        let help = "Frames that were dropped";
        registry.register("frame_losses", help, self.losses.clone());
        let help = "Grouped queries that no frame answered";
        registry.register("frame_passes", help, self.passes.clone());
        let (help, duration) = ("How long loads of frames took", self.load_duration.clone());
        registry.register_with_unit("frame_load_duration", help, Unit::Seconds, duration);
        let help = "How long it took to bring a frame up to date";
        let duration = self.follow_duration.clone();
        registry.register_with_unit("frame_follow_duration", help, Unit::Seconds, duration);
    }

    pub(super) fn loaded(&self, ending: Ending, took: Duration) {
        let outcome = match ending {
            Ending::Loaded => "loaded",
            Ending::Failed => "failed",
            Ending::Hopeless => "unfit",
        };
        self.loads.get_or_create(&[("outcome", outcome)]).inc();
        self.load_duration.observe(took.as_secs_f64());
    }

    pub(super) fn followed(&self, took: Duration) {
        self.follow_duration.observe(took.as_secs_f64());
    }

    pub(super) fn passed(&self, pass: Pass) {
        let cause = match pass {
            Pass::Absent => "absent",
            Pass::Busy => "busy",
            Pass::Unfit => "unfit",
        };
        self.passes.get_or_create(&[("cause", cause)]).inc();
    }

    /// A frame had to make room.
    pub(super) fn evicted(&self) {
        self.losses.get_or_create(&[("cause", "memory")]).inc();
    }

    /// A frame could not follow its data set.
    pub(super) fn lost(&self) {
        self.losses.get_or_create(&[("cause", "store")]).inc();
    }
}
