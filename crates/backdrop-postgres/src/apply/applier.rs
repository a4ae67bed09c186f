//! Who applies the runs of a partition, one after the other.

use super::{ApplyResult, apply};
use crate::database::Kept;
use crate::{Database, StoreError};
use backdrop_core::ingest::DecidedEntry;
use backdrop_core::log::{Cursor, Partition};
use tokio::sync::oneshot;

/// Applies the runs of a partition. While one follows close upon the other it keeps its connection.
#[derive(Debug)]
pub struct Applier {
    database: Database,
    partition: Partition,
    kept: Kept,
}

impl Applier {
    /// For a partition; takes no connection yet.
    pub fn new(database: Database, partition: Partition) -> Self {
        Self { database, partition, kept: Kept::default() }
    }

    /// Applies entries, in order, and moves the cursor from `read_after` to `new_cursor`, which is at the
    /// last of the entries or beyond it. `ending` is told when the records are written and only the rows of batches,
    /// partition and data sets and the commit are left, about a third of the time; if it does not come to that, `ending` is dropped.
    ///
    /// # Errors
    /// If Postgres cannot be asked or refuses; then nothing was done, unless the answer to the commit was
    /// lost, which the cursor tells.
    pub async fn apply(
        &mut self,
        read_after: Cursor,
        entries: Vec<DecidedEntry>,
        new_cursor: Cursor,
        ending: oneshot::Sender<()>,
    ) -> Result<ApplyResult, StoreError> {
        let partition = self.partition;
        let connection = self.database.take(&mut self.kept);
        let work = async move {
            let mut connection = connection.await?;
            let applied = apply(connection.get(), partition, read_after, entries, new_cursor, ending).await?;
            Ok((applied, connection))
        };
        let (applied, connection) = self.database.in_task(work).await?;
        self.database.keep(connection, &mut self.kept);
        Ok(applied)
    }

    /// Nothing is to be applied for a while: the connection is for others.
    pub fn rest(&mut self) {
        self.kept = Kept::default();
    }
}
