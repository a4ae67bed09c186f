//! Logs: one line per event, for people on a terminal and for machines elsewhere.

use crate::settings::{LogArgs, LogFormat};
use std::io::{IsTerminal, stderr};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Begins to log to standard error. Called once, by a `main`.
///
/// # Errors
/// If the filter cannot be read.
pub fn init(args: &LogArgs) -> Result<(), ParseError> {
    // What cannot even be read as a request is the client's fault, and no event for operators.
    let filter = args.filter.parse::<EnvFilter>()?.add_directive("actix_http::h1::dispatcher=off".parse()?);
    let default = if stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    match args.format.unwrap_or(default) {
        LogFormat::Text => builder.with_ansi(stderr().is_terminal()).init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).init(),
    }
    Ok(())
}
