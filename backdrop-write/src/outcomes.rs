//! Waiting for batches to end.
//!
//! Who waits registers before the batch is appended, so that no outcome is missed. Announcements of
//! workers are hints that may be lost; so, as long as somebody waits, one query every quarter of a second
//! asks the store for all of them.

use crate::ending::Ended;
use backdrop_core::backoff::Backoff;
use backdrop_core::batch::Outcome;
use backdrop_core::data_set::DataSetId;
use backdrop_core::error::chain;
use backdrop_postgres::{Database, StoreError};
use backdrop_queue::{Announcement, Queue};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::task::JoinHandle;
use tracing::warn;
use uuid::Uuid;

/// How often the store is asked while somebody waits.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// The shortest and the longest wait before listening again after the connection was lost.
const RECONNECT_DELAYS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(1));
/// How long the store may take to answer; then it is asked anew, in case the connection was to blame.
const ANSWERED_WITHIN: Duration = Duration::from_secs(3);
/// How many questions there are at once. One that nobody waits for any more still has a connection: a store that is
/// slow must not be asked with all of them.
const QUESTIONS_MAX: usize = 2;

/// What somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// Whether the batch was stored, which is announced.
    Outcome,
    /// Its row besides: how much of it was stored, say.
    Row,
}

/// All who wait in this process.
#[derive(Debug)]
pub(crate) struct Outcomes {
    shared: Arc<Shared>,
    tasks: [JoinHandle<()>; 2],
}

#[derive(Debug, Default)]
struct Shared {
    /// Several requests with one idempotency key wait for the same batch.
    waiting: Mutex<HashMap<Uuid, Vec<Waiting>>>,
    /// Somebody has begun to wait.
    began: Notify,
    /// A batch was announced of which the store knows more.
    announced: Notify,
}

#[derive(Debug)]
struct Waiting {
    data_set: DataSetId,
    awaited: Awaited,
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
    pub(crate) fn wait_for(&self, data_set: DataSetId, batch_id: Uuid, awaited: Awaited) -> Waiter {
        let (sender, receiver) = oneshot::channel();
        let waiting = Waiting { data_set, awaited, sender };
        self.shared.waiting().entry(batch_id).or_default().push(waiting);
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
        self.receiver.close();
        let mut waiting = self.shared.waiting();
        if let Some(of_batch) = waiting.get_mut(&self.batch_id) {
            of_batch.retain(|waiting| !waiting.sender.is_closed());
            if of_batch.is_empty() {
                waiting.remove(&self.batch_id);
            }
        }
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, HashMap<Uuid, Vec<Waiting>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resolve(&self, batch_id: Uuid, ended: &Ended) {
        for waiting in self.waiting().remove(&batch_id).into_iter().flatten() {
            // Who no longer waits need not be told.
            let _gone = waiting.sender.send(ended.clone());
        }
    }

    /// Tells those who only wait for that that a batch was stored. Whether others wait for more.
    fn resolve_stored(&self, batch_id: Uuid) -> bool {
        let mut waiting = self.waiting();
        let Some(of_batch) = waiting.remove(&batch_id) else { return false };
        let (told, others): (Vec<_>, Vec<_>) =
            of_batch.into_iter().partition(|waiting| waiting.awaited == Awaited::Outcome);
        for waiting in told {
            let _gone = waiting.sender.send(Ended::Stored(None));
        }
        let has_others = !others.is_empty();
        if has_others {
            waiting.insert(batch_id, others);
        }
        has_others
    }

    fn announced(&self, announcement: &Announcement) {
        for (batch_id, outcome) in &announcement.batches {
            let is_told = *outcome == Outcome::Stored && !self.resolve_stored(*batch_id);
            if !is_told {
                self.announced.notify_one();
            }
        }
    }
}

async fn poll(shared: Arc<Shared>, database: Database) {
    let mut is_told = false;
    let questions = Arc::new(Semaphore::new(QUESTIONS_MAX));
    loop {
        if shared.waiting().is_empty() {
            shared.began.notified().await;
        }
        // Most are announced meanwhile.
        tokio::select! {
            () = tokio::time::sleep(POLL_INTERVAL) => {}
            () = shared.announced.notified() => {}
        }
        let (data_sets, batches): (Vec<i64>, Vec<Uuid>) = shared
            .waiting()
            .iter()
            .filter_map(|(batch_id, of_batch)| Some((of_batch.first()?.data_set.0, *batch_id)))
            .unzip();
        if batches.is_empty() {
            continue;
        }
        let Ok(question) = Arc::clone(&questions).acquire_owned().await else { return };
        let database = database.clone();
        let asked = tokio::spawn(async move {
            let ended = database.ended_batches(data_sets, batches).await;
            drop(question);
            ended
        });
        let answered = tokio::time::timeout(ANSWERED_WITHIN, asked).await;
        match answered.unwrap_or(Ok(Err(StoreError::NoAnswer))).unwrap_or(Err(StoreError::TaskLost)) {
            Ok(rows) => {
                is_told = false;
                rows.into_iter().for_each(|row| shared.resolve(row.batch_id, &row.into()));
            }
            // Once per outage.
            Err(error) if !is_told => {
                is_told = true;
                warn!(error = chain(&error), "outcomes not known for now");
            }
            Err(_) => {}
        }
    }
}

async fn listen(shared: Arc<Shared>, queue: Queue) {
    let mut backoff = Backoff::new(RECONNECT_DELAYS.0, RECONNECT_DELAYS.1, Uuid::new_v4().as_u64_pair().0);
    loop {
        match queue.listen().await {
            Ok(mut listener) => {
                backoff.succeeded();
                while let Some(announcement) = listener.next().await {
                    shared.announced(&announcement);
                }
            }
            // Once per outage.
            Err(error) if backoff.failures() == 0 => {
                warn!(error = chain(&error), "announcements cannot be listened to");
            }
            Err(_) => {}
        }
        tokio::time::sleep(backoff.failed()).await;
    }
}
