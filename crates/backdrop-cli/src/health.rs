//! `backdrop health`: asks one address and tells by the exit code, for containers that have no other
//! program to ask with.

use crate::client::CONNECT_WITHIN;
use crate::stdout::say;
use anyhow::{Context, bail};
use std::time::Duration;
use url::Url;

/// Shorter than what a container's health check allows, so that it says why instead of being killed.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// What to ask.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The address to ask, such as http://127.0.0.1:3038/_status/ready
    url: Url,
}

/// Asks; anything but an answer of success is an error.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT_WITHIN))
        .timeout_global(Some(ANSWER_WITHIN))
        // A process asks for itself; no proxy stands between.
        .proxy(None)
        .build()
        .new_agent();
    let answer = agent.get(arguments.url.as_str()).call();
    let mut answer = answer.with_context(|| format!("no answer from {}", arguments.url))?;
    let body = answer.body_mut().read_to_string().unwrap_or_default();
    if !answer.status().is_success() {
        bail!("{}: {body}", answer.status());
    }
    say!("{body}")?;
    Ok(())
}
