//! Administration: data sets, their tokens and what they refused, over the write service's HTTP API.

mod data_set;
mod rejected;
mod token;

pub(crate) use data_set::{DataSetCommand, Definition};
pub(crate) use rejected::RejectedCommand;
pub(crate) use token::TokenCommand;

use anyhow::Context;
use serde_json::Value;

/// Prints an answer as it came, for scripts.
fn print_json(value: &Value) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value).context("the answer cannot be printed")?);
    Ok(())
}

/// A value as people read it: a text without quotes.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
