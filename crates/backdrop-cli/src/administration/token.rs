//! `backdrop token`: the tokens by which services use a data set.

use super::{Output, print_json, shown, table};
use crate::client::Service;
use crate::stdout::say;
use anyhow::Context;
use backdrop_core::time;
use backdrop_core::token::Scope;
use backdrop_service::clock;
use clap::Subcommand;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Makes a further token for a data set and prints it, once: only its hash is kept
    Create {
        /// The name of the data set
        data_set: String,
        #[command(flatten)]
        terms: Terms,
        #[command(flatten)]
        service: Service,
    },
    /// Lists the tokens of a data set, not themselves
    List {
        /// The name of the data set
        data_set: String,
        #[command(flatten)]
        output: Output,
    },
    /// Revokes a token; within 10 seconds no service takes it any more
    Revoke {
        /// The name of the data set
        data_set: String,
        /// The token's id, as `create` printed it
        id: String,
        /// Let it live on for so many seconds, while it is changed for another
        #[arg(long, value_name = "SECONDS")]
        after: Option<u32>,
        #[command(flatten)]
        service: Service,
    },
}

/// What a token lets its holder do, and for how long.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Terms {
    /// What people call it
    #[arg(long)]
    label: Option<String>,
    /// What it lets its holder do: `write`, `read` or `admin`; can be given several times [default: write]
    #[arg(long, value_parser = scope)]
    scope: Vec<Scope>,
    /// After how many days it ends to be valid [default: never]
    #[arg(long, value_name = "DAYS")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=36_500))]
    expires_in: Option<u32>,
    /// How many requests a minute each process lets through [default: what the service is set to]
    #[arg(long, value_name = "NUMBER")]
    requests_per_minute: Option<u32>,
}

fn scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).ok_or_else(|| format!("expected one of {}", Scope::ALL.map(Scope::as_str).join(", ")))
}

impl Terms {
    /// The terms as the service takes them: only what was named.
    fn to_json(&self, now: time::Timestamp) -> Value {
        let mut body = Map::new();
        if let Some(label) = &self.label {
            body.insert("label".into(), json!(label));
        }
        if !self.scope.is_empty() {
            body.insert("scopes".into(), json!(self.scope));
        }
        if let Some(days) = self.expires_in {
            let end = now + Duration::from_secs(u64::from(days) * 24 * 60 * 60);
            body.insert("expires_at".into(), json!(time::format(end)));
        }
        if let Some(number) = self.requests_per_minute {
            body.insert("requests_per_minute".into(), json!(number));
        }
        Value::Object(body)
    }
}

impl TokenCommand {
    /// Does what was asked.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::Create { data_set, terms, service } => {
                let body = terms.to_json(clock::now()).to_string();
                let answer = service.administrator()?.post(&["data-sets", data_set, "tokens"], &body)?;
                let token = answer.body["token"].as_str().context("the answer holds no token")?;
                // The token alone goes to the standard output, so that a script can take it.
                let id = shown(&answer.body["id"]);
                eprintln!("Token {id} of {data_set}. It is shown only now; to revoke it, keep its number:");
                eprintln!("  backdrop token revoke {data_set} {id}");
                say!("{token}")?;
            }
            Self::List { data_set, output } => {
                let answer = output.service.administrator()?.get(&["data-sets", data_set, "tokens"])?.body;
                if output.json {
                    return print_json(&answer);
                }
                let columns = [
                    ("ID", "id"),
                    ("LABEL", "label"),
                    ("SCOPES", "scopes"),
                    ("A MINUTE", "requests_per_minute"),
                    ("LAST USED", "last_used_at"),
                    ("EXPIRES", "expires_at"),
                ];
                let tokens = answer["tokens"].as_array().context("the answer is not a list of tokens")?;
                table::print(columns, tokens)?;
            }
            Self::Revoke { data_set, id, after, service } => {
                let after = after.map(|seconds| seconds.to_string());
                let query: Vec<_> = after.iter().map(|seconds| ("after", seconds.as_str())).collect();
                let client = service.administrator()?;
                let answer = client.delete_with(&["data-sets", data_set, "tokens", id], &query)?;
                say!("{} of {data_set}", answer.body["message"].as_str().unwrap_or("Revoked"))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_named_is_sent() {
        let now = time::parse("2026-01-01T00:00:00Z").expect("a time");
        assert_eq!(Terms::default().to_json(now), json!({}));
        let scope = vec![Scope::Read, Scope::Write];
        let terms =
            Terms { label: Some("x".into()), scope, expires_in: Some(2), requests_per_minute: Some(60) };
        assert_eq!(
            terms.to_json(now),
            json!({"label": "x", "scopes": ["read", "write"], "expires_at": "2026-01-03T00:00:00+00:00",
                   "requests_per_minute": 60})
        );
    }
}
