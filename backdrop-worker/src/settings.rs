//! The worker's settings.

use backdrop_service::settings::{QueueArgs, StoreArgs, seconds};
use clap::Args;
use std::net::SocketAddr;
use std::time::Duration;

/// What the worker can be told.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// How to reach Postgres.
    #[command(flatten)]
    pub store: StoreArgs,
    /// How to reach Redis.
    #[command(flatten)]
    pub queue: QueueArgs,
    /// Where health is answered
    #[arg(long, env = "BACKDROP_WORKER_LISTEN", default_value = "127.0.0.1:3040")]
    pub worker_listen: SocketAddr,
    /// How long applied entries stay in the queue, in case Postgres is restored from a backup
    #[arg(long, env = "BACKDROP_LOG_KEEP", default_value = "600", value_parser = seconds)]
    pub log_keep: Duration,
    /// How much time of the processor the validation of one run of batches may take
    #[arg(long, env = "BACKDROP_VALIDATION_TIMEOUT", default_value = "30", value_parser = seconds)]
    pub validation_timeout: Duration,
}
