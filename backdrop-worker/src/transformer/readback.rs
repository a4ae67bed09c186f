//! Reading back what a transform is computed from.

use super::{Failure, Transformer};
use backdrop_core::data_set::DataSet;
use backdrop_core::query::{Answer, Query};
use backdrop_core::shape::Row;

impl Transformer {
    /// The rows of the answer, as the query service would give them.
    pub(super) async fn rows(&self, data_set: &DataSet, query: &Query) -> Result<Vec<Row>, Failure> {
        match query.answer() {
            Answer::Rows(listing) => {
                let page = self.reader.rows(data_set.id, query.selection(), listing).await?;
                let records = page.found.rows;
                let read = move || records.iter().map(|row| serde_json::from_str(row.get())).collect();
                apart::<Result<_, _>>(read).await?.map_err(Failure::Unreadable)
            }
            Answer::Groups(grouping) => {
                let gathered = self.reader.groups(data_set.id, query.selection(), grouping).await?;
                apart(move || gathered.found.rows()).await?.map_err(Failure::Query)
            }
        }
    }
}

/// On a thread of its own: it may take a core a second.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(Failure::Lost)
}
