//! `backdrop data-set`: what data sets there are and what they are set to.

use super::{print_json, shown};
use crate::client::Service;
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
    /// Deletes a data set with all its records
    Delete {
        /// The name of the data set
        name: String,
        #[command(flatten)]
        service: Service,
    },
}

/// Where to ask, and how to print the answer.
#[derive(Debug, clap::Args)]
pub(crate) struct Output {
    /// Print the service's answer as JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) service: Service,
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
    #[arg(long, value_name = "SECONDS", value_parser = seconds_or_none)]
    pub(crate) max_age_expected: Option<MaxAge>,
    /// A file with the JSON Schema of its records, or `none` [default: the one of its data type]
    #[arg(long, value_name = "FILE")]
    pub(crate) schema: Option<PathBuf>,
    /// The token its service writes with [default: a new one]
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
}

/// After how many seconds a data set counts as stale; `None`: never.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MaxAge(Option<u32>);

fn seconds_or_none(text: &str) -> Result<MaxAge, String> {
    if text == "none" {
        return Ok(MaxAge(None));
    }
    text.parse().map(|seconds| MaxAge(Some(seconds))).map_err(|_| "expected seconds, or `none`".into())
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
        if let Some(MaxAge(seconds)) = self.max_age_expected {
            body.insert("max_age_expected".into(), json!(seconds));
        }
        if let Some(path) = &self.schema {
            body.insert("schema".into(), read_schema(path)?);
        }
        if let Some(token) = &self.token {
            body.insert("bearer_token".into(), json!(token));
        }
        Ok(Value::Object(body))
    }
}

fn read_schema(path: &PathBuf) -> anyhow::Result<Value> {
    if path.as_os_str() == "none" {
        return Ok(Value::Null);
    }
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is not JSON", path.display()))
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
            Self::Delete { name, service } => {
                let answer = service.administrator()?.delete(&["data-sets", name])?.body;
                println!("{}", answer["message"].as_str().unwrap_or("Deleted"));
                Ok(())
            }
        }
    }
}

fn created(data_set: &Value) -> anyhow::Result<()> {
    let text = |key: &str| data_set[key].as_str().unwrap_or_default();
    println!("Created {}", text("name"));
    println!("  write to: /data/{}/{}", text("data_group"), text("data_type"));
    if let Some(token) = data_set["bearer_token"].as_str() {
        println!("  token:    {token}  (shown only now)");
    }
    Ok(())
}

fn list(data_sets: &Value) -> anyhow::Result<()> {
    let data_sets = data_sets.as_array().context("the answer is not a list of data sets")?;
    if data_sets.is_empty() {
        println!("There are no data sets yet; `backdrop data-set create` makes one.");
        return Ok(());
    }
    let columns = [
        ("NAME", "name"),
        ("GROUP", "data_group"),
        ("TYPE", "data_type"),
        ("RECORDS", "records"),
        ("UPDATED", "updated_at"),
    ];
    let mut rows = vec![columns.map(|(title, _)| title.to_owned())];
    rows.extend(data_sets.iter().map(|data_set| columns.map(|(_, key)| shown(&data_set[key]))));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let widths = [width(0), width(1), width(2), width(3)];
    for [name, group, data_type, records, updated] in &rows {
        let [for_name, for_group, for_type, for_records] = widths;
        // Numbers stand to the right.
        println!(
            "{name:for_name$}  {group:for_group$}  {data_type:for_type$}  {records:>for_records$}  {updated}"
        );
    }
    Ok(())
}

fn show(data_set: &Value) -> anyhow::Result<()> {
    let settings = data_set.as_object().context("the answer is not a data set")?;
    let width = settings.keys().map(String::len).max().unwrap_or_default();
    // The token is not told again, and a schema is too long for a line.
    for (key, value) in settings.iter().filter(|(key, _)| *key != "bearer_token") {
        match value {
            Value::Object(_) => println!("{key:width$}  (use --json to see it)"),
            value => println!("{key:width$}  {}", shown(value)),
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
        definition.max_age_expected = Some(MaxAge(None));
        assert_eq!(
            definition.to_json().expect("no file"),
            json!({"data_group": "g", "data_type": "t", "published": false, "schema": null, "max_age_expected": null})
        );
    }
}
