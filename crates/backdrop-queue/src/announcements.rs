//! Announcements of applied batches: a hint to those who wait, which may be lost.

use crate::connection::Link;
use crate::keys;
use crate::{Queue, QueueError};
use backdrop_core::batch::Outcome;
use backdrop_core::ingest::EntryResult;
use backdrop_core::log::Partition;
use futures_util::StreamExt;
use redis::AsyncCommands;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use uuid::Uuid;

/// How long connecting and subscribing may take.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(3);

/// Batches of one partition that were applied together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// Each batch and how it ended.
    pub batches: Vec<(Uuid, Outcome)>,
}

/// Announces how batches of one partition ended.
pub struct Announcer {
    pub(crate) partition: Partition,
    pub(crate) link: Link,
}

impl std::fmt::Debug for Announcer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Announcer").field("partition", &self.partition).finish_non_exhaustive()
    }
}

impl Announcer {
    /// Announces how batches ended, after they are committed, all of a run at once.
    ///
    /// # Errors
    /// If Redis cannot be asked. Those who wait find out from the store.
    pub async fn announce(&mut self, results: &[EntryResult]) -> Result<(), QueueError> {
        let batches = results.iter().map(|result| (result.batch_id, result.outcome)).collect();
        let text = serde_json::to_string(&Announcement { batches }).expect("ids and outcomes can be written");
        let channel = keys::applied_channel(self.partition);
        let _listeners: i64 = self.link.connection.publish(channel, text).await?;
        Ok(())
    }
}

impl Queue {
    /// Listens to the announcements of all partitions.
    ///
    /// # Errors
    /// If Redis cannot be reached.
    pub async fn listen(&self) -> Result<AnnouncementListener, QueueError> {
        let listening = async {
            let mut pubsub = self.client.get_async_pubsub().await?;
            pubsub.psubscribe(keys::APPLIED_CHANNELS).await?;
            Ok(AnnouncementListener { pubsub })
        };
        tokio::time::timeout(LISTEN_TIMEOUT, listening).await.unwrap_or(Err(QueueError::NoAnswer))
    }
}

/// Receives announcements for as long as its connection holds.
pub struct AnnouncementListener {
    pubsub: redis::aio::PubSub,
}

impl std::fmt::Debug for AnnouncementListener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AnnouncementListener")
    }
}

impl AnnouncementListener {
    /// The next announcement; `None` once the connection is lost.
    pub async fn next(&mut self) -> Option<Announcement> {
        loop {
            let message = self.pubsub.on_message().next().await?;
            let text: Vec<u8> = message.get_payload().unwrap_or_default();
            // What a newer worker announces in another form is found out from the store.
            if let Ok(announcement) = serde_json::from_slice(&text) {
                return Some(announcement);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_outlives_the_process() {
        let golden = r#"{"batches":[["01900000-0000-7000-8000-000000000001","stored"]]}"#;
        let batch = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
        let announcement = Announcement { batches: vec![(batch, Outcome::Stored)] };
        assert_eq!(serde_json::to_string(&announcement).expect("json"), golden);
        assert_eq!(serde_json::from_str::<Announcement>(golden).expect("readable"), announcement);
    }
}
