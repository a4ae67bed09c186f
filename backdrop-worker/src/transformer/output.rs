//! Storing the results: in the log of their data set, which is made if it is missing.

use super::{Failure, LEASE, Transformer};
use backdrop_core::batch::{BatchKind, Envelope, Outcome};
use backdrop_core::data_set::{DataSet, DataSetDefinition, DataSetName, DataSetSettings, SchemaChoice};
use backdrop_core::error::ErrorCode;
use backdrop_core::origin::Origin;
use backdrop_core::schema;
use backdrop_core::shape::Row;
use backdrop_core::time;
use backdrop_core::transform::{RUN_REQUEST_PREFIX, TransformDefinition};
use backdrop_postgres::{Actor, BatchRow, KnownDataSet, NewDataSet, StoreError, TakenRun};
use backdrop_queue::AppendRequest;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The most records that are stored at once, as for any write.
const RECORDS_MAX: usize = 30_000;
/// The most bytes of them, as for any write.
const BYTES_MAX: usize = 10 * 1024 * 1024;
/// How long an append whose answer was lost is repeated.
const APPEND_DEADLINE: Duration = Duration::from_secs(10);
/// How long to wait until the results are stored, and how often to ask.
const STORED_WITHIN: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// What stands for the request in the trail and in the rows of batches: nobody sent one.
fn request_id(run: &TakenRun) -> String {
    format!("{RUN_REQUEST_PREFIX}{}", run.id)
}

impl Transformer {
    /// The data set for the results. If there is none it is made like the one that is read.
    pub(super) async fn output(
        &self,
        run: &TakenRun,
        definition: &TransformDefinition,
        input: &DataSet,
    ) -> Result<Arc<KnownDataSet>, Failure> {
        let group = definition.output.data_group.as_ref().unwrap_or(&input.data_group);
        let data_type = &definition.output.data_type;
        if let Some(known) = self.catalogue.by_group_and_type(group.as_str(), data_type.as_str()).await? {
            return Ok(known);
        }
        let name = DataSetName::of(group, data_type)
            .map_err(|_| Failure::NameTaken(format!("{group}_{data_type}")))?;
        let settings = DataSetSettings {
            auto_ids: Vec::new(),
            upload_format: String::new(),
            upload_filters: Vec::new(),
            ..input.settings.clone()
        };
        let new = NewDataSet {
            schema: Some(schema::default_for(group, data_type)),
            definition: DataSetDefinition {
                name: name.clone(),
                data_group: group.clone(),
                data_type: data_type.clone(),
                settings,
                schema: SchemaChoice::OfDataType,
                bearer_token: None,
            },
            // Who is to write there besides gets a token by the administration: a worker may make none.
            token: None,
            actor: Actor { token: None, request_id: request_id(run) },
        };
        match self.database.create_data_set(new).await {
            // Somebody else may have made it just now.
            Ok(_) | Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        self.catalogue.refresh().await?;
        let made = self.catalogue.by_group_and_type(group.as_str(), data_type.as_str()).await?;
        made.ok_or_else(|| Failure::NameTaken(name.to_string()))
    }

    /// Puts the results into the log and waits until they are stored. Gives how many there are.
    pub(super) async fn store(
        &self,
        run: &TakenRun,
        output: &DataSet,
        mut records: Vec<Row>,
    ) -> Result<usize, Failure> {
        let batch_id = Uuid::new_v5(&run.id, b"results");
        // An attempt before this one may have come so far.
        if run.attempt > 1
            && let Some(row) = self.ended(output, batch_id).await?
        {
            return stored(output, row);
        }
        if run.transform.function.is_latest() {
            self.leave_newer(output, &mut records).await?;
        }
        if records.is_empty() {
            return Ok(0);
        }
        let request = self.append_request(run, output, batch_id, &records)?;
        if !self.database.keep_run(run.id, run.attempt, LEASE).await? {
            return Err(Failure::TakenOver);
        }
        self.appender.append(request).await.map_err(Failure::Queue)?;
        let deadline = Instant::now() + STORED_WITHIN;
        while Instant::now() < deadline {
            if let Some(row) = self.ended(output, batch_id).await? {
                return stored(output, row);
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Err(Failure::NotStored)
    }

    /// Takes out the results that stand for something older than what is stored.
    async fn leave_newer(&self, output: &DataSet, records: &mut Vec<Row>) -> Result<(), Failure> {
        let id_of = |record: &Row| record.get("_id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let ids = records.iter().map(id_of).collect();
        let times = self.database.record_times(output.id, ids).await?;
        records.retain(|record| {
            let at = record.get("_timestamp").and_then(Value::as_str).and_then(|at| time::parse(at).ok());
            times.get(&id_of(record)).is_none_or(|stored| at.is_none_or(|at| at >= *stored))
        });
        Ok(())
    }

    fn append_request(
        &self,
        run: &TakenRun,
        output: &DataSet,
        batch_id: Uuid,
        records: &[Row],
    ) -> Result<AppendRequest, Failure> {
        let within = |found: usize, most: usize, unit| {
            if found > most { Err(Failure::TooMuch { found, most, unit }) } else { Ok(()) }
        };
        within(records.len(), RECORDS_MAX, "records")?;
        let records = serde_json::to_string(records).map_err(Failure::Unreadable)?;
        within(records.len(), BYTES_MAX, "bytes")?;
        let envelope = Envelope {
            data_set: Some(output.name.to_string()),
            origin: Origin::Json,
            configuration: self.catalogue.version(),
            ..Envelope::new(BatchKind::Append, batch_id, output.id, request_id(run))
        };
        let deadline = Instant::now() + APPEND_DEADLINE;
        Ok(AppendRequest { partition: output.partition, envelope, records, deadline })
    }

    async fn ended(&self, output: &DataSet, batch_id: Uuid) -> Result<Option<BatchRow>, Failure> {
        Ok(self.database.ended_batches(vec![output.id.0], vec![batch_id]).await?.pop())
    }
}

fn stored(output: &DataSet, row: BatchRow) -> Result<usize, Failure> {
    if row.outcome == Outcome::Stored {
        return Ok(usize::try_from(row.records).unwrap_or_default());
    }
    let violations =
        row.violations.as_ref().map(|violations| violations.listed.as_slice()).unwrap_or_default();
    if violations.iter().any(|violation| violation.code == ErrorCode::DataSetNotFound) {
        return Err(Failure::OutputGone);
    }
    let lines = row.violations.map(|violations| violations.lines().join("; ")).unwrap_or_default();
    let data_set = format!("{}/{}", output.data_group, output.data_type);
    Err(Failure::Rejected { data_set, batch: row.batch_id, lines })
}
