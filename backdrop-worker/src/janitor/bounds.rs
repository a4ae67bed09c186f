//! Keeping data sets within their retention and their size.

use super::counted;
use backdrop_core::data_set::DataSetId;
use backdrop_postgres::{BoundedDataSet, Database, Horizon, StoreError};
use std::collections::HashMap;
use std::time::Instant;

/// Measuring a data set, which reads all of it, takes at most one part in so many of the time.
const REST_PER_MEASUREMENT: u32 = 30;

/// What is known of the sizes of data sets.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    measured: HashMap<DataSetId, Measured>,
}

/// A data set that was measured, or could not be.
#[derive(Clone, Debug)]
struct Measured {
    /// As of which version; `None`: it could not be.
    version: Option<i64>,
    capped_size: Option<i64>,
    /// Up to where records go that have not gone yet.
    horizon: Option<Horizon>,
    /// Until when it is not measured again.
    rests_until: Instant,
}

impl Bounds {
    /// Takes a step in each data set that has records to let go; gives how many went.
    pub(super) async fn step(&mut self, database: &Database) -> u64 {
        let data_sets = match database.bounded_data_sets().await {
            Ok(data_sets) => data_sets,
            Err(error) => return counted(Err(error), "what data sets do not keep"),
        };
        self.measured.retain(|id, _| data_sets.iter().any(|data_set| data_set.id == *id));
        let mut removed = 0;
        for data_set in data_sets {
            removed += counted(expire(database, data_set).await, "records beyond their retention");
            removed += counted(self.shrink(database, data_set).await, "records beyond the size");
        }
        removed
    }

    /// Takes a step towards the size of a data set, measuring it first if it may have outgrown that.
    async fn shrink(&mut self, database: &Database, data_set: BoundedDataSet) -> Result<u64, StoreError> {
        if data_set.capped_size.is_none() {
            return Ok(0);
        }
        let measured = self.measured.get(&data_set.id);
        if measured.is_none_or(|measured| measured.is_outdated(data_set, Instant::now())) {
            self.measure(database, data_set).await?;
        }
        let Some(measured) = self.measured.get_mut(&data_set.id) else { return Ok(0) };
        let Some(horizon) = measured.horizon.clone() else { return Ok(0) };
        let removed = database.retire_records(data_set, horizon).await?;
        if removed == 0 {
            measured.horizon = None;
        }
        Ok(removed)
    }

    /// Measures a data set. One that cannot be measured is left alone as long as one that can: it may be too large
    /// for the time that a statement has.
    async fn measure(&mut self, database: &Database, data_set: BoundedDataSet) -> Result<(), StoreError> {
        let began = Instant::now();
        let found = database.size_horizon(data_set).await;
        let rests_until = Instant::now() + began.elapsed() * REST_PER_MEASUREMENT;
        let (version, horizon, failed) = match found {
            Ok(horizon) => (Some(data_set.version), horizon, None),
            Err(error) => (None, None, Some(error)),
        };
        let capped_size = data_set.capped_size;
        self.measured.insert(data_set.id, Measured { version, capped_size, horizon, rests_until });
        failed.map_or(Ok(()), Err)
    }
}

/// Lets some of the records go that are older than their data set keeps them.
async fn expire(database: &Database, data_set: BoundedDataSet) -> Result<u64, StoreError> {
    if data_set.retention_days.is_none() {
        return Ok(0);
    }
    match database.retention_horizon(data_set).await? {
        Some(horizon) => database.retire_records(data_set, horizon).await,
        None => Ok(0),
    }
}

impl Measured {
    /// Whether the data set is to be measured anew: not while there are records to let go, not as long as it is
    /// as it was, and not all the time.
    fn is_outdated(&self, data_set: BoundedDataSet, now: Instant) -> bool {
        let is_other_bound = self.capped_size != data_set.capped_size;
        let has_changed = self.version != Some(data_set.version) && now >= self.rests_until;
        is_other_bound || (self.horizon.is_none() && has_changed)
    }
}
