//! The configuration of all data sets, cached in the process: no request asks Postgres for it.
//!
//! A change reaches every process by `NOTIFY`, which is only a hint: after each reconnection and every
//! five seconds the version is compared anyway, and a data set that is not known is looked for once
//! more before it is called missing.

mod load;

use crate::{Database, StoreError};
use arc_swap::ArcSwap;
use backdrop_core::backoff::Backoff;
use backdrop_core::data_set::{DataSet, DataSetId};
use backdrop_core::error::chain;
use backdrop_core::time::Timestamp;
use backdrop_core::token::{Scope, TokenHash, TokenId};
use sqlx::postgres::PgListener;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tracing::{info, warn};
use uuid::Uuid;

/// How long a change can go unnoticed if its notification is lost.
const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// The shortest and the longest wait before listening again after the connection was lost.
const RECONNECT_DELAYS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(1));
/// For how long a process that starts waits for its configuration before it begins without.
const START_WAIT: Duration = Duration::from_secs(1);
/// How long loading the configuration may take before Postgres counts as hanging.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(5);

/// A data set and its tokens.
#[derive(Debug)]
pub struct KnownDataSet {
    /// The data set.
    pub data_set: DataSet,
    /// Its tokens that are not revoked.
    pub tokens: Vec<KnownToken>,
}

/// A token that is not revoked.
#[derive(Clone, Debug)]
pub struct KnownToken {
    /// Its identity.
    pub id: TokenId,
    /// Its hash.
    pub hash: TokenHash,
    /// What it lets its holder do.
    pub scopes: Vec<Scope>,
    /// When it ends to be valid; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// How many requests a minute each process lets through; `None`: what the service is set to.
    pub requests_per_minute: Option<u32>,
}

impl KnownToken {
    /// Whether it lets its holder do what asks for the scope.
    pub fn allows(&self, asked: Scope) -> bool {
        self.scopes.iter().any(|scope| scope.includes(asked))
    }
}

impl KnownDataSet {
    /// The token of this data set that has the hash and is valid at the time.
    pub fn token(&self, hash: &TokenHash, now: Timestamp) -> Option<&KnownToken> {
        // All are compared, so that the time it takes does not tell which one came close.
        let matching = self.tokens.iter().filter(|token| token.hash.matches(hash));
        matching.fold(None, |found, token| {
            let is_valid = token.expires_at.is_none_or(|expires_at| now < expires_at);
            if is_valid { Some(token) } else { found }
        })
    }
}

/// Which data set is meant.
#[derive(Clone, Copy, Debug)]
enum Wanted<'a> {
    Id(DataSetId),
    Name(&'a str),
    GroupAndType(&'a str, &'a str),
}

#[derive(Debug, Default)]
struct Snapshot {
    version: i64,
    by_id: HashMap<DataSetId, Arc<KnownDataSet>>,
    by_name: HashMap<String, DataSetId>,
    by_group: HashMap<String, HashMap<String, DataSetId>>,
}

impl Snapshot {
    fn find(&self, wanted: Wanted<'_>) -> Option<Arc<KnownDataSet>> {
        let id = match wanted {
            Wanted::Id(id) => Some(id),
            Wanted::Name(name) => self.by_name.get(name).copied(),
            Wanted::GroupAndType(group, data_type) => {
                self.by_group.get(group).and_then(|types| types.get(data_type)).copied()
            }
        };
        self.by_id.get(&id?).cloned()
    }
}

/// The cached configuration; keeps itself up to date until it is dropped.
#[derive(Debug)]
pub struct Catalogue {
    shared: Arc<Shared>,
    follower: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    database: Database,
    snapshot: ArcSwap<Snapshot>,
    /// When the newest refresh began. Who waits for the lock and finds that one began after they asked
    /// need not do it again.
    refreshed: Mutex<Option<Instant>>,
    /// When the last refresh that failed did. Never held across an await.
    failed: std::sync::Mutex<Option<Instant>>,
}

impl Catalogue {
    /// Begins with what is configured now, if Postgres can be reached; else with nothing, and learns it
    /// as soon as it can.
    pub async fn start(database: Database) -> Self {
        let snapshot = ArcSwap::from_pointee(Snapshot::default());
        let shared = Arc::new(Shared {
            database,
            snapshot,
            refreshed: Mutex::new(None),
            failed: std::sync::Mutex::default(),
        });
        if !matches!(tokio::time::timeout(START_WAIT, shared.refresh()).await, Ok(Ok(()))) {
            warn!("configuration not loaded yet");
        }
        let follower = tokio::spawn(follow(Arc::clone(&shared)));
        Self { shared, follower }
    }

    /// The data set of that name.
    ///
    /// # Errors
    /// If it is not known and Postgres cannot be asked.
    pub async fn by_name(&self, name: &str) -> Result<Option<Arc<KnownDataSet>>, StoreError> {
        self.shared.find(Wanted::Name(name)).await
    }

    /// The data set of that data group and data type.
    ///
    /// # Errors
    /// As for [`by_name`](Self::by_name).
    pub async fn by_group_and_type(
        &self,
        group: &str,
        data_type: &str,
    ) -> Result<Option<Arc<KnownDataSet>>, StoreError> {
        self.shared.find(Wanted::GroupAndType(group, data_type)).await
    }

    /// The data set with that id; `None` if it was deleted.
    ///
    /// # Errors
    /// As for [`by_name`](Self::by_name).
    pub async fn by_id(&self, id: DataSetId) -> Result<Option<Arc<KnownDataSet>>, StoreError> {
        self.shared.find(Wanted::Id(id)).await
    }

    /// The data set with that id, judged by the configuration of that version or a later one.
    ///
    /// # Errors
    /// As for [`by_name`](Self::by_name).
    pub async fn by_id_since(
        &self,
        id: DataSetId,
        version: i64,
    ) -> Result<Option<Arc<KnownDataSet>>, StoreError> {
        if self.version() < version {
            self.refresh().await?;
        }
        self.by_id(id).await
    }

    /// Whether the token belongs to any data set but this one, so that "not for this data set" can be
    /// told from "not at all".
    pub fn is_token_of_another(&self, data_set: DataSetId, hash: &TokenHash, now: Timestamp) -> bool {
        let snapshot = self.shared.snapshot.load();
        let others = snapshot.by_id.iter().filter(|(id, _)| **id != data_set);
        others.fold(false, |found, (_, known)| known.token(hash, now).is_some() | found)
    }

    /// All data sets of which the token is a valid one, each with it.
    pub fn all_of_token(&self, hash: &TokenHash, now: Timestamp) -> Vec<(Arc<KnownDataSet>, KnownToken)> {
        let snapshot = self.shared.snapshot.load();
        let held = |known: &Arc<KnownDataSet>| Some((Arc::clone(known), known.token(hash, now)?.clone()));
        snapshot.by_id.values().filter_map(held).collect()
    }

    /// The version of the configuration that is known; 0 if none is.
    pub fn version(&self) -> i64 {
        self.shared.snapshot.load().version
    }

    /// Learns all changes that were committed before the call.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        self.shared.refresh().await
    }
}

impl Drop for Catalogue {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

impl Shared {
    async fn find(&self, wanted: Wanted<'_>) -> Result<Option<Arc<KnownDataSet>>, StoreError> {
        if let Some(found) = self.snapshot.load().find(wanted) {
            return Ok(Some(found));
        }
        self.refresh().await?;
        Ok(self.snapshot.load().find(wanted))
    }

    async fn refresh(&self) -> Result<(), StoreError> {
        let asked = Instant::now();
        let mut refreshed = self.refreshed.lock().await;
        if refreshed.is_some_and(|began| began > asked) {
            return Ok(());
        }
        // A failure is everybody's who waited for it: they would else fail one after the other.
        if self.has_failed_since(asked) {
            return Err(StoreError::NoAnswer);
        }
        let loaded = tokio::time::timeout(REFRESH_TIMEOUT, self.load()).await;
        let began = loaded.unwrap_or(Err(StoreError::NoAnswer)).inspect_err(|_| self.note_failure())?;
        *refreshed = Some(began);
        Ok(())
    }

    /// Loads what is new, and gives when it began to.
    async fn load(&self) -> Result<Instant, StoreError> {
        let began = Instant::now();
        let known = self.snapshot.load().version;
        if let Some(snapshot) = load::newer_than(&self.database, known).await? {
            info!(version = snapshot.version, data_sets = snapshot.by_id.len(), "configuration loaded");
            self.snapshot.store(Arc::new(snapshot));
        }
        Ok(began)
    }

    fn has_failed_since(&self, asked: Instant) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.is_some_and(|at| at > asked)
    }

    fn note_failure(&self) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

/// Refreshes on each notification, on each reconnection and at intervals, until the pool is closed.
async fn follow(shared: Arc<Shared>) {
    let mut backoff = Backoff::new(RECONNECT_DELAYS.0, RECONNECT_DELAYS.1, Uuid::new_v4().as_u64_pair().0);
    while !shared.database.pool.is_closed() {
        let Err(error) = listen(&shared, &mut backoff).await;
        let wait = backoff.failed();
        if !shared.database.pool.is_closed() && backoff.failures() == 1 {
            warn!(error = chain(&error), "listening for configuration changes failed");
        }
        tokio::time::sleep(wait).await;
    }
}

/// Ends only with an error.
async fn listen(shared: &Shared, backoff: &mut Backoff) -> Result<Infallible, StoreError> {
    let mut listener = PgListener::connect_with(&shared.database.pool).await?;
    listener.listen("backdrop_configuration").await?;
    loop {
        shared.refresh().await?;
        backoff.succeeded();
        tokio::select! {
            notification = listener.recv() => { notification?; }
            () = tokio::time::sleep(POLL_INTERVAL) => {}
        }
    }
}
