//! The configuration of all data sets, cached in the process: no request asks Postgres for it.
//!
//! A change reaches every process by `NOTIFY`, which is only a hint: after each reconnection and every
//! five seconds the version is compared anyway, and a data set that is not known is looked for once
//! more before it is called missing.

mod follow;
mod load;
mod snapshot;

pub use snapshot::{KnownDataSet, KnownToken};

use crate::{Database, StoreError};
use arc_swap::ArcSwap;
use backdrop_core::data_set::{DataSetId, DataSetName};
use backdrop_core::time::Timestamp;
use backdrop_core::token::TokenHash;
use snapshot::{Snapshot, Wanted};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tracing::{info, warn};

/// For how long a process that starts waits for its configuration before it begins without.
const START_WAIT: Duration = Duration::from_secs(1);
/// How long loading the configuration may take before Postgres counts as hanging.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(5);

/// What a process has to know.
#[derive(Clone, Copy, Debug)]
enum Contents {
    /// Who may write, too.
    WithTokens,
    /// Data sets alone: a process that checks no token need not be let see their hashes.
    WithoutTokens,
}

/// How often the process had at hand what was looked for.
#[derive(Debug, Default)]
pub struct Lookups {
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Lookups {
    /// How often the data set was known.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// How often the store had to be asked whether there is such a data set.
    pub fn misses(&self) -> u64 {
        self.misses.load(Ordering::Relaxed)
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
    contents: Contents,
    snapshot: ArcSwap<Snapshot>,
    /// Held by who refreshes.
    refreshes: Mutex<Refreshes>,
    lookups: Arc<Lookups>,
}

/// What became of the newest refreshes. Who waited for one need not do it again.
#[derive(Debug, Default)]
struct Refreshes {
    /// When the newest that went well began.
    began: Option<Instant>,
    /// When the newest that did not go well was given up.
    failed: Option<Instant>,
}

impl Catalogue {
    /// Begins with what is configured now, if Postgres can be reached; else with nothing, and learns it
    /// as soon as it can.
    pub async fn start(database: Database) -> Self {
        Self::start_with(database, Contents::WithTokens).await
    }

    /// The same for a process that checks no tokens: it knows none, and needs no right to read them.
    pub async fn start_without_tokens(database: Database) -> Self {
        Self::start_with(database, Contents::WithoutTokens).await
    }

    async fn start_with(database: Database, contents: Contents) -> Self {
        let snapshot = ArcSwap::from_pointee(Snapshot::default());
        let shared = Arc::new(Shared {
            database,
            contents,
            snapshot,
            refreshes: Mutex::default(),
            lookups: Arc::default(),
        });
        if !matches!(tokio::time::timeout(START_WAIT, shared.refresh()).await, Ok(Ok(()))) {
            warn!("configuration not loaded yet");
        }
        let follower = tokio::spawn(follow::follow(Arc::clone(&shared)));
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

    /// The name of the data set with that id, if it is known; asks nobody.
    pub fn name_of(&self, id: DataSetId) -> Option<DataSetName> {
        self.shared.snapshot.load().by_id.get(&id).map(|known| known.data_set.name.clone())
    }

    /// Counts what is looked for.
    pub fn lookups(&self) -> Arc<Lookups> {
        Arc::clone(&self.shared.lookups)
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
            self.lookups.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(Some(found));
        }
        self.lookups.misses.fetch_add(1, Ordering::Relaxed);
        self.refresh().await?;
        Ok(self.snapshot.load().find(wanted))
    }

    async fn refresh(&self) -> Result<(), StoreError> {
        let asked = Instant::now();
        let mut refreshes = self.refreshes.lock().await;
        if refreshes.began.is_some_and(|began| began > asked) {
            return Ok(());
        }
        // A failure is everybody's who waited for it: they would else fail one after the other.
        if refreshes.failed.is_some_and(|failed| failed > asked) {
            return Err(StoreError::NoAnswer);
        }
        let began = Instant::now();
        let loaded = tokio::time::timeout(REFRESH_TIMEOUT, self.load()).await;
        match loaded.unwrap_or(Err(StoreError::NoAnswer)) {
            Ok(()) => refreshes.began = Some(began),
            Err(error) => {
                refreshes.failed = Some(Instant::now());
                return Err(error);
            }
        }
        Ok(())
    }

    /// Loads what is new.
    async fn load(&self) -> Result<(), StoreError> {
        let known = self.snapshot.load_full();
        if let Some(snapshot) = load::other_than(&self.database, self.contents, &known).await? {
            info!(version = snapshot.version, data_sets = snapshot.by_id.len(), "configuration loaded");
            self.snapshot.store(Arc::new(snapshot));
        }
        Ok(())
    }
}
