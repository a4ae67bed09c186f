//! Every key and channel in Redis.
//!
//! The partition stands in braces, the hash tag of Redis Cluster: all keys of a partition live on one
//! node, so that one script can reach them. The names outlive every process; a test pins them.

use backdrop_core::log::Partition;

/// Stream: the log. Fields of an entry: [`field`].
pub(crate) fn log(partition: Partition) -> String {
    format!("backdrop:{{{partition}}}:log")
}

/// Hash: the marker. Fields: [`marker`].
pub(crate) fn marker(partition: Partition) -> String {
    format!("backdrop:{{{partition}}}:epoch")
}

/// Channel: batches that were applied, as [`Announcement`](crate::Announcement).
pub(crate) fn applied_channel(partition: Partition) -> String {
    format!("backdrop:{{{partition}}}:applied")
}

/// Pattern of all channels of applied batches.
pub(crate) const APPLIED_CHANNELS: &str = "backdrop:{*}:applied";

/// Fields of an entry of the log.
pub(crate) mod field {
    /// When it was accepted, by the clock of Redis: microseconds since 1970.
    pub(crate) const ACCEPTED_AT: &str = "accepted_at";
    /// How many bytes had been appended to the log with this entry, since the marker was made.
    pub(crate) const APPENDED: &str = "appended";
    /// The envelope, as JSON.
    pub(crate) const ENVELOPE: &str = "envelope";
    /// The JSON array of records.
    pub(crate) const RECORDS: &str = "records";
}

// Fields of the marker, as the scripts name them: `epoch`, the open epoch; `run_id`, the life of the
// server it was opened for; `n`, the last n given in it; `appended`, bytes of envelopes and records ever appended; `applied`, the
// value of `appended` at the last entry that is known to be applied; the difference of the two is the backlog in
// bytes. `cursor`, the id of that entry, as workers have told; for who cannot ask the store.

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_as_ever() {
        assert_eq!(log(Partition(7)), "backdrop:{7}:log");
        assert_eq!(marker(Partition(7)), "backdrop:{7}:epoch");
        assert_eq!(applied_channel(Partition(7)), "backdrop:{7}:applied");
    }
}
