//! The data sets of a run, under its lock. The partition's lock covers them; locking their rows besides keeps out whatever
//! does not go by the partition.

use super::plan::DataSetState;
use crate::StoreError;
use backdrop_core::data_set::DataSetId;
use backdrop_core::ingest::DecidedEntry;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};
use std::collections::{BTreeSet, HashMap};

/// The data sets of the entries of a run that the store knows.
pub(super) type LockedDataSets = HashMap<DataSetId, LockedDataSet>;

/// A data set, deleted or not.
pub(super) struct LockedDataSet {
    pub(super) name: String,
    /// `None`: it is deleted.
    pub(super) state: Option<DataSetState>,
    /// Whether any transform reads it.
    pub(super) has_transforms: bool,
}

pub(super) async fn lock(
    connection: &mut PgConnection,
    entries: &[DecidedEntry],
) -> Result<LockedDataSets, StoreError> {
    let ids: BTreeSet<i64> = entries.iter().map(|decided| decided.entry.envelope.data_set_id.0).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(
        "SELECT d.id, d.name, d.deleted_at IS NOT NULL AS is_deleted, s.generation, s.version, s.last_timestamp,
                EXISTS (
                    SELECT FROM transform t
                    WHERE t.input_type = d.data_type AND (t.input_group IS NULL OR t.input_group = d.data_group)
                ) AS has_transforms
         FROM data_set d JOIN data_set_state s ON s.data_set_id = d.id
         -- Selected, so that the planner does not see how many there are: it would think the statement cheaper to plan
         -- anew for each run, which takes longer than to execute it.
         WHERE d.id = ANY((SELECT $1::bigint[])::bigint[])
         ORDER BY d.id FOR UPDATE OF s",
    )
    .bind(Vec::from_iter(ids))
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok((DataSetId(row.try_get("id")?), LockedDataSet::read(row)?))).collect()
}

/// The states of those that live.
pub(super) fn states(data_sets: &LockedDataSets) -> HashMap<DataSetId, DataSetState> {
    data_sets.iter().filter_map(|(id, locked)| Some((*id, locked.state?))).collect()
}

impl LockedDataSet {
    fn read(row: &PgRow) -> Result<Self, StoreError> {
        let state = DataSetState {
            generation: row.try_get("generation")?,
            version: row.try_get("version")?,
            last_timestamp: row.try_get("last_timestamp")?,
            ..DataSetState::default()
        };
        let is_deleted: bool = row.try_get("is_deleted")?;
        Ok(Self {
            name: row.try_get("name")?,
            state: (!is_deleted).then_some(state),
            has_transforms: row.try_get("has_transforms")?,
        })
    }
}
