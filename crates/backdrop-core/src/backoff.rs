//! How long to wait before something is tried again that failed.

use std::time::Duration;

/// Waits that double from the shortest to the longest, each cut by up to half at random, so that many who failed
/// together do not come back together. Nothing is given up: whoever tries decides that.
#[derive(Clone, Debug)]
pub struct Backoff {
    shortest: Duration,
    longest: Duration,
    failures: u32,
    /// The state of the generator; not for secrets.
    random: u64,
}

impl Backoff {
    /// The seed, which must differ from process to process, decides the random part.
    pub const fn new(shortest: Duration, longest: Duration, seed: u64) -> Self {
        Self { shortest, longest, failures: 0, random: seed }
    }

    /// Notes a failure, and says how long to wait now.
    pub fn failed(&mut self) -> Duration {
        let whole = self
            .shortest
            .saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX))
            .min(self.longest);
        self.failures = self.failures.saturating_add(1);
        let part = 0.5 + self.fraction() / 2.0;
        whole.mul_f64(part)
    }

    /// Notes that it went well: the next failure is the first of its kind.
    pub const fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// How often it has failed since it last went well.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Between 0 and 1 (splitmix64).
    fn fraction(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let upper = u32::try_from((z ^ (z >> 31)) >> 32).expect("32 bits are left");
        f64::from(upper) / f64::from(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORTEST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(2);

    #[test]
    fn waits_double_up_to_the_longest_and_begin_anew() {
        let mut backoff = Backoff::new(SHORTEST, LONGEST, 1);
        for whole_ms in [100, 200, 400, 800, 1_600, 2_000, 2_000] {
            let wait = backoff.failed().as_millis();
            assert!((whole_ms / 2..=whole_ms).contains(&wait), "{wait} of {whole_ms}");
        }
        backoff.succeeded();
        assert_eq!(backoff.failures(), 0);
        assert!(backoff.failed() <= SHORTEST);
        for _ in 0..100 {
            assert!(backoff.failed() <= LONGEST, "however often");
        }
    }

    #[test]
    fn those_with_other_seeds_wait_otherwise() {
        let waits = |seed| Backoff::new(SHORTEST, LONGEST, seed).failed();
        let different: std::collections::HashSet<Duration> = (0..50).map(waits).collect();
        assert!(different.len() > 40, "{}", different.len());
    }
}
