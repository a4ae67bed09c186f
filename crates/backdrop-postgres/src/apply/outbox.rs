//! What a run asks for besides: the transforms of the data sets it stored records in.

use super::data_sets::LockedDataSets;
use super::plan::Plan;
use crate::{StoreError, transforms};
use backdrop_core::batch::{BatchKind, Outcome};
use backdrop_core::data_set::DataSetId;
use backdrop_core::transform::readback::Written;
use sqlx::postgres::PgConnection;
use std::collections::{BTreeMap, BTreeSet};

/// Asks for the transforms of all data sets that have some and to which records were added. The change of a single record asks for
/// none, as in the original.
pub(super) async fn transforms(
    connection: &mut PgConnection,
    plan: &Plan,
    data_sets: &LockedDataSets,
) -> Result<(), StoreError> {
    if !data_sets.values().any(|locked| locked.has_transforms) {
        return Ok(());
    }
    transforms::queue(connection, &written(plan)).await.map(drop)
}

/// Which data sets records were added to, from which time.
fn written(plan: &Plan) -> Vec<(DataSetId, Written)> {
    let adds = |kind: &BatchKind| matches!(kind, BatchKind::Append | BatchKind::Replay { .. });
    let added = plan.batches.iter().filter(|line| line.outcome == Outcome::Stored && line.records > 0);
    let added: BTreeSet<DataSetId> = added
        .filter(|line| adds(&line.entry.envelope.kind))
        .map(|line| line.entry.envelope.data_set_id)
        .collect();
    let mut written: BTreeMap<DataSetId, Written> = BTreeMap::new();
    for (id, at) in plan.records.data_set_id.iter().zip(&plan.records.timestamp) {
        let all = written.entry(DataSetId(*id)).or_insert(Written { earliest: *at, latest: *at });
        all.earliest = all.earliest.min(*at);
        all.latest = all.latest.max(*at);
    }
    written.into_iter().filter(|(id, _)| added.contains(id)).collect()
}
