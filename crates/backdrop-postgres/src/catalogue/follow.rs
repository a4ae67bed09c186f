//! Keeping the configuration up to date.

use super::Shared;
use crate::StoreError;
use crate::database::is_alive;
use backdrop_core::backoff::Backoff;
use backdrop_core::error::chain;
use sqlx::Acquire;
use std::sync::Arc;
use std::time::Duration;
use tracing::warn;
use uuid::Uuid;

/// How long a change can go unnoticed if its notification is lost.
const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// The shortest and the longest wait before listening again after the connection was lost.
const RECONNECT_DELAYS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(1));

/// Refreshes on each notification, on each reconnection and at intervals, until the pool is closed.
pub(super) async fn follow(shared: Arc<Shared>) {
    let mut backoff = Backoff::new(RECONNECT_DELAYS.0, RECONNECT_DELAYS.1, Uuid::new_v4().as_u64_pair().0);
    while !shared.database.pool.is_closed() {
        let Err(error) = listen(&shared, &mut backoff).await else { return };
        let wait = backoff.failed();
        if !shared.database.pool.is_closed() && backoff.failures() == 1 {
            warn!(error = chain(&error), "listening for configuration changes failed");
        }
        tokio::time::sleep(wait).await;
    }
}

/// Ends with an error, or with the pool.
async fn listen(shared: &Shared, backoff: &mut Backoff) -> Result<(), StoreError> {
    let mut listener = shared.database.listen("backdrop_configuration").await?;
    loop {
        shared.refresh().await?;
        backoff.succeeded();
        tokio::select! {
            notification = listener.recv() => { notification?; }
            () = tokio::time::sleep(POLL_INTERVAL) => {
                // One that has fallen silent tells nothing any more.
                is_alive((&mut listener).acquire().await?).await?;
            }
            () = shared.database.pool.close_event() => return Ok(()),
        }
    }
}
