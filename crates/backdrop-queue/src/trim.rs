//! Trimming what was applied long ago.

use crate::keys;
use crate::{PartitionReader, QueueError};
use backdrop_core::log::Cursor;

impl PartitionReader {
    /// Removes entries up to and including the cursor, which must have been committed for as long as
    /// entries are to be kept. Whole nodes of the stream only, which is quick; up to a hundred entries
    /// more may stay.
    ///
    /// # Errors
    /// If Redis cannot be asked.
    pub async fn trim(&mut self, committed: Cursor) -> Result<u64, QueueError> {
        let first_kept = match committed.entry() {
            Some(entry) => format!("{}-{}", entry.epoch, entry.n + 1),
            None => format!("{}-0", committed.epoch()),
        };
        let removed = redis::cmd("XTRIM")
            .arg(keys::log(self.partition))
            .arg("MINID")
            .arg("~")
            .arg(first_kept)
            .query_async(&mut self.link.connection)
            .await?;
        Ok(removed)
    }
}
