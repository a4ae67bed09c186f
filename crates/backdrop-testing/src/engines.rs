//! Which engine of a query service answers: what its metrics count.

use crate::client::{Answer, Client};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a data set may take to be held in memory: loads wait for each other, and pause after one another.
const HELD_WITHIN: Duration = Duration::from_secs(20);

/// What a query service has counted of grouped queries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Engines {
    /// Answered from memory.
    pub frame: u64,
    /// Not answered from there, because the data set or a field was not there.
    pub absent: u64,
    /// Nor because it was being changed.
    pub busy: u64,
    /// Nor because it cannot be answered so.
    pub unfit: u64,
    /// How often something was brought up to date in memory.
    pub followed: u64,
}

impl Engines {
    /// What the service has counted so far.
    ///
    /// # Panics
    /// If it does not tell.
    pub fn of(reader: &Client) -> Self {
        let told = reader.get("/metrics").expect(200).text;
        let count = |sample: &str| {
            let line = told.lines().find_map(|line| line.strip_prefix(sample));
            line.unwrap_or_else(|| panic!("{sample} is not told")).trim().parse().expect("a number")
        };
        let passes = |cause: &str| count(&format!("backdrop_frame_passes_total{{cause=\"{cause}\"}}"));
        Self {
            frame: count("backdrop_answers_total{engine=\"frame\"}"),
            absent: passes("absent"),
            busy: passes("busy"),
            unfit: passes("unfit"),
            followed: count("backdrop_frame_follow_duration_seconds_count"),
        }
    }

    /// What was counted since.
    pub const fn since(self, before: Self) -> Self {
        Self {
            frame: self.frame - before.frame,
            absent: self.absent - before.absent,
            busy: self.busy - before.busy,
            unfit: self.unfit - before.unfit,
            followed: self.followed - before.followed,
        }
    }

    /// How many grouped queries that frames can answer were answered by them, in percent.
    pub fn share(self) -> f64 {
        self.frame as f64 * 100.0 / (self.frame + self.absent + self.busy).max(1) as f64
    }
}

impl std::ops::Add for Engines {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            frame: self.frame + other.frame,
            absent: self.absent + other.absent,
            busy: self.busy + other.busy,
            unfit: self.unfit + other.unfit,
            followed: self.followed + other.followed,
        }
    }
}

/// Asks a query until it is answered from memory; `None`: this one cannot be. Nobody else may ask grouped queries of the
/// service meanwhile, and it may keep no answers.
///
/// # Panics
/// If that does not come to pass.
pub fn ask_frame(reader: &Client, path: &str) -> Option<Answer> {
    let began = Instant::now();
    loop {
        let before = Engines::of(reader);
        let answer = reader.get(path);
        let found = Engines::of(reader).since(before);
        match found {
            Engines { frame: 1, .. } => return Some(answer),
            Engines { absent: 0, busy: 0, .. } => return None,
            _ => assert!(began.elapsed() < HELD_WITHIN, "{path} is not answered from memory: {found:?}"),
        }
        sleep(Duration::from_millis(5));
    }
}
