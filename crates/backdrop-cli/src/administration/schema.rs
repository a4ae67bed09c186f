//! `backdrop schema`: what the records of a data set must follow.

use super::{Output, print_json, shown};
use crate::client::Service;
use crate::stdout::say;
use anyhow::Context;
use clap::Subcommand;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What can be done with schemas.
#[derive(Debug, Subcommand)]
pub(crate) enum SchemaCommand {
    /// Prints the schema of a data set
    Show {
        /// The name of the data set
        data_set: String,
        /// The number of an earlier version [default: the one in force]
        #[arg(long)]
        number: Option<u32>,
        #[command(flatten)]
        service: Service,
    },
    /// Sets a new version; what is stored stays as it is
    Set {
        /// The name of the data set
        data_set: String,
        /// A file with the JSON Schema, or `none` for record rules only
        #[arg(value_name = "FILE")]
        schema: PathBuf,
        #[command(flatten)]
        service: Service,
    },
    /// Tells which stored records would not follow a schema; sets nothing
    Check {
        /// The name of the data set
        data_set: String,
        /// A file with the JSON Schema, or `none` for record rules only
        #[arg(value_name = "FILE")]
        schema: PathBuf,
        #[command(flatten)]
        output: Output,
    },
}

/// The schema in a file; `none`: record rules only.
pub(super) fn read(path: &Path) -> anyhow::Result<Value> {
    if path.as_os_str() == "none" {
        return Ok(Value::Null);
    }
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is not JSON", path.display()))
}

impl SchemaCommand {
    /// Does what was asked.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::Show { data_set, number, service } => {
                let number = number.map(|number| number.to_string());
                let query: Vec<_> = number.iter().map(|number| ("version", number.as_str())).collect();
                let client = service.administrator()?;
                let answer = client.get_with(&["data-sets", data_set, "schema"], &query)?.body;
                // The schema alone goes to the standard output, so that it can be changed and set again.
                eprintln!("Version {} of the schema of {data_set}:", shown(&answer["version"]));
                print_json(&answer["schema"])
            }
            Self::Set { data_set, schema, service } => {
                let body = read(schema)?.to_string();
                let client = service.administrator()?;
                let answer = client.put(&["data-sets", data_set, "schema"], &[], &body)?.body;
                say!("Version {} of the schema of {data_set} is in force", shown(&answer["version"]))?;
                Ok(())
            }
            Self::Check { data_set, schema, output } => {
                let body = read(schema)?.to_string();
                let client = output.service.administrator()?;
                let query = [("dry_run", "true")];
                let answer = client.put(&["data-sets", data_set, "schema"], &query, &body)?.body;
                if output.json {
                    return print_json(&answer);
                }
                checked(&answer)
            }
        }
    }
}

fn checked(found: &Value) -> anyhow::Result<()> {
    let (failing, records) = (shown(&found["failing"]), shown(&found["records"]));
    say!("{failing} of {records} stored records would not follow this schema.")?;
    for reason in found["reasons"].as_array().into_iter().flatten() {
        let pointer = shown(&reason["pointer"]);
        let place = pointer.strip_prefix('/').unwrap_or("the record");
        let (count, message) = (shown(&reason["count"]), shown(&reason["message"]));
        say!("  {count:>9}  {place}: {message}  (such as {})", shown(&reason["example"]["_id"]))?;
    }
    Ok(())
}
