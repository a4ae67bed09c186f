//! `backdrop rejected`: batches that were refused, and what becomes of them.

use super::{Output, print_json, shown};
use crate::client::{Client, Service};
use crate::stdout::say;
use anyhow::Context;
use clap::Subcommand;
use serde_json::Value;

/// How many ids that changed since are named: more scroll away what was said before.
const CHANGED_SHOWN: usize = 20;

/// What can be done with rejected batches.
#[derive(Debug, Subcommand)]
pub(crate) enum RejectedCommand {
    /// Lists the batches of a data set that were refused lately, newest first
    List {
        /// The name of the data set
        data_set: String,
        #[command(flatten)]
        output: Output,
    },
    /// Shows a rejected batch: what was wrong with it, and its records
    Show {
        /// The name of the data set
        data_set: String,
        /// The batch's id, as `list` prints it
        id: String,
        #[command(flatten)]
        output: Output,
    },
    /// Tries to store the records of a rejected batch once more, as a new write
    Replay {
        /// The name of the data set
        data_set: String,
        /// The batch's id, as `list` prints it
        id: String,
        /// Leave alone the records that were changed since the batch was rejected
        #[arg(long)]
        only_if_unchanged: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Forgets a rejected batch
    Discard {
        /// The name of the data set
        data_set: String,
        /// The batch's id, as `list` prints it
        id: String,
        #[command(flatten)]
        service: Service,
    },
}

impl RejectedCommand {
    /// Does what was asked.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::List { data_set, output } => {
                let batches = Batches::of(&output.service, data_set)?;
                let answer = batches.client.get(&batches.path(&[]))?.body;
                if output.json { print_json(&answer) } else { list(data_set, &answer) }
            }
            Self::Show { data_set, id, output } => {
                let batches = Batches::of(&output.service, data_set)?;
                let answer = batches.client.get(&batches.path(&[id]))?.body;
                if output.json { print_json(&answer) } else { show(&answer) }
            }
            Self::Replay { data_set, id, only_if_unchanged, output } => {
                let batches = Batches::of(&output.service, data_set)?;
                let query: &[_] = if *only_if_unchanged { &[("only_if_unchanged", "true")] } else { &[] };
                let answer = batches.client.post_with(&batches.path(&[id, "replay"]), query, "{}")?;
                if output.json {
                    return print_json(&answer.body);
                }
                match &answer.receipt {
                    Some(receipt) => say!("Accepted, but not stored yet; its receipt: {receipt}"),
                    None => replayed(&answer.body),
                }
            }
            Self::Discard { data_set, id, service } => {
                let batches = Batches::of(service, data_set)?;
                batches.client.delete(&batches.path(&[id]))?;
                say!("Discarded rejected batch {id} of {data_set}")?;
                Ok(())
            }
        }
    }
}

/// The rejected batches of a data set: they have no place under its name.
struct Batches {
    client: Client,
    data_group: String,
    data_type: String,
}

impl Batches {
    fn of(service: &Service, data_set: &str) -> anyhow::Result<Self> {
        let client = service.administrator()?;
        let answer = client.get(&["data-sets", data_set])?.body;
        let text =
            |key: &str| answer[key].as_str().map(str::to_owned).context("the answer is not a data set");
        Ok(Self { data_group: text("data_group")?, data_type: text("data_type")?, client })
    }

    fn path<'p>(&'p self, further: &[&'p str]) -> Vec<&'p str> {
        [&["data", &self.data_group, &self.data_type, "rejected"], further].concat()
    }
}

fn list(data_set: &str, answer: &Value) -> anyhow::Result<()> {
    let batches = answer["rejected"].as_array().context("the answer is not a list of rejected batches")?;
    if batches.is_empty() {
        say!("No batch of {data_set} was rejected lately.")?;
    }
    for batch in batches {
        say!("{}", headline(batch))?;
        say!("  {}", first_message(batch))?;
    }
    Ok(())
}

/// When, what and how much was refused, in one line.
fn headline(batch: &Value) -> String {
    let replayed = batch["replayed_as"].as_str().map(|_| ", replayed").unwrap_or_default();
    let records = match &batch["records"] {
        Value::Number(count) => format!(", records: {count}"),
        Value::Array(records) => format!(", records: {}", records.len()),
        _ => String::new(),
    };
    let (id, at, kind) = (shown(&batch["id"]), shown(&batch["rejected_at"]), shown(&batch["kind"]));
    format!("{id}  {at}  {kind}{records}, errors: {}{replayed}", batch["errors_total"])
}

fn first_message(batch: &Value) -> String {
    let messages: &[Value] = batch["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    match messages {
        [] => "nothing is known of why".into(),
        [message] => shown(message),
        [message, others @ ..] => format!("{} (and {} more)", shown(message), others.len()),
    }
}

fn show(batch: &Value) -> anyhow::Result<()> {
    say!("{}", headline(batch))?;
    for message in batch["messages"].as_array().into_iter().flatten() {
        say!("  {}", shown(message))?;
    }
    say!("")?;
    // As JSON lines: mended, they can be sent anew.
    for record in batch["records"].as_array().into_iter().flatten() {
        say!("{}", serde_json::to_string(record).context("the record cannot be printed")?)?;
    }
    Ok(())
}

fn replayed(answer: &Value) -> anyhow::Result<()> {
    say!("Stored: {}", answer["stored"])?;
    let changed = answer["changed"].as_array().map(Vec::as_slice).unwrap_or_default();
    if changed.is_empty() {
        return Ok(());
    }
    say!("Changed since the batch was rejected: {}", answer["changed_total"])?;
    for id in changed.iter().take(CHANGED_SHOWN) {
        say!("  {}", shown(id))?;
    }
    if changed.len() > CHANGED_SHOWN {
        say!("  … (--json shows more)")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_batch_is_told_in_two_lines() {
        let mut batch = json!({"id": "b", "rejected_at": "2014-01-01T00:00:00+00:00", "kind": "append", "records": 3,
            "replayed_as": null, "errors_total": 4, "messages": ["record 1: no", "record 2: no"]});
        assert_eq!(headline(&batch), "b  2014-01-01T00:00:00+00:00  append, records: 3, errors: 4");
        assert_eq!(first_message(&batch), "record 1: no (and 1 more)");
        batch["replayed_as"] = json!("c");
        batch["records"] = json!([{}, {}]);
        assert_eq!(headline(&batch), "b  2014-01-01T00:00:00+00:00  append, records: 2, errors: 4, replayed");
    }
}
