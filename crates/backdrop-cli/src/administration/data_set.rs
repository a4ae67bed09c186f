//! `backdrop data-set`: what data sets there are and what they are set to.

use super::settings::{Bound, Change};
use super::{Output, print_json, schema, shown, table};
use crate::client::Service;
use crate::stdout::say;
use anyhow::Context;
use clap::Subcommand;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// What can be done with data sets.
#[derive(Debug, Subcommand)]
pub(crate) enum DataSetCommand {
    /// Makes a data set and prints the token its service writes with, once: only its hash is kept
    Create {
        #[command(flatten)]
        definition: Box<Definition>,
        #[command(flatten)]
        output: Output,
    },
    /// Lists the data sets
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Shows what a data set is set to
    Show {
        /// The name of the data set
        name: String,
        #[command(flatten)]
        output: Output,
    },
    /// Changes what a data set is set to; what is not named stays as it is
    Set {
        /// The name of the data set
        name: String,
        #[command(flatten)]
        change: Box<Change>,
        #[command(flatten)]
        output: Output,
    },
    /// Deletes a data set with all its records
    Delete {
        /// The name of the data set
        name: String,
        #[command(flatten)]
        service: Service,
    },
}

/// A data set to be made.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Definition {
    /// Whose figures it will hold: small letters, digits and `-`
    #[arg(long, value_name = "GROUP")]
    pub(crate) data_group: String,
    /// Which figures it will hold: small letters, digits and `-`
    #[arg(long, value_name = "TYPE")]
    pub(crate) data_type: String,
    /// Its name [default: group and type, joined by `_`]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Answer queries without `period` and `group_by`, too
    #[arg(long)]
    pub(crate) raw_queries_allowed: bool,
    /// The figures are not final: answers carry a warning
    #[arg(long)]
    pub(crate) unpublished: bool,
    /// Do not answer queries at all
    #[arg(long)]
    pub(crate) not_queryable: bool,
    /// The figures change by the minute
    #[arg(long)]
    pub(crate) realtime: bool,
    /// Seconds without news after which it counts as stale, or `none` [default: 31 days]
    #[arg(long, value_name = "SECONDS", value_parser = Bound::read)]
    pub(crate) max_age_expected: Option<Bound>,
    /// The fields that make the `_id` of each record, divided by commas
    #[arg(long, value_name = "FIELDS")]
    pub(crate) auto_ids: Option<String>,
    /// Bytes of records beyond which the oldest go
    #[arg(long, value_name = "BYTES", value_parser = Bound::read)]
    pub(crate) capped_size: Option<Bound>,
    /// Days after which a record goes
    #[arg(long, value_name = "DAYS", value_parser = Bound::read)]
    pub(crate) retention_days: Option<Bound>,
    /// A file with the JSON Schema of its records, or `none` [default: the one of its data type]
    #[arg(long, value_name = "FILE")]
    pub(crate) schema: Option<PathBuf>,
    /// The token its service writes with [default: a new one]
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
}

impl Definition {
    /// The definition as the service takes it. What was not asked for is left to its defaults.
    pub(crate) fn to_json(&self) -> anyhow::Result<Value> {
        let mut body = Map::new();
        body.insert("data_group".into(), json!(self.data_group));
        body.insert("data_type".into(), json!(self.data_type));
        if let Some(name) = &self.name {
            body.insert("name".into(), json!(name));
        }
        let flags = [
            ("raw_queries_allowed", self.raw_queries_allowed, true),
            ("published", self.unpublished, false),
            ("queryable", self.not_queryable, false),
            ("realtime", self.realtime, true),
        ];
        for (key, _, value) in flags.into_iter().filter(|(_, is_given, _)| *is_given) {
            body.insert(key.into(), json!(value));
        }
        let bounds = [
            ("max_age_expected", self.max_age_expected),
            ("capped_size", self.capped_size),
            ("retention_days", self.retention_days),
        ];
        for (key, bound) in bounds {
            if let Some(Bound(number)) = bound {
                body.insert(key.into(), json!(number));
            }
        }
        if let Some(fields) = &self.auto_ids {
            body.insert("auto_ids".into(), json!(fields));
        }
        if let Some(path) = &self.schema {
            body.insert("schema".into(), schema::read(path)?);
        }
        if let Some(token) = &self.token {
            body.insert("bearer_token".into(), json!(token));
        }
        Ok(Value::Object(body))
    }
}

impl DataSetCommand {
    /// Does what was asked.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::Create { definition, output } => {
                let body = definition.to_json()?.to_string();
                let answer = output.service.administrator()?.post(&["data-sets"], &body)?.body;
                if output.json { print_json(&answer) } else { created(&answer) }
            }
            Self::List { output } => {
                let answer = output.service.administrator()?.get(&["data-sets"])?.body;
                if output.json { print_json(&answer) } else { list(&answer) }
            }
            Self::Show { name, output } => {
                let answer = output.service.administrator()?.get(&["data-sets", name])?.body;
                if output.json { print_json(&answer) } else { show(&answer) }
            }
            Self::Set { name, change, output } => {
                let body = change.to_json()?.to_string();
                let answer = output.service.administrator()?.put(&["data-sets", name], &[], &body)?.body;
                if output.json { print_json(&answer) } else { show(&answer) }
            }
            Self::Delete { name, service } => {
                let answer = service.administrator()?.delete(&["data-sets", name])?.body;
                say!("{}", answer["message"].as_str().unwrap_or("Deleted"))?;
                Ok(())
            }
        }
    }
}

fn created(data_set: &Value) -> anyhow::Result<()> {
    let text = |key: &str| data_set[key].as_str().unwrap_or_default();
    say!("Created {}", text("name"))?;
    say!("  write to: /data/{}/{}", text("data_group"), text("data_type"))?;
    if let Some(token) = data_set["bearer_token"].as_str() {
        say!("  token:    {token}  (shown only now)")?;
    }
    Ok(())
}

fn list(data_sets: &Value) -> anyhow::Result<()> {
    let data_sets = data_sets.as_array().context("the answer is not a list of data sets")?;
    if data_sets.is_empty() {
        say!("There are no data sets yet; `backdrop data-set create` makes one.")?;
        return Ok(());
    }
    let columns = [
        ("NAME", "name"),
        ("GROUP", "data_group"),
        ("TYPE", "data_type"),
        ("RECORDS", "records"),
        ("UPDATED", "updated_at"),
    ];
    table::print(columns, data_sets)
}

fn show(data_set: &Value) -> anyhow::Result<()> {
    let settings = data_set.as_object().context("the answer is not a data set")?;
    let width = settings.keys().map(String::len).max().unwrap_or_default();
    // The token is not told again, and a schema is too long for a line.
    for (key, value) in settings.iter().filter(|(key, _)| *key != "bearer_token") {
        match value {
            Value::Object(_) => say!("{key:width$}  (use --json to see it)")?,
            value => say!("{key:width$}  {}", shown(value))?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_for_is_sent() {
        let mut definition =
            Definition { data_group: "g".into(), data_type: "t".into(), ..Definition::default() };
        assert_eq!(definition.to_json().expect("no file"), json!({"data_group": "g", "data_type": "t"}));
        definition.unpublished = true;
        definition.schema = Some("none".into());
        definition.max_age_expected = Some(Bound(None));
        assert_eq!(
            definition.to_json().expect("no file"),
            json!({"data_group": "g", "data_type": "t", "published": false, "schema": null, "max_age_expected": null})
        );
    }
}
