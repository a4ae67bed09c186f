//! Settings that several services share, from flags and the environment.
//!
//! Names of variables are part of the contract with operators: `docs/settings.md` lists them all.
//! Secrets are never printed: not by `--help`, not by `Debug`.

use clap::{Args, ValueEnum};
use secrecy::SecretString;
use std::time::Duration;

/// How to reach Postgres.
#[derive(Args, Clone, Debug)]
pub struct StoreArgs {
    /// Postgres, as `postgres://user:password@host:port/database`
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_parser = secret)]
    pub database_url: SecretString,
    /// The most connections to Postgres that the process opens
    #[arg(long, env = "BACKDROP_DATABASE_CONNECTIONS", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u32).range(2..=1000))]
    pub database_connections: u32,
    /// How long a request waits for a free connection to Postgres
    #[arg(long, env = "BACKDROP_DATABASE_WAIT_MS", default_value = "3000", value_parser = milliseconds)]
    pub database_wait_ms: Duration,
    /// How long a statement may run in Postgres
    #[arg(long, env = "BACKDROP_STATEMENT_TIMEOUT_MS", default_value = "30000", value_parser = milliseconds)]
    pub statement_timeout_ms: Duration,
}

/// How to reach Redis.
#[derive(Args, Clone, Debug)]
pub struct QueueArgs {
    /// Redis 7 or newer, as `redis://:password@host:port`, or `rediss://` for TLS
    #[arg(long, env = "REDIS_URL", hide_env_values = true, value_parser = secret)]
    pub redis_url: SecretString,
    /// The most connections to Redis of the process's pool; appends and readers have their own besides
    #[arg(long, env = "BACKDROP_REDIS_CONNECTIONS", default_value_t = 8)]
    pub redis_connections: usize,
    /// How many bytes of batches may wait in a partition before new ones are refused
    #[arg(long, env = "BACKDROP_PARTITION_BYTES", default_value_t = 256 * 1024 * 1024)]
    pub partition_bytes: u64,
}

/// How a service stops.
#[derive(Args, Clone, Copy, Debug)]
pub struct ServeArgs {
    /// How many seconds requests are still taken after SIGTERM, while `/_status/ready` answers 503
    #[arg(long, env = "BACKDROP_DRAIN_GRACE", default_value = "5", value_parser = seconds_or_none)]
    pub drain_grace: Duration,
}

/// What is logged, and how.
#[derive(Args, Clone, Debug)]
pub struct LogArgs {
    /// What is logged: a level, or a filter such as `info,backdrop_worker=debug`
    #[arg(long = "log", env = "BACKDROP_LOG", default_value = "info", global = true)]
    pub filter: String,
    /// How it is written; by default text on a terminal, else one JSON object a line
    #[arg(long = "log-format", env = "BACKDROP_LOG_FORMAT", global = true)]
    pub format: Option<LogFormat>,
}

/// How log events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Takes a value without ever showing it.
///
/// # Errors
/// Never; the form is that of a clap value parser.
pub fn secret(text: &str) -> Result<SecretString, std::convert::Infallible> {
    Ok(SecretString::from(text))
}

/// Reads a number of milliseconds.
///
/// # Errors
/// If the text is not a whole number of at least 1.
pub fn milliseconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("expected a number of milliseconds, 1 or more".into()),
        Ok(number) => Ok(Duration::from_millis(number)),
    }
}

/// Reads a number of seconds.
///
/// # Errors
/// If the text is not a whole number of at least 1.
pub fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("expected a number of seconds, 1 or more".into()),
        Ok(number) => Ok(Duration::from_secs(number)),
    }
}

/// Reads a number of seconds, which may be 0 and may have a fraction.
///
/// # Errors
/// If the text is not such a number, or one of more than an hour.
pub fn seconds_or_none(text: &str) -> Result<Duration, String> {
    /// Whoever waits longer has made a mistake.
    const LONGEST: Duration = Duration::from_secs(3_600);
    let duration = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration
        .filter(|duration| *duration <= LONGEST)
        .ok_or_else(|| format!("expected a number of seconds from 0 to {}", LONGEST.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_may_be_none_or_a_fraction_but_not_less() {
        assert_eq!(seconds_or_none("0"), Ok(Duration::ZERO));
        assert_eq!(seconds_or_none("0.25"), Ok(Duration::from_millis(250)));
        for text in ["-1", "", "NaN", "1e9", "x"] {
            assert!(seconds_or_none(text).is_err(), "{text}");
        }
    }
}
