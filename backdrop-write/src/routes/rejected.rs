//! `/data/{group}/{type}/rejected`: what was refused lately, and why; and what becomes of it.

use super::State;
use super::record::is_not_for_a_record;
use super::writer::{Asked, Writer};
use crate::error::WriteError;
use actix_web::guard;
use actix_web::web::{self, Bytes, Data, Path, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::batch::BatchKind;
use backdrop_core::data_set::DataSet;
use backdrop_core::error::ErrorCode;
use backdrop_core::record::Violation;
use backdrop_core::time;
use backdrop_core::token::Scope;
use backdrop_postgres::{KeptBatch, RejectedBatch};
use backdrop_service::request::RequestId;
use backdrop_service::routing::{get, only};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use uuid::Uuid;

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(
            web::resource("/data/{group}/{type}/rejected")
                .guard(guard::fn_guard(is_not_for_a_record))
                .route(get().to(list))
                .default_service(only("GET, HEAD, PATCH, DELETE")),
        )
        .service(
            web::resource("/data/{group}/{type}/rejected/{batch}")
                .route(get().to(show))
                .delete(discard)
                .default_service(only("GET, HEAD, DELETE")),
        )
        .service(
            web::resource("/data/{group}/{type}/rejected/{batch}/replay")
                .post(replay)
                .default_service(only("POST")),
        );
}

/// A rejected batch.
#[derive(Serialize)]
struct Item {
    id: Uuid,
    rejected_at: String,
    kind: &'static str,
    /// The record that the batch was to change, if it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    record_id: Option<String>,
    replayed_as: Option<Uuid>,
    messages: Vec<String>,
    errors: Vec<Violation>,
    errors_total: usize,
}

/// A rejected batch in a list: without its records, but how many there are.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    item: Item,
    records: Option<i32>,
}

/// A rejected batch with its records.
#[derive(Serialize)]
struct Shown {
    status: &'static str,
    #[serde(flatten)]
    item: Item,
    /// The numbers of the records in their request, if the others of it were stored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    numbers: Vec<usize>,
    /// Null if what was kept is no list of records.
    records: Option<Box<RawValue>>,
}

impl From<RejectedBatch> for Item {
    fn from(batch: RejectedBatch) -> Self {
        Self {
            id: batch.batch_id,
            rejected_at: time::format(batch.rejected_at),
            kind: batch.kind.as_str(),
            record_id: match batch.kind {
                BatchKind::Patch { id } | BatchKind::DeleteRecord { id } => Some(id),
                _ => None,
            },
            replayed_as: batch.replayed_as,
            messages: batch.violations.lines(),
            errors_total: batch.violations.total,
            errors: batch.violations.listed,
        }
    }
}

async fn list(
    state: Data<State>,
    path: Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    let known = state.data_set(&path.0, &path.1).await?;
    state.guard.holder(Scope::Read, &request, &known, &state.catalogue)?;
    let rejected = state.database.rejected_batches(&known.data_set).await?;
    let listed = |batch: RejectedBatch| Listed { records: batch.records, item: batch.into() };
    let rejected: Vec<Listed> = rejected.into_iter().map(listed).collect();
    Ok(HttpResponse::Ok().json(json!({"status": "ok", "rejected": rejected})))
}

async fn show(
    state: Data<State>,
    path: Path<(String, String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    let known = state.data_set(&path.0, &path.1).await?;
    state.guard.holder(Scope::Read, &request, &known, &state.catalogue)?;
    let kept = find(&state, &known.data_set, &path.2).await?;
    let (kept, records) = inflate(kept).await?;
    let numbers = kept.batch.numbers.clone();
    let records = RawValue::from_string(records).ok();
    Ok(HttpResponse::Ok().json(Shown { status: "ok", item: kept.batch.into(), numbers, records }))
}

async fn discard(
    state: Data<State>,
    path: Path<(String, String, String)>,
    request: HttpRequest,
    request_id: RequestId,
) -> Result<HttpResponse, WriteError> {
    let known = state.data_set(&path.0, &path.1).await?;
    let caller = state.guard.holder(Scope::Write, &request, &known, &state.catalogue)?;
    let batch_id = path.2.parse().map_err(|_| not_kept(&path.2))?;
    let actor = caller.actor(request_id);
    if state.database.discard_rejected(known.data_set.id, batch_id, actor).await? {
        Ok(HttpResponse::Ok().json(json!({"status": "ok"})))
    } else {
        Err(not_kept(&path.2))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplayOptions {
    /// Whether records that were changed since are left alone.
    #[serde(default)]
    only_if_unchanged: bool,
}

async fn replay(
    state: Data<State>,
    path: Path<(String, String, String)>,
    options: Query<ReplayOptions>,
    request: HttpRequest,
    request_id: RequestId,
) -> Result<HttpResponse, WriteError> {
    let writer = Writer::admit(&state, state.data_set(&path.0, &path.1).await?, &request)?;
    let kept = find(&state, &writer.known.data_set, &path.2).await?;
    expect_records(&kept.batch)?;
    let (kept, records) = inflate(kept).await?;
    let only_if_unchanged = options.only_if_unchanged;
    let kind = BatchKind::Replay { of: kept.batch.batch_id, only_if_unchanged };
    let idempotency = writer.key_standing_for(&kind, &Bytes::new()).await?;
    let asked = Asked { kind, origin: kept.origin, records, faults: kept.faults, idempotency, room: None };
    writer.submit(&state, asked, request_id, json!({"status": "ok"})).await
}

/// Only records can be stored by a replay. A patch is for the record as it was then.
fn expect_records(batch: &RejectedBatch) -> Result<(), WriteError> {
    if batch.kind == BatchKind::Append && batch.records != Some(0) {
        return Ok(());
    }
    let kind = batch.kind.as_str();
    let message = format!(
        "Only batches of records can be replayed, and this one is of the kind \"{kind}\". Send it anew."
    );
    Err(WriteError::new(ErrorCode::NotReplayable, message))
}

async fn find(state: &State, data_set: &DataSet, batch: &str) -> Result<KeptBatch, WriteError> {
    let batch_id = batch.parse().map_err(|_| not_kept(batch))?;
    state.database.rejected_batch(data_set, batch_id).await?.ok_or_else(|| not_kept(batch))
}

fn not_kept(batch: &str) -> WriteError {
    let message = format!("No rejected batch with id {batch} is kept.");
    WriteError::new(ErrorCode::RejectedNotFound, message)
}

/// The records of a rejected batch. They may be large, and other requests share this thread.
async fn inflate(kept: KeptBatch) -> Result<(KeptBatch, String), WriteError> {
    let inflating = tokio::task::spawn_blocking(move || kept.inflate().map(|records| (kept, records))).await;
    Ok(inflating.map_err(|_| WriteError::new(ErrorCode::Internal, "Inflating the batch failed."))??)
}
