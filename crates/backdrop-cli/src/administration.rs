//! Administration: data sets, their schemas and tokens, what they refused, and the trail, over the write service's
//! HTTP API.

mod audit;
mod data_set;
mod rejected;
mod schema;
mod settings;
mod table;
mod token;

pub(crate) use audit::AuditArguments;
pub(crate) use data_set::{DataSetCommand, Definition};
pub(crate) use rejected::RejectedCommand;
pub(crate) use schema::SchemaCommand;
pub(crate) use token::TokenCommand;

use crate::client::Service;
use crate::stdout::say;
use anyhow::Context;
use serde_json::Value;

/// Where to ask, and how to print the answer.
#[derive(Debug, clap::Args)]
pub(crate) struct Output {
    /// Print the service's answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    service: Service,
}

/// Prints an answer as it came, for scripts.
fn print_json(value: &Value) -> anyhow::Result<()> {
    say!("{}", serde_json::to_string_pretty(value).context("the answer cannot be printed")?)
}

/// A value as people read it: a text without quotes.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
