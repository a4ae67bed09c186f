//! Which worker prefers which partition.
//!
//! Every worker beats a few times a second and learns who else does. Each partition goes to the living
//! worker that scores highest for it, so that all agree without talking, and a worker that comes or goes
//! moves only its own share.

use backdrop_core::error::chain;
use backdrop_core::log::Partition;
use backdrop_postgres::Database;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

/// How often a worker beats.
const BEAT_INTERVAL: Duration = Duration::from_millis(300);
/// After how long without a beat a worker counts as gone: four beats missed. With the interval of who
/// notices it, its partitions are taken over after one and a half seconds.
const ALIVE_WITHIN: Duration = Duration::from_millis(1_200);

/// The living workers, as last heard of.
pub(crate) type Living = Vec<Uuid>;

/// Beats until it is told to stop, and tells who lives; then takes its heartbeat away.
pub(crate) async fn beat(
    database: Database,
    worker: Uuid,
    living: watch::Sender<Living>,
    stop: CancellationToken,
) {
    let mut interval = tokio::time::interval(BEAT_INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut is_told = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = interval.tick() => {}
        }
        match database.beat(worker, ALIVE_WITHIN).await {
            Ok(alive) => {
                is_told = false;
                living.send_if_modified(|known| {
                    let is_new = *known != alive;
                    if is_new {
                        info!(workers = alive.len(), "workers alive");
                        *known = alive;
                    }
                    is_new
                });
            }
            // The preferences stay as they are: nobody else can do anything without the store, either. Told once per
            // outage.
            Err(error) if !is_told => {
                is_told = true;
                warn!(error = chain(&error), "heartbeat failed");
            }
            Err(_) => {}
        }
    }
}

/// Whether the worker prefers the partition, among those that live.
pub(crate) fn prefers(worker: Uuid, partition: Partition, living: &[Uuid]) -> bool {
    let score = |worker: &Uuid| Uuid::new_v5(worker, &partition.0.to_be_bytes());
    living.iter().max_by_key(|worker| score(worker)) == Some(&worker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_one_worker_and_the_share_is_fair() {
        let living: Vec<Uuid> = (1..=4).map(Uuid::from_u128).collect();
        let mut shares = [0; 4];
        for partition in (0..64).map(Partition) {
            let preferring: Vec<usize> =
                (0..4).filter(|index| prefers(living[*index], partition, &living)).collect();
            assert_eq!(preferring.len(), 1);
            shares[preferring[0]] += 1;
        }
        assert!(shares.iter().all(|share| (6..=28).contains(share)), "{shares:?}");
    }

    #[test]
    fn only_the_share_of_who_leaves_moves() {
        let living: Vec<Uuid> = (1..=3).map(Uuid::from_u128).collect();
        let left = &living[..2];
        for partition in (0..64).map(Partition) {
            for worker in left {
                if prefers(*worker, partition, &living) {
                    assert!(prefers(*worker, partition, left));
                }
            }
        }
        assert!(!prefers(living[0], Partition(0), &[]), "nobody knows of it yet");
    }
}
