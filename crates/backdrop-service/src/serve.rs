//! Running an HTTP server until it is told to stop, and how it stops.
//!
//! A stop has two stages. While a process *drains*, `/_status/ready` answers 503 and every answer closes its connection,
//! but everything is still taken and answered: whoever sends requests here has time to notice. When it *closes*, nothing
//! more is taken, and what is in flight ends within [`DRAIN`].

use actix_web::dev::Server;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

/// How long requests in flight may take to end after the listener is closed. Writes that wait for
/// their outcome give up earlier, and answer with a receipt.
pub const DRAIN: Duration = Duration::from_secs(10);

/// Tells the parts of a process that it is to stop. Clones tell the same.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    draining: CancellationToken,
    closing: CancellationToken,
}

impl Stop {
    /// Told by signals: SIGTERM begins to drain, and closes after the grace. SIGINT, which a person sends who waits for
    /// the end, and a second signal close at once.
    ///
    /// # Errors
    /// If signals cannot be listened to.
    pub fn on_signals(grace: Duration) -> std::io::Result<Self> {
        let stop = Self::default();
        let mut signals = Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        };
        let told = stop.clone();
        tokio::spawn(async move {
            if signals.next().await == Told::Gently && !grace.is_zero() {
                info!(grace_s = grace.as_secs_f64(), "draining, as SIGTERM says");
                told.drain();
                tokio::select! {
                    () = tokio::time::sleep(grace) => {}
                    _ = signals.next() => {}
                }
            }
            info!("stopping");
            told.close();
        });
        Ok(stop)
    }

    /// One part of a process whose parts drain together and close one after the other.
    #[must_use]
    pub fn of_a_part(&self) -> Self {
        Self { draining: self.draining.clone(), closing: CancellationToken::new() }
    }

    /// Does from now on what the other is told.
    pub fn follow(&self, other: Self) {
        let follower = self.clone();
        tokio::spawn(async move {
            other.draining.cancelled().await;
            follower.drain();
            other.closing.cancelled().await;
            follower.close();
        });
    }

    /// Begins to drain.
    pub fn drain(&self) {
        self.draining.cancel();
    }

    /// Begins to close.
    pub fn close(&self) {
        self.draining.cancel();
        self.closing.cancel();
    }

    /// Whether the process drains or closes.
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// What is cancelled when the process closes.
    pub const fn closing(&self) -> &CancellationToken {
        &self.closing
    }
}

/// What a signal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Gently,
    AtOnce,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Gently,
            _ = self.interrupt.recv() => Told::AtOnce,
        }
    }
}

/// Runs a server until the process closes, then lets the requests in flight end.
///
/// # Errors
/// If the server fails.
pub async fn until_closed(server: Server, stop: &CancellationToken) -> std::io::Result<()> {
    let handle = server.handle();
    let running = tokio::spawn(server);
    let stop = stop.clone();
    let stopping = tokio::spawn(async move {
        stop.cancelled().await;
        handle.stop(true).await;
    });
    let result = running.await.unwrap_or_else(|lost| Err(std::io::Error::other(lost)));
    stopping.abort();
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn parts_drain_together_and_close_one_by_one() {
        let stop = Stop::default();
        let (first, second) = (stop.of_a_part(), stop.of_a_part());
        stop.drain();
        assert!(first.is_draining() && second.is_draining());
        second.close();
        assert!(!first.closing().is_cancelled() && second.closing().is_cancelled());
    }

    #[tokio::test]
    async fn who_follows_is_told_the_same() {
        let (stop, follower) = (Stop::default(), Stop::default());
        follower.follow(stop.clone());
        stop.close();
        follower.closing().cancelled().await;
        assert!(follower.is_draining());
    }
}
