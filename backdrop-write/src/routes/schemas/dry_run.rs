//! A dry run of a schema: what would become of the records that are stored.
//!
//! They are read page by page and judged on threads of their own, the next page being read meanwhile. So it takes the
//! memory of two pages, however large the data set, and ends when the client hangs up.

use super::super::{State, no_data_set};
use crate::error::WriteError;
use actix_web::HttpResponse;
use backdrop_core::data_set::DataSet;
use backdrop_core::error::ErrorCode;
use backdrop_core::schema::{Rehearsal, Schema};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// How many records are read and judged at once: some tens of milliseconds of work.
const PAGE_RECORDS: i64 = 2_000;
/// After how many bytes of them a page ends, though there are more: each may have megabytes.
const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The records of a page, as id and body.
type Page = Vec<(String, String)>;

pub(super) async fn run(
    state: &State,
    data_set: &DataSet,
    schema: Option<Schema>,
) -> Result<HttpResponse, WriteError> {
    let name = data_set.name.as_str();
    let Some(schema) = schema else {
        // What is stored follows the record rules.
        let row = state.database.data_set_named(name.to_owned()).await?.ok_or_else(|| no_data_set(name))?;
        let found = json!({"records": row.records, "failing": 0, "reasons": []});
        return Ok(answer(&found));
    };
    // They are heavy: more at once would only take longer, and the processor from the writes.
    let _permit = state.dry_runs.acquire().await.map_err(|_| lost())?;
    let schema = Arc::new(schema);
    let mut rehearsal = Rehearsal::default();
    let mut page = next_page(state, data_set, None).await?;
    while let Some((last, _)) = page.last() {
        let last = last.clone();
        let judging = {
            let schema = Arc::clone(&schema);
            let (rehearsal, page) = (std::mem::take(&mut rehearsal), std::mem::take(&mut page));
            tokio::task::spawn_blocking(move || judge(rehearsal, &schema, page))
        };
        page = next_page(state, data_set, Some(last)).await?;
        rehearsal = judging.await.map_err(|_| lost())??;
    }
    Ok(answer(&json!(rehearsal)))
}

async fn next_page(state: &State, data_set: &DataSet, after: Option<String>) -> Result<Page, WriteError> {
    Ok(state.database.stored_records_after(data_set.id, after, PAGE_RECORDS, PAGE_BYTES_MAX).await?)
}

fn judge(mut rehearsal: Rehearsal, schema: &Schema, page: Page) -> Result<Rehearsal, WriteError> {
    for (id, body) in page {
        let mut record: Map<String, Value> = serde_json::from_str(&body).map_err(|_| lost())?;
        record.insert("_id".into(), Value::String(id));
        rehearsal.judge(schema, &Value::Object(record));
    }
    Ok(rehearsal)
}

fn answer(found: &Value) -> HttpResponse {
    let mut answer = json!({"status": "ok", "dry_run": true});
    for (key, value) in found.as_object().into_iter().flatten() {
        answer[key] = value.clone();
    }
    HttpResponse::Ok().json(answer)
}

fn lost() -> WriteError {
    WriteError::new(ErrorCode::Internal, "The dry run did not come to its end; try it again.")
}
