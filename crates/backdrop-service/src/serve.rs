//! Running an HTTP server until it is told to stop.

use actix_web::dev::Server;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

/// How long requests in flight may take to end after the process is told to stop. Writes that wait for
/// their outcome give up earlier, and answer with a receipt.
pub const DRAIN: Duration = Duration::from_secs(10);

/// Runs a server until `stop` is cancelled, then lets the requests in flight end.
///
/// # Errors
/// If the server fails.
pub async fn until_stopped(server: Server, stop: CancellationToken) -> std::io::Result<()> {
    let handle = server.handle();
    let running = tokio::spawn(server);
    let stopping = tokio::spawn(async move {
        stop.cancelled().await;
        handle.stop(true).await;
    });
    let result = running.await.unwrap_or_else(|lost| Err(std::io::Error::other(lost)));
    stopping.abort();
    result
}

/// A token that is cancelled by SIGTERM and SIGINT.
///
/// # Errors
/// If signals cannot be listened to.
pub fn stop_on_signals() -> std::io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let cancel = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => info!("stopping, as SIGTERM says"),
            _ = interrupt.recv() => info!("stopping, as SIGINT says"),
        }
        cancel.cancel();
    });
    Ok(stop)
}
