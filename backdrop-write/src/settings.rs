//! The settings of the ingest service.

use backdrop_service::settings::{QueueArgs, ServeArgs, StoreArgs, seconds, secret};
use clap::Args;
use secrecy::SecretString;
use std::net::SocketAddr;
use std::time::Duration;

/// What the ingest service can be told.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// How to reach Postgres.
    #[command(flatten)]
    pub store: StoreArgs,
    /// How to reach Redis.
    #[command(flatten)]
    pub queue: QueueArgs,
    /// How it stops.
    #[command(flatten)]
    pub serve: ServeArgs,
    /// Where writes are taken
    #[arg(long, env = "BACKDROP_WRITE_LISTEN", default_value = "127.0.0.1:3039")]
    pub write_listen: SocketAddr,
    /// The token for administration; it may also write to every data set
    #[arg(long, env = "BACKDROP_ADMIN_TOKEN", hide_env_values = true, value_parser = admin_token)]
    pub admin_token: SecretString,
    /// The largest body of a request, inflated, in bytes
    #[arg(long, env = "BACKDROP_BODY_BYTES", default_value_t = 10 * 1024 * 1024)]
    pub body_bytes: usize,
    /// The most records of a batch
    #[arg(long, env = "BACKDROP_BATCH_RECORDS", default_value_t = 30_000)]
    pub batch_records: usize,
    /// How long a body may take to arrive
    #[arg(long, env = "BACKDROP_BODY_TIMEOUT", default_value = "30", value_parser = seconds)]
    pub body_timeout: Duration,
    /// How many bytes a second of a body must arrive at least, after the first seconds; 0: any number
    #[arg(long, env = "BACKDROP_BODY_RATE", default_value_t = 1_024)]
    pub body_rate: u32,
    /// How many bytes of bodies the process holds at once; further ones wait a moment, and are then refused
    #[arg(long, env = "BACKDROP_BODIES_BYTES", default_value_t = 128 * 1024 * 1024)]
    pub bodies_bytes: usize,
    /// How long a write waits for its outcome, unless it says otherwise by `Prefer: wait=N`
    #[arg(long, env = "BACKDROP_WAIT", default_value = "30", value_parser = seconds)]
    pub wait: Duration,
    /// How many requests a minute a token of a data set may send to each process, unless it has a quota of its own; 0: any number
    #[arg(long, env = "BACKDROP_TOKEN_REQUESTS_PER_MINUTE", default_value_t = 0)]
    pub token_requests_per_minute: u32,
}

/// The shortest administration token: with fewer characters it could be guessed.
const ADMIN_TOKEN_BYTES_MIN: usize = 16;

fn admin_token(text: &str) -> Result<SecretString, String> {
    if text.len() < ADMIN_TOKEN_BYTES_MIN {
        return Err(format!("expected at least {ADMIN_TOKEN_BYTES_MIN} characters"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("expected printable ASCII characters without white space".into());
    }
    Ok(secret(text).unwrap_or_else(|never| match never {}))
}
