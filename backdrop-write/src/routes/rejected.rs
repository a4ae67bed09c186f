//! `GET /data/{group}/{type}/rejected`: what was refused lately, and why.

use super::State;
use crate::error::WriteError;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::record::Violation;
use backdrop_core::time;
use backdrop_core::token::Scope;
use backdrop_service::routing::{get, only};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(
        web::resource("/data/{group}/{type}/rejected")
            .route(get().to(list))
            .default_service(only("GET, HEAD")),
    );
}

/// A rejected batch.
#[derive(Serialize)]
struct Item {
    id: Uuid,
    rejected_at: String,
    messages: Vec<String>,
    errors: Vec<Violation>,
    errors_total: usize,
}

async fn list(
    state: Data<State>,
    path: Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    let (group, data_type) = path.into_inner();
    let known = state.data_set(&group, &data_type).await?;
    state.guard.holder(Scope::Read, &request, &known, &state.catalogue)?;
    let rejected = state.database.rejected_batches(known.data_set.id).await?;
    let items = rejected.into_iter().map(|batch| Item {
        id: batch.batch_id,
        rejected_at: time::format(batch.rejected_at),
        messages: batch.violations.lines(),
        errors_total: batch.violations.total,
        errors: batch.violations.listed,
    });
    Ok(HttpResponse::Ok().json(json!({"status": "ok", "rejected": items.collect::<Vec<_>>()})))
}
