//! `backdrop audit`: who changed what, and when.

use super::{Output, print_json, shown};
use crate::stdout::say;
use anyhow::{Context, bail};
use serde_json::Value;

/// Which part of the trail.
#[derive(Debug, clap::Args)]
pub(crate) struct AuditArguments {
    /// The name of a data set, which may be deleted [default: all]
    data_set: Option<String>,
    /// At most so many lines, the newest
    #[arg(long, default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Only what is older than the line with this id, as `--json` shows it
    #[arg(long, value_name = "ID")]
    before: Option<String>,
    #[command(flatten)]
    output: Output,
}

impl AuditArguments {
    /// Does what was asked.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let limit = self.limit.to_string();
        let optional = [("data-set", &self.data_set), ("before", &self.before)];
        let given = optional.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        let query: Vec<_> = given.chain([("limit", limit.as_str())]).collect();
        let answer = self.output.service.administrator()?.get_with(&["audit"], &query)?.body;
        let lines = answer["audit"].as_array().context("the answer is not a trail")?;
        // That a data set was made stays in the trail for good.
        if let (Some(name), None, []) = (&self.data_set, &self.before, &lines[..]) {
            bail!("there is no data set \"{name}\", and never was");
        }
        if self.output.json {
            return print_json(&answer);
        }
        for line in lines {
            say!("{}", told(line))?;
        }
        Ok(())
    }
}

fn told(line: &Value) -> String {
    let who = match &line["who"] {
        Value::Object(who) if who["label"] != "" => {
            format!("token {} ({})", who["token"], shown(&who["label"]))
        }
        Value::Object(who) if who.contains_key("transform_run") => {
            format!("transform run {}", shown(&who["transform_run"]))
        }
        Value::Object(who) => format!("token {}", who["token"]),
        who => shown(who),
    };
    let what = match &line["outcome"] {
        Value::Null => line["detail"].to_string(),
        outcome => format!("{}: {} stored, {} not", shown(outcome), line["records"], line["rejected"]),
    };
    let (at, data_set, action) = (shown(&line["at"]), shown(&line["data_set"]), shown(&line["action"]));
    format!("{at}  {data_set}  {action}  by {who}  {what}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_tells_who_did_what() {
        let change = json!({"at": "T", "data_set": "d", "action": "change_data_set", "who": "administrator",
            "detail": {"realtime": {"from": false, "to": true}}});
        assert_eq!(
            told(&change),
            r#"T  d  change_data_set  by administrator  {"realtime":{"from":false,"to":true}}"#
        );
        let write = json!({"at": "T", "data_set": "d", "action": "append", "outcome": "stored", "records": 2,
            "rejected": 0, "who": {"token": 7, "label": "Night job"}});
        assert_eq!(told(&write), "T  d  append  by token 7 (Night job)  stored: 2 stored, 0 not");
    }
}
