//! Random choices that can be repeated: they follow from a seed.

use std::time::Duration;
use uuid::Uuid;

/// Small random numbers (splitmix64), for moments of faults and for what clients send.
#[derive(Clone, Debug)]
pub struct Moments(u64);

impl Moments {
    /// The numbers that follow from a seed.
    pub const fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// A seed that nobody has had.
    pub fn new_seed() -> u64 {
        Uuid::new_v4().as_u64_pair().0
    }

    /// A number below `end`, which must not be 0.
    pub const fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    /// A time within so many milliseconds.
    pub const fn within_ms(&mut self, ms: u64) -> Duration {
        Duration::from_millis(self.below(ms))
    }
}
