//! What dies, and what is kept: the real processes on a real Postgres and Redis, judged by the rows of
//! batches, the version of the data set and its records. See `docs/reliability.md` for the promises.

mod workers;

use backdrop_testing::{Judgement, Ledger, Load, Stack, eventually};
use std::time::Duration;
use uuid::Uuid;

/// Small random numbers for moments of faults; the seed is printed, and taken from `BACKDROP_TEST_SEED`.
struct Moments(u64);

impl Moments {
    fn new() -> Self {
        let given = std::env::var("BACKDROP_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| Uuid::new_v4().as_u64_pair().0);
        println!("BACKDROP_TEST_SEED={seed}");
        Self(seed)
    }

    /// A moment within so many milliseconds (splitmix64).
    fn within_ms(&mut self, ms: u64) -> Duration {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Duration::from_millis((z ^ (z >> 31)) % ms)
    }
}

/// Sends a load while something happens to the stack.
fn send_while(ledger: &Ledger, stack: &mut Stack, load: Load, meanwhile: impl FnOnce(&mut Stack, &Ledger)) {
    let writer = stack.writer();
    std::thread::scope(|scope| {
        let sending = scope.spawn(move || ledger.send(&writer, load));
        meanwhile(stack, ledger);
        sending.join().expect("the load is sent");
    });
}

fn answered(ledger: &Ledger, count: usize) {
    eventually("enough is answered", Duration::from_secs(60), || ledger.answered() >= count);
}

fn assert_nothing_lost(judgement: Judgement, sent: usize) {
    println!("{judgement:?}");
    assert_eq!(judgement.acknowledged + judgement.not_acknowledged, sent);
    assert_eq!((judgement.reported_lost, judgement.gaps, judgement.gap_entries), (0, 0, 0), "{judgement:?}");
}
