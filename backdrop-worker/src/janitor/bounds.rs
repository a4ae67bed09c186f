//! Keeping data sets within their retention and their size.

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

/// A data set that was measured.
#[derive(Clone, Debug)]
struct Measured {
    version: i64,
    capped_size: Option<i64>,
    /// Up to where records go that have not gone yet.
    horizon: Option<Horizon>,
    /// Until when it is not measured again.
    rests_until: Instant,
}

impl Bounds {
    /// Takes a step in each data set that has records to let go; gives how many went.
    pub(super) async fn step(&mut self, database: &Database) -> Result<u64, StoreError> {
        let data_sets = database.bounded_data_sets().await?;
        self.measured.retain(|id, _| data_sets.iter().any(|data_set| data_set.id == *id));
        let mut removed = 0;
        for data_set in data_sets {
            if data_set.retention_days.is_some()
                && let Some(horizon) = database.retention_horizon(data_set).await?
            {
                removed += database.retire_records(data_set, horizon).await?;
            }
            if data_set.capped_size.is_some() {
                removed += self.shrink(database, data_set).await?;
            }
        }
        Ok(removed)
    }

    /// Takes a step towards the size of a data set, measuring it first if it may have outgrown that.
    async fn shrink(&mut self, database: &Database, data_set: BoundedDataSet) -> Result<u64, StoreError> {
        let measured = match self.measured.get(&data_set.id) {
            Some(measured) if !measured.is_outdated(data_set, Instant::now()) => measured,
            _ => {
                let began = Instant::now();
                let horizon = database.size_horizon(data_set).await?;
                let rests_until = Instant::now() + began.elapsed() * REST_PER_MEASUREMENT;
                let (version, capped_size) = (data_set.version, data_set.capped_size);
                let measured = Measured { version, capped_size, horizon, rests_until };
                &*self.measured.entry(data_set.id).insert_entry(measured).into_mut()
            }
        };
        let Some(horizon) = measured.horizon.clone() else { return Ok(0) };
        let removed = database.retire_records(data_set, horizon).await?;
        if removed == 0
            && let Some(measured) = self.measured.get_mut(&data_set.id)
        {
            measured.horizon = None;
        }
        Ok(removed)
    }
}

impl Measured {
    /// Whether the data set is to be measured anew: not while there are records to let go, not as long as it is
    /// as it was, and not all the time.
    fn is_outdated(&self, data_set: BoundedDataSet, now: Instant) -> bool {
        let is_other_bound = self.capped_size != data_set.capped_size;
        let has_changed = self.version != data_set.version && now >= self.rests_until;
        is_other_bound || (self.horizon.is_none() && has_changed)
    }
}
