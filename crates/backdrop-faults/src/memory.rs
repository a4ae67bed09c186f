//! How much memory processes hold over time, and whether it grows.
//!
//! Each life of a process is judged by itself: what it holds once it is warm, against what it holds in the end.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

/// By how many percent the last quarter of a life may hold more than the first: what allocators keep after a burst.
const GROWTH_MAX_PERCENT: u64 = 25;
/// How many KiB it may hold besides: a run of batches.
const GROWTH_MAX_KIB: u64 = 16 * 1024;

/// What was seen of all processes.
#[derive(Debug)]
pub(crate) struct Memory {
    /// How long a process grows before it is warm.
    warm_up: Duration,
    lives: BTreeMap<(&'static str, u32), Vec<(Instant, u64)>>,
}

/// A life of a process, warm and long enough to be judged.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) name: &'static str,
    pub(crate) lasted: Duration,
    first_kib: u64,
    last_kib: u64,
}

impl Memory {
    pub(crate) const fn new(warm_up: Duration) -> Self {
        Self { warm_up, lives: BTreeMap::new() }
    }

    /// Looks at a process now. One that has just ended holds nothing.
    pub(crate) fn sample(&mut self, name: &'static str, pid: u32) {
        if let Some(kib) = resident_kib(pid) {
            self.lives.entry((name, pid)).or_default().push((Instant::now(), kib));
        }
    }

    /// The lives that were warm for twice as long as it takes to be.
    pub(crate) fn lives(&self) -> Vec<Life> {
        self.lives.iter().filter_map(|((name, _), samples)| self.life(name, samples)).collect()
    }

    fn life(&self, name: &'static str, samples: &[(Instant, u64)]) -> Option<Life> {
        let (began, ended) = (samples.first()?.0, samples.last()?.0);
        let lasted = ended.duration_since(began);
        let warm: Vec<u64> = samples
            .iter()
            .filter(|(at, _)| at.duration_since(began) >= self.warm_up)
            .map(|(_, kib)| *kib)
            .collect();
        let quarter = warm.len() / 4;
        if lasted < self.warm_up * 3 || quarter == 0 {
            return None;
        }
        let (first_kib, last_kib) = (median(&warm[..quarter]), median(&warm[warm.len() - quarter..]));
        Some(Life { name, lasted, first_kib, last_kib })
    }
}

impl Life {
    /// Whether it held more and more.
    pub(crate) const fn grew(&self) -> bool {
        self.last_kib > self.first_kib + self.first_kib * GROWTH_MAX_PERCENT / 100 + GROWTH_MAX_KIB
    }
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |kib: u64| kib / 1024;
        let (first, last) = (mib(self.first_kib), mib(self.last_kib));
        write!(f, "{}: {first} MiB warm, {last} MiB in the end of {} s", self.name, self.lasted.as_secs())
    }
}

fn median(samples: &[u64]) -> u64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

/// What a process holds in memory.
fn resident_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(kib: impl Fn(u64) -> u64) -> Option<Life> {
        let memory = Memory::new(Duration::from_secs(10));
        let began = Instant::now();
        let samples: Vec<_> =
            (0..100).map(|second| (began + Duration::from_secs(second), kib(second))).collect();
        memory.life("a process", &samples)
    }

    #[test]
    fn what_grows_only_while_it_warms_up_is_flat() {
        let flat = life(|second| 1024 * (20 + second.min(8) * 20)).expect("a life");
        assert!(!flat.grew(), "{flat}");
        assert_eq!(flat.to_string(), "a process: 180 MiB warm, 180 MiB in the end of 99 s");
    }

    #[test]
    fn what_never_stops_growing_is_found() {
        let growing = life(|second| 1024 * (100 + second)).expect("a life");
        assert!(growing.grew(), "{growing}");
    }
}
