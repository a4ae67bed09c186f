//! Compiled schemas. A version of a schema never changes, so it is compiled once.

use backdrop_core::data_set::{DataSet, DataSetId, SchemaVersion};
use backdrop_core::schema::{Schema, SchemaError};
use backdrop_postgres::{Database, StoreError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How many compiled schemas are kept; then all are compiled anew when next needed. Far more than a
/// worker meets unless schemas change all the time.
const KEPT: usize = 1_000;

/// Why there is no compiled schema.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SchemaLoadError {
    /// The store cannot be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The data set names a version that is not there.
    #[error("version {} of the schema of data set {} is missing", .1.0, .0.0)]
    Missing(DataSetId, SchemaVersion),
    /// It was checked when it was set, so this is a fault of ours.
    #[error("the stored schema of data set {} cannot be compiled", .0.0)]
    Broken(DataSetId, #[source] SchemaError),
}

/// The schemas that were needed so far.
#[derive(Debug)]
pub(crate) struct Schemas {
    database: Database,
    compiled: Mutex<HashMap<(DataSetId, SchemaVersion), Arc<Schema>>>,
}

impl Schemas {
    pub(crate) fn new(database: Database) -> Self {
        Self { database, compiled: Mutex::default() }
    }

    /// The schema in force for a data set; `None`: record rules only.
    pub(crate) async fn of(&self, data_set: &DataSet) -> Result<Option<Arc<Schema>>, SchemaLoadError> {
        let Some(version) = data_set.schema else { return Ok(None) };
        let key = (data_set.id, version);
        if let Some(schema) = self.compiled.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Some(Arc::clone(schema)));
        }
        let document = self.database.schema(data_set.id, version).await?;
        let document = document.ok_or(SchemaLoadError::Missing(data_set.id, version))?;
        let schema =
            Schema::compile(&document).map_err(|error| SchemaLoadError::Broken(data_set.id, error))?;
        let schema = Arc::new(schema);
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if compiled.len() >= KEPT {
            compiled.clear();
        }
        compiled.insert(key, Arc::clone(&schema));
        Ok(Some(schema))
    }
}
