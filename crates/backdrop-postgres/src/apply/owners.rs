//! Whose an entry is, if the store was restored to before its data set was made.
//!
//! Such a store does not know the data set, and may give its number to the next one that is made. What the log
//! still holds of the lost one must not get there: neither its records, nor its keys, nor what is kept of it.

use super::data_sets::LockedDataSets;
use backdrop_core::data_set::DataSetId;
use backdrop_core::ingest::DecidedEntry;
use tracing::warn;

/// Makes entries of data sets that the store does not know nobody's; gives how many. They are refused as those of a
/// deleted data set are, and kept.
pub(super) fn disown_unknown(entries: &mut [DecidedEntry], data_sets: &LockedDataSets) -> usize {
    let mut disowned = 0;
    for decided in entries {
        let envelope = &mut decided.entry.envelope;
        let name = data_sets.get(&envelope.data_set_id).map(|locked| &locked.name);
        let is_known = name.is_some_and(|name| envelope.data_set.as_ref().is_none_or(|said| said == name));
        if !is_known && envelope.data_set_id != DataSetId::NOBODY {
            let (id, name) = (envelope.data_set_id.0, envelope.data_set.as_deref());
            warn!(id, name, batch = %envelope.batch_id, "the data set of an entry is not known, it is kept as nobody's");
            envelope.data_set_id = DataSetId::NOBODY;
            // A key stands for a batch of one data set.
            envelope.idempotency = None;
            disowned += 1;
        }
    }
    disowned
}
