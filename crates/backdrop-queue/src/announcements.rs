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
use tokio::task::JoinHandle;
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
    partition: Partition,
    link: Link,
    /// What is on its way.
    under_way: Option<JoinHandle<Result<(), QueueError>>>,
}

impl std::fmt::Debug for Announcer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Announcer").field("partition", &self.partition).finish_non_exhaustive()
    }
}

impl Announcer {
    pub(crate) const fn new(partition: Partition, link: Link) -> Self {
        Self { partition, link, under_way: None }
    }

    /// Begins to announce how batches ended, after they are committed, all of a run at once; what was announced before
    /// has arrived then. Goes on if this is dropped.
    ///
    /// # Errors
    /// If Redis could not be asked before. Those who wait find out from the store.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn announce(&mut self, results: &[EntryResult]) -> Result<(), QueueError> {
        let before = self.arrived().await;
        let batches = results.iter().map(|result| (result.batch_id, result.outcome)).collect();
        let text = serde_json::to_string(&Announcement { batches }).expect("ids and outcomes can be written");
        let (channel, mut connection) = (keys::applied_channel(self.partition), self.link.connection.clone());
        self.under_way = Some(tokio::spawn(async move {
            let _listeners: i64 = connection.publish(channel, text).await?;
            Ok(())
        }));
        before
    }

    /// Waits until what was announced has arrived.
    ///
    /// # Errors
    /// If Redis cannot be asked.
    pub async fn arrived(&mut self) -> Result<(), QueueError> {
        let Some(under_way) = &mut self.under_way else { return Ok(()) };
        let arrived = under_way.await.unwrap_or(Err(QueueError::NoAnswer));
        self.under_way = None;
        arrived
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
