//! `backdrop token`: the tokens by which services write to a data set.

use super::shown;
use crate::client::Service;
use anyhow::Context;
use clap::Subcommand;

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Makes a further token for a data set and prints it, once: only its hash is kept
    Create {
        /// The name of the data set
        data_set: String,
        #[command(flatten)]
        service: Service,
    },
    /// Revokes a token; within 10 seconds no service takes it any more
    Revoke {
        /// The name of the data set
        data_set: String,
        /// The token's id, as `create` printed it
        id: String,
        #[command(flatten)]
        service: Service,
    },
}

impl TokenCommand {
    /// Does what was asked.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::Create { data_set, service } => {
                let answer = service.administrator()?.post(&["data-sets", data_set, "tokens"], "{}")?;
                let token = answer.body["token"].as_str().context("the answer holds no token")?;
                // The token alone goes to the standard output, so that a script can take it.
                let id = shown(&answer.body["id"]);
                eprintln!("Token {id} of {data_set}. It is shown only now; to revoke it, keep its number:");
                eprintln!("  backdrop token revoke {data_set} {id}");
                println!("{token}");
            }
            Self::Revoke { data_set, id, service } => {
                service.administrator()?.delete(&["data-sets", data_set, "tokens", id])?;
                println!("Revoked token {id} of {data_set}");
            }
        }
        Ok(())
    }
}
