//! Waiting for batches to end.
//!
//! Who waits registers before the batch is appended, so that no outcome is missed. Announcements of
//! workers are hints that may be lost; so, as long as somebody waits, one query every quarter of a second
//! asks the store for all of them.

use backdrop_core::batch::Outcome;
use backdrop_core::data_set::DataSetId;
use backdrop_core::error::chain;
use backdrop_core::record::Violations;
use backdrop_postgres::{BatchRow, Database};
use backdrop_queue::{Announcement, Queue};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tracing::warn;
use uuid::Uuid;

/// How often the store is asked while somebody waits.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// How long to wait before listening again after the connection was lost.
const RECONNECT_DELAY: Duration = Duration::from_millis(500);

/// How a batch ended.
#[derive(Clone, Debug)]
pub(crate) enum Ended {
    /// It is committed.
    Stored,
    /// It was not stored; why, if that is still known.
    NotStored(Outcome, Option<Violations>),
}

/// All who wait in this process.
#[derive(Debug)]
pub(crate) struct Outcomes {
    shared: Arc<Shared>,
    tasks: [JoinHandle<()>; 2],
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<HashMap<Uuid, Waiting>>,
    /// Somebody has begun to wait.
    began: Notify,
    /// A batch was announced as not stored: why stands in the store.
    refused: Notify,
}

#[derive(Debug)]
struct Waiting {
    data_set: DataSetId,
    sender: oneshot::Sender<Ended>,
}

/// Waits for one batch; forgets about it when dropped.
#[derive(Debug)]
pub(crate) struct Waiter {
    shared: Arc<Shared>,
    batch_id: Uuid,
    receiver: oneshot::Receiver<Ended>,
}

impl Outcomes {
    pub(crate) fn start(database: Database, queue: Queue) -> Self {
        let shared = Arc::new(Shared::default());
        let tasks = [
            tokio::spawn(poll(Arc::clone(&shared), database)),
            tokio::spawn(listen(Arc::clone(&shared), queue)),
        ];
        Self { shared, tasks }
    }

    /// Registers as waiting for a batch. Call it before the batch is appended.
    pub(crate) fn wait_for(&self, data_set: DataSetId, batch_id: Uuid) -> Waiter {
        let (sender, receiver) = oneshot::channel();
        self.shared.waiting().insert(batch_id, Waiting { data_set, sender });
        self.shared.began.notify_one();
        Waiter { shared: Arc::clone(&self.shared), batch_id, receiver }
    }
}

impl Drop for Outcomes {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Waiter {
    /// How the batch ended. Never ends if it does not; may be cancelled and called again.
    pub(crate) async fn ended(&mut self) -> Ended {
        match (&mut self.receiver).await {
            Ok(ended) => ended,
            // The process is stopping: nobody will tell any more.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.shared.waiting().remove(&self.batch_id);
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, HashMap<Uuid, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resolve(&self, batch_id: Uuid, ended: Ended) {
        let waiting = self.waiting().remove(&batch_id);
        if let Some(waiting) = waiting {
            // Who no longer waits need not be told.
            let _gone = waiting.sender.send(ended);
        }
    }

    fn announced(&self, announcement: &Announcement) {
        for (batch_id, outcome) in &announcement.batches {
            match outcome {
                Outcome::Stored => self.resolve(*batch_id, Ended::Stored),
                Outcome::Rejected | Outcome::Dead => self.refused.notify_one(),
            }
        }
    }
}

async fn poll(shared: Arc<Shared>, database: Database) {
    loop {
        if shared.waiting().is_empty() {
            shared.began.notified().await;
        }
        // Most are announced meanwhile.
        tokio::select! {
            () = tokio::time::sleep(POLL_INTERVAL) => {}
            () = shared.refused.notified() => {}
        }
        let (data_sets, batches): (Vec<i64>, Vec<Uuid>) =
            shared.waiting().iter().map(|(batch_id, waiting)| (waiting.data_set.0, *batch_id)).unzip();
        if batches.is_empty() {
            continue;
        }
        match database.ended_batches(data_sets, batches).await {
            Ok(rows) => rows.into_iter().for_each(|row| shared.resolve(row.batch_id, ended(row))),
            Err(error) => {
                warn!(error = chain(&error), "outcomes not known for now");
            }
        }
    }
}

fn ended(row: BatchRow) -> Ended {
    match row.outcome {
        Outcome::Stored => Ended::Stored,
        outcome => Ended::NotStored(outcome, row.violations),
    }
}

async fn listen(shared: Arc<Shared>, queue: Queue) {
    let mut is_told = false;
    loop {
        match queue.listen().await {
            Ok(mut listener) => {
                is_told = false;
                while let Some(announcement) = listener.next().await {
                    shared.announced(&announcement);
                }
            }
            // Once per outage.
            Err(error) if !is_told => {
                is_told = true;
                warn!(error = chain(&error), "announcements cannot be listened to");
            }
            Err(_) => {}
        }
        tokio::time::sleep(RECONNECT_DELAY).await;
    }
}
