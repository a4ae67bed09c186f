//! The example data sets: real figures to try queries on. See `examples/README.md` for their source.
//!
//! They are built into the program, so that it has them wherever it runs, and go the way of all records,
//! through the HTTP API. Every record has an `_id`: loading them again changes nothing.

use crate::client::Client;
use crate::import::{create_unless_there, send_example};
use anyhow::Context;
use secrecy::SecretString;
use serde_json::json;
use std::net::SocketAddr;
use url::Url;

/// One example.
struct Example {
    data_type: &'static str,
    records: &'static [u8],
}

/// Whose figures they are.
pub(super) const DATA_GROUP: &str = "transactional-services";
/// Key figures per service and quarter, and per year.
pub(super) const SUMMARIES: &str = "summaries";
/// Transactions per service, quarter and channel.
pub(super) const BY_CHANNEL: &str = "transactions-by-channel";

const EXAMPLES: [Example; 2] = [
    Example {
        data_type: SUMMARIES,
        records: include_bytes!("../../../../examples/transactional-services-summaries.jsonl"),
    },
    Example {
        data_type: BY_CHANNEL,
        records: include_bytes!("../../../../examples/transactional-services-transactions-by-channel.jsonl"),
    },
];

/// Makes the data sets if they are not there, and sends their records.
pub(super) async fn load(write: SocketAddr, admin_token: SecretString) -> anyhow::Result<()> {
    let load = move || {
        let base = Url::parse(&super::welcome::url(write)).context("the write service has no address")?;
        let client = Client::new(base, admin_token);
        for Example { data_type, records } in EXAMPLES {
            // Figures of 2017 are as new as they will ever be.
            let definition = json!({
                "data_group": DATA_GROUP, "data_type": data_type, "raw_queries_allowed": true,
                "max_age_expected": null,
            });
            create_unless_there(&client, &definition.to_string())?;
            let summary = send_example(client.clone(), DATA_GROUP, data_type, records)?;
            tracing::info!(data_group = DATA_GROUP, data_type, "loaded an example: {summary}");
        }
        Ok(())
    };
    let result: anyhow::Result<()> =
        tokio::task::spawn_blocking(load).await.context("the loading of the examples was lost")?;
    result.context("the examples cannot be loaded")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::HashSet;

    #[test]
    fn every_record_of_an_example_has_an_id_of_its_own() {
        for Example { data_type, records } in EXAMPLES {
            let lines = serde_json::Deserializer::from_slice(records).into_iter::<Value>();
            let mut ids = HashSet::new();
            for record in lines {
                let record = record.expect("JSON");
                let id = record["_id"].as_str().unwrap_or_else(|| panic!("{data_type}: {record}")).to_owned();
                assert!(ids.insert(id), "{data_type}: twice {record}");
            }
            assert!(ids.len() > 300, "{data_type} has {} records", ids.len());
        }
    }
}
